// Four sessions that decode together in one isolate, all their tokens counted, beside llama.cpp's single decode: fresh
// processes in turns. The four are warm, so that all of them decode from the first step on.

import type { Case, CaseRuns, Timing } from './lib/cases.ts'
import { promptIds } from './lib/cases.ts'
import { Client, type Streamed } from './lib/client.ts'
import { prepareLlama } from './lib/llama.ts'
import { sessionsMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type SessionsResult } from './lib/result-types.ts'
import { describeMachine, writeResult } from './lib/results.ts'
import { inTurns } from './lib/rounds.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'
import { printSpeeds } from './speed.ts'

export const SESSIONS = 4
export const CASE: Case = { prompt: 256, decode: 64 }

/** Prints the speeds and the ratio, and writes results/sessions.json. `window`: large enough that the pool holds all four. */
export async function sessions(options: {
  rounds: number
  repetitions: number
  window: number
}): Promise<void> {
  const { rounds, repetitions, window } = options
  const machine = await describeMachine()
  prepareModel()
  const llama = await prepareLlama([CASE], repetitions)
  let linearMemoryBytes = 0
  const ours = {
    name: 'ours',
    async run(): Promise<CaseRuns[]> {
      const { linear, runs } = await runTogether(window, repetitions)
      linearMemoryBytes = linear
      const name = `sessions:${SESSIONS}x${CASE.decode}@${CASE.prompt}`
      return [{ case: name, tokens: SESSIONS * CASE.decode, runs }]
    },
  }
  const measured = await inTurns([ours, ...llama.variants], rounds)
  printSpeeds(measured.runs)
  const result: SessionsResult = {
    name: 'sessions',
    format: FORMATS.sessions,
    model: MODEL,
    machine,
    sessions: SESSIONS,
    window,
    linearMemoryBytes,
    llama: llama.about,
    ...measured,
  }
  printMeasures(sessionsMeasures(result))
  writeResult(result)
}

async function runTogether(window: number, repetitions: number): Promise<{ linear: number; runs: Timing[] }> {
  const worker = await startIslet({ WINDOW: window })
  const clients = Array.from({ length: SESSIONS }, () => new Client(worker.url))
  try {
    const health = await untilHealthy(worker)
    if (health['window'] !== window)
      throw new BenchError(`WINDOW ${window} was refused: ${String(health['note'])}`)
    const runs: Timing[] = []
    for (let r = -1; r < repetitions; r++) {
      // r = -1 warms up.
      const timing = await decodeTogether(clients, r + 1)
      if (r >= 0) runs.push(timing)
    }
    return { linear: Number(health['linear_memory_bytes']), runs }
  } finally {
    for (const client of clients) client.close()
    await worker.stop()
  }
}

/** The `serial`-th prompts of all clients are made warm one by one, and then decode together. */
export async function decodeTogether(clients: readonly Client[], serial: number): Promise<Timing> {
  const prompts = clients.map((_, i) => promptIds(CASE.prompt, serial * SESSIONS + i))
  for (const [i, client] of clients.entries()) await client.complete(MODEL, prompts[i], 1)
  const start = performance.now()
  return together(await Promise.all(clients.map((client, i) => timed(client, prompts[i], start))))
}

/** Arrivals counted from `start`, in seconds. */
async function timed(client: Client, prompt: number[], start: number): Promise<Streamed> {
  const sent = (performance.now() - start) / 1e3
  const streamed = await client.complete(MODEL, prompt, CASE.decode + 1)
  return { ...streamed, arrivals: streamed.arrivals.map((at) => at + sent) }
}

/**
 * Seconds from the first token of whoever was first to the last token of whoever was last: the ragged start and end count
 * against us. Throws BenchError where they did not run together.
 */
function together(streams: readonly Streamed[]): Timing {
  for (const { usage } of streams) {
    if (usage.cachedTokens < CASE.prompt - 1)
      throw new BenchError(`a session was cold (${usage.cachedTokens} tokens reused): raise --window`)
  }
  const starts = streams.map(({ arrivals }) => arrivals[0])
  const ends = streams.map(({ arrivals }) => arrivals[arrivals.length - 1])
  const seconds = Math.max(...ends) - Math.min(...starts)
  const shared = Math.min(...ends) - Math.max(...starts)
  if (shared < seconds / 2)
    throw new BenchError(
      `the sessions shared only ${shared.toFixed(2)} of ${seconds.toFixed(2)} s: raise --window`,
    )
  return { seconds, chunks: streams.reduce((sum, { arrivals }) => sum + arrivals.length, 0) }
}
