// A chain result is what docs/results/chain.json holds: a model over two scripts beside one isolate, in pairs.

import type { Machine } from './results.ts'
import { ROOT } from './setup.ts'

export const CHAIN_FILE = `${ROOT}/docs/results/chain.json`

/** What is compared: seconds of both sides in each pair, the one that `of` names first. */
export type ChainCase = {
  name:
    'decode, one process' | 'decode, two processes' | 'two sessions, two processes' | 'prefill, two processes'
  of: string
  against: string
  /** Tokens that were timed on each side. */
  tokens: [number, number]
  pairs: [number, number][]
  /** Speed of the one in terms of the other, at least. */
  goal: number
}

export type ChainResult = {
  machine: Machine
  model: string
  /** Layers of the hub, and of all. */
  hubLayers: number
  layers: number
  prompt: number
  /** Milliseconds there and back, without computing: in one process and between two, median of visits. */
  hops: { one: number; two: number; visits: { one: number[]; two: number[] } }
  cases: ChainCase[]
}

/** Of one pair: the speed of the one in terms of the other. */
export function chainSpeed({ tokens }: Pick<ChainCase, 'tokens'>, [of, against]: [number, number]): number {
  return tokens[0] / of / (tokens[1] / against)
}
