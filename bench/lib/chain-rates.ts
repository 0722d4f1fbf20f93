// Chain rates are what SmolLM2 in one object was measured at, by the bytes that it reads and the positions that it looks at.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rates } from './chain-cost.ts'
import type { SpeedResult } from './result-types.ts'
import { speed } from './rounds.ts'
import { BENCH, ROOT } from './setup.ts'

type Facts = {
  spec: { layers: number; heads: number; headDim: number }
  kinds: { kind: string; bytes: number }[]
  weightBytes: number
}

/** Kinds that the model's table is stored in, and no layer. */
const TABLE_KINDS = ['q8', 'q6', 'q5']

/** What was decoded, and prefilled, at two lengths: what grows with them is attention's. */
const SHORT = { prompt: 256, prefill: 'prefill:256', decode: 'decode:64@256' }
const LONG = { prompt: 1024, prefill: 'prefill:1024', decode: 'decode:64@1024' }
const DECODED = 64

/** The rates that bench/results/speed.json and docs/models give, and the commit of the measurement. */
export function measuredRates(): { rates: Rates; commit: string; cpu: string } {
  const result = JSON.parse(readFileSync(join(BENCH, 'results/speed.json'), 'utf8')) as SpeedResult
  const facts = JSON.parse(readFileSync(`${ROOT}/docs/models/smollm2-135m-instruct.json`, 'utf8')) as Facts
  const secondsOf = (name: string): number => {
    const measured = speed(result.runs, 'ours', name)
    if (measured === undefined) throw new Error(`bench/results/speed.json has no ${name}`)
    return 1 / measured
  }
  return {
    rates: ratesOf(facts, secondsOf),
    commit: result.machine.commit,
    cpu: result.machine.cpu,
  }
}

/** `secondsOf` a token of a case. */
export function ratesOf({ spec, kinds, weightBytes }: Facts, secondsOf: (name: string) => number): Rates {
  const table = kinds
    .filter(({ kind }) => TABLE_KINDS.includes(kind))
    .reduce((sum, { bytes }) => sum + bytes, 0)
  const width = spec.layers * spec.heads * spec.headDim
  const apart = LONG.prompt - SHORT.prompt
  const decode = [SHORT, LONG].map((each) => secondsOf(each.decode))
  const decodeLook = (decode[1] - decode[0]) / apart / width
  const decodeByte = (decode[0] - (SHORT.prompt + DECODED / 2) * width * decodeLook) / weightBytes
  // A prompt's head is for its last row alone.
  const prefill = [SHORT, LONG].map((each) => secondsOf(each.prefill) - (table * decodeByte) / each.prompt)
  // A row looks at half of the prompt, on average.
  const prefillLook = (prefill[1] - prefill[0]) / (apart / 2) / width
  const prefillByte = (prefill[0] - (SHORT.prompt / 2) * width * prefillLook) / (weightBytes - table)
  return { decodeByte, prefillByte, decodeLook, prefillLook }
}
