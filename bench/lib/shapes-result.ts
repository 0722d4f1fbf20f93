// A shapes result is what docs/results/shapes.json holds: models of real sizes with random weights, served as chains.

import type { ChainModelName } from './chain-models.ts'
import type { Machine } from './results.ts'
import { ROOT } from './setup.ts'

export const SHAPES_FILE = `${ROOT}/docs/results/shapes.json`

/** One script of a chain, the hub first. Bytes; the peak is linear memory and the most that JavaScript held. */
export type ShapeStage = {
  holds: string
  weightBytes: number
  planned: number
  linear: number
  heap: number
  peak: number
  /** Of the hub: what JavaScript holds after a collection. */
  held?: number
  /** As the hub counts them; of itself there are none. */
  hops?: { calls: number; lastMs: number; slowestMs: number }
}

export type ShapeResult = {
  name: ChainModelName
  title: string
  machine: Machine
  weightBytes: number
  tokenizerBytes: number
  stages: ShapeStage[]
  /** Seconds until the chain can serve; of the first token of `prompt` ids; of `tokens` tokens behind it. */
  load: number
  prompt: number
  first: number
  tokens: number
  decode: number
  /** The same in one memory in Node, whose logits of `compared` tokens are the chain's bit for bit. */
  whole: { first: number; decode: number; ids: number[] }
  compared: number
  isSame: boolean
}

export type ShapesResult = { shapes: ShapeResult[] }
