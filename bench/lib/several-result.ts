// A several result is what docs/results/several.json holds: peaks of the isolate with eight sessions at once.

import type { Machine } from './results.ts'
import { ROOT } from './setup.ts'

export const SEVERAL_FILE = `${ROOT}/docs/results/several.json`

/** Bytes, linear memory included: the peak of each run and the worst of them; `held`: after a collection. */
export type SeveralCase = {
  withSchema: boolean
  /** Of each session, one after the other. */
  answers: number
  peaks: number[]
  peak: number
  held: number
  linear: number
}

export type SeveralResult = {
  machine: Machine
  model: string
  window: number
  sessions: number
  /** Of an answer, at most. */
  tokens: number
  cases: SeveralCase[]
}
