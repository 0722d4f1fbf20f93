// A fair result is what `npm run fair -- --save` keeps of one model: B's waits beside each load of A's.

import type { Machine } from './results.ts'

/** B's first token beside A's load, in times of what it is beside one ordinary stream: at the median, and at worst. */
export const FAIR_GOALS = { median: 3, worst: 6 }

/** Seconds until B's first token. */
export type Waits = { median: number; worst: number }

export type FairResult = {
  machine: Machine
  /** Requests of B beside each load. */
  tries: number
  /** Tokens a second of A with nobody beside it: of one stream, and of four together. */
  alone: { one: number; four: number }
  /** Beside one ordinary stream of A's. */
  ordinary: Waits
  /** By load, in the order in which they ran. */
  loads: Record<string, Waits>
}

/** By model. */
export type FairResults = Record<string, FairResult>
