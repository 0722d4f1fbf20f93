// A sampling speed is what `node bench/sampling-speed.ts --save` keeps: milliseconds of one choice, by setting.

import type { Machine } from './results.ts'

/** Milliseconds a token above greedy that the project wants to stay within, by setting. */
export const SAMPLING_GOALS: Record<string, number> = {
  'temperature 1': 0.2,
  'top_p 0.9': 0.4,
  'logprobs 5': 0.4,
}

export type SamplingSpeed = {
  model: string
  machine: Machine
  vocab: number
  /** Tokens that each value is the median of. */
  tokens: number
  greedy: number[]
  cases: { name: string; ms: number[] }[]
}
