// The result of a comparison of decoding with a schema and without, as docs/results/grammar-speed.json keeps it.

import type { Machine } from './results.ts'

export type SpeedOfGrammar = {
  machine: Machine
  model: string
  pairs: number
  /** Of each answer of a pair. */
  tokens: number
  /** Medians of pairs: milliseconds a token, and the speed with a schema over that without. */
  ratios: { mode: string; without: number; held: number; ratio: number }[]
  /** Milliseconds that the first token comes later, medians: by a schema that is new, and by one that is kept. */
  firstToken: { compiled: number; kept: number }
}
