// Prefill and decode in a Durable Object under wrangler dev, in turns with llama.cpp on one thread: on the same file, and
// on its requantisation to Q4_0, the format of llama.cpp's fastest kernels.

import type { Case } from './lib/cases.ts'
import { prepareLlama } from './lib/llama.ts'
import { speedMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { oursVariant } from './lib/ours.ts'
import { FORMATS, type SpeedResult } from './lib/result-types.ts'
import { describeMachine, printTable, writeResult } from './lib/results.ts'
import { caseNames, inTurns, speed as medianSpeed, variantNames, type Run } from './lib/rounds.ts'
import { printMeasures } from './lib/verdicts.ts'

export type SpeedOptions = {
  rounds: number
  repetitions: number
  cases: Case[]
  only: 'ours' | 'llama' | undefined
}

/** Runs all rounds, prints the tables and writes results/speed.json (not when only one side ran). */
export async function speed({ rounds, repetitions, cases, only }: SpeedOptions): Promise<void> {
  const machine = await describeMachine()
  if (only !== 'llama') prepareModel()
  const llama = only === 'ours' ? undefined : await prepareLlama(cases, repetitions)
  const variants = [
    ...(only === 'llama' ? [] : [oursVariant(cases, repetitions)]),
    ...(llama?.variants ?? []),
  ]
  const measured = await inTurns(variants, rounds)
  printSpeeds(measured.runs)
  if (only !== undefined || llama === undefined) return
  printMeasures(speedMeasures(measured))
  const result: SpeedResult = {
    name: 'speed',
    format: FORMATS.speed,
    model: MODEL,
    machine,
    llama: llama.about,
    ...measured,
  }
  writeResult(result)
}

/** Median tokens a second, a row for each case, a column for each variant. */
export function printSpeeds(runs: readonly Run[]): void {
  const variants = variantNames(runs)
  printTable(
    ['tokens/s, medians', ...variants],
    caseNames(runs).map((name) => [
      name,
      ...variants.map((variant) => medianSpeed(runs, variant, name)?.toFixed(1) ?? '-'),
    ]),
  )
}
