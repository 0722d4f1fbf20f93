// Prefill and decode in a Durable Object under wrangler dev, in turns with llama.cpp on one thread: a fresh process
// per side and round, the order reversed each round, medians over all repetitions.

import type { Case, Timing } from './lib/cases.ts'
import { caseName, measuredTokens, promptIds } from './lib/cases.ts'
import { Client, timeCase } from './lib/client.ts'
import type { LlamaRun } from './lib/llama.ts'
import { runLlama } from './lib/llama.ts'
import { MODEL, findGguf, prepareModel } from './lib/model.ts'
import { describeMachine, median, printTable, sha256File, writeResult } from './lib/results.ts'
import type { Native } from './lib/setup.ts'
import { setUpLlama } from './lib/setup.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'

export type SpeedOptions = {
  rounds: number
  repetitions: number
  cases: Case[]
  only: 'ours' | 'llama' | undefined
}

type Side = 'ours' | 'llama'
type Run = { side: Side; round: number; cases: { case: string; runs: Timing[] }[] }

/** Runs all rounds, prints the table and writes results/speed.json (not when only one side ran). */
export async function speed(options: SpeedOptions): Promise<void> {
  const machine = describeMachine()
  if (options.only !== 'llama') prepareModel()
  const llama = options.only === 'ours' ? undefined : { native: setUpLlama(), gguf: findGguf() }
  const sides = (['llama', 'ours'] as const).filter((side) => (options.only ?? side) === side)
  const runs: Run[] = []
  let about: Omit<LlamaRun, 'cases'> | undefined

  for (let round = 0; round < options.rounds; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      console.error(`round ${round + 1} of ${options.rounds}: ${side}`)
      if (side === 'ours' || llama === undefined) {
        runs.push({ side: 'ours', round, cases: await runOurs(options) })
      } else {
        const { cases, ...rest } = runLlama(llama.native, llama.gguf, options.cases, options.repetitions)
        about = rest
        runs.push({ side: 'llama', round, cases })
      }
    }
  }

  const table = options.cases.map((todo) => {
    const [ours, theirs] = (['ours', 'llama'] as const).map((side) => tokensPerSecond(runs, side, todo))
    return { case: caseName(todo), ours, llama: theirs, ratio: ours && theirs && ours / theirs }
  })
  const show = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? '-'
  printTable(
    ['tokens/s, medians', 'ours', 'llama.cpp', 'ratio'],
    table.map((row) => [row.case, show(row.ours, 1), show(row.llama, 1), show(row.ratio, 2)]),
  )
  if (options.only !== undefined) return
  writeResult('speed', {
    name: 'speed',
    model: MODEL,
    machine,
    llama: describeLlama(llama, about),
    table,
    runs,
  })
}

async function runOurs(options: SpeedOptions): Promise<Run['cases']> {
  const worker = await startIslet()
  const client = new Client(worker.url)
  try {
    await untilHealthy(worker)
    let serial = 0
    const results: Run['cases'] = []
    for (const todo of options.cases) {
      const runs: Timing[] = []
      for (let r = -1; r < options.repetitions; r++) {
        // r = -1 warms up, as on the other side.
        const timing = await timeCase(client, MODEL, todo, promptIds(todo.prompt, serial++))
        if (r >= 0) runs.push(timing)
      }
      results.push({ case: caseName(todo), runs })
    }
    return results
  } finally {
    client.close()
    await worker.stop()
  }
}

function tokensPerSecond(runs: readonly Run[], side: Side, todo: Case): number | undefined {
  const name = caseName(todo)
  const timings = runs
    .filter((run) => run.side === side)
    .flatMap((run) => run.cases.filter((c) => c.case === name))
  const seconds = timings.flatMap((found) => found.runs.map((timing) => timing.seconds))
  return seconds.length === 0 ? undefined : measuredTokens(todo) / median(seconds)
}

function describeLlama(
  llama: { native: Native; gguf: string } | undefined,
  about: Omit<LlamaRun, 'cases'> | undefined,
): Record<string, unknown> | undefined {
  if (llama === undefined) return undefined
  return {
    release: llama.native.release,
    ggufSha256: sha256File(llama.gguf),
    flashAttention: true,
    kv: 'f16',
    ...about,
  }
}
