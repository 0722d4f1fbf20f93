// A several result is what docs/results/several.json holds: peaks of the isolate with eight sessions at once.

import type { Machine } from './results.ts'

/** Bytes: the worst of all runs, and the peak of each; `held`: after a collection. Linear memory is in all. */
export type SeveralCase = { withSchema: boolean; peaks: number[]; peak: number; held: number; linear: number }

export type SeveralResult = {
  name: 'several'
  model: string
  machine: Machine
  window: number
  sessions: number
  cases: SeveralCase[]
}
