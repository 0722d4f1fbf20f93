// Sessions that decode together in one isolate, all their tokens counted, beside llama.cpp's batch of as many sequences and its
// single decode: fresh processes in turns. Sessions are warm, so that all of them decode from the first step on.

import { PAGE_POSITIONS } from '../src/kernels/layout.ts'
import type { Case, CaseRuns, Timing } from './lib/cases.ts'
import { caseName, measuredTokens, promptIds } from './lib/cases.ts'
import { Client, type Streamed } from './lib/client.ts'
import { prepareLlama } from './lib/llama.ts'
import { sessionsMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type SessionsResult } from './lib/result-types.ts'
import { describeMachine, writeResult } from './lib/results.ts'
import { inTurns } from './lib/rounds.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startMany, untilHealthy, type Worker } from './lib/worker.ts'
import { printSpeeds } from './speed.ts'

export const CASE: Case = { prompt: 256, decode: 64 }
const CASES: readonly Case[] = [4, 8, 16].map((sequences) => ({ ...CASE, sequences }))
const MOST = 16

/** Of comparisons of two checkouts (pairs.ts). */
export const SESSIONS = 4

/** Of each session: its positions, one that is begun, and one that a fork may copy. */
const PAGES = Math.ceil((CASE.prompt + CASE.decode + 1) / PAGE_POSITIONS) + 2

/** Prints the speeds and the ratios, and writes results/sessions.json. */
export async function sessions(options: { rounds: number; repetitions: number }): Promise<void> {
  const { rounds, repetitions } = options
  const machine = await describeMachine()
  prepareModel()
  const llama = await prepareLlama([CASE, ...CASES], repetitions)
  let linearMemoryBytes = 0
  const ours = {
    name: 'ours',
    async run(): Promise<CaseRuns[]> {
      const worker = await startMany(MOST * PAGES)
      try {
        linearMemoryBytes = Number((await untilHealthy(worker))['linear_memory_bytes'])
        const found: CaseRuns[] = []
        for (const todo of CASES) found.push(await runTogether(worker, todo, repetitions))
        return found
      } finally {
        await worker.stop()
      }
    },
  }
  const measured = await inTurns([ours, ...llama.variants], rounds)
  printSpeeds(measured.runs)
  const result: SessionsResult = {
    name: 'sessions',
    format: FORMATS.sessions,
    model: MODEL,
    machine,
    linearMemoryBytes,
    llama: llama.about,
    ...measured,
  }
  printMeasures(sessionsMeasures(result))
  writeResult(result)
}

async function runTogether(worker: Worker, todo: Case, repetitions: number): Promise<CaseRuns> {
  const { sequences = 1 } = todo
  const clients = Array.from({ length: sequences }, () => new Client(worker.url))
  try {
    const runs: Timing[] = []
    for (let r = -1; r < repetitions; r++) {
      // r = -1 warms up. No two prompts of a process may begin alike.
      const timing = await decodeTogether(clients, sequences * 100 + r + 1)
      if (r >= 0) runs.push(timing)
    }
    return { case: caseName(todo), tokens: measuredTokens(todo), runs }
  } finally {
    for (const client of clients) client.close()
  }
}

/** The `serial`-th prompts of all clients are made warm one by one, and then decode together. */
export async function decodeTogether(clients: readonly Client[], serial: number): Promise<Timing> {
  const prompts = clients.map((_, i) => promptIds(CASE.prompt, serial * MOST + i))
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
      throw new BenchError(`a session was cold (${usage.cachedTokens} tokens reused)`)
  }
  const starts = streams.map(({ arrivals }) => arrivals[0])
  const ends = streams.map(({ arrivals }) => arrivals[arrivals.length - 1])
  const seconds = Math.max(...ends) - Math.min(...starts)
  const shared = Math.min(...ends) - Math.max(...starts)
  if (shared < seconds / 2)
    throw new BenchError(`the sessions shared only ${shared.toFixed(2)} of ${seconds.toFixed(2)} s`)
  return { seconds, chunks: streams.reduce((sum, { arrivals }) => sum + arrivals.length, 0) }
}
