// A chain cost result is what docs/results/chain-cost.json holds: what chains take of time and money, computed.

import { ROOT } from './setup.ts'
import type { ChainBill, ChainTimes, Rates, Scene } from './chain-cost.ts'
import type { ChainModelName } from './chain-models.ts'

export const CHAIN_COST_FILE = `${ROOT}/docs/results/chain-cost.json`

export type ChainCostModel = {
  name: ChainModelName
  title: string
  /** Whether `islet pack --stages` cuts it; else its layers are cut, which nothing serves. */
  isServed: boolean
  weightBytes: number
  /** Of the fullest isolate, by its plan. */
  mostBytes: number
  times: ChainTimes
  bill: ChainBill
  /** Tokens a second where a hop takes what it takes here, between two processes. */
  here: number
  /** The same in one process, whose isolates share a thread. */
  oneProcess: number
}

export type ChainCostResult = {
  rates: Rates
  /** Of the measurement of rates. */
  cpu: string
  commit: string
  /** Milliseconds, as measured here in one process and between two. */
  hops: { one: number; two: number }
  scene: Scene
  models: ChainCostModel[]
}
