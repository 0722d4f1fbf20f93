// What the API knows of lanes: plain requests in, plain events out. Implemented over Durable Object RPC
// in the worker, and by a scripted fake in the API's tests.

import type { GenerateRequest, GenerationEvent } from '../engine/events.ts'

export type ModelCard = {
  /** The model's id, lower case. */
  id: string
  /** Seconds since 1970. */
  created: number
  ownedBy: string
}

export type LaneHealth = {
  state: 'ready' | 'loading' | 'cold' | 'failed'
  /** Bytes of weights in place, of `total`. */
  done: number
  total: number
  /** Why it failed. */
  message?: string
  /** `window` is the widest of `byDepth`, where runs of layers have windows of their own. */
  window: { window?: number; sinks: number; byDepth?: readonly number[] }
  model: string
  /** Linear memory of the engine, once it is in place. */
  linearMemoryBytes?: number
  /** Requests that the engine works on, and that wait for KV pages. */
  running?: number
  waiting?: number
  /** For the operator, e.g. that the window was halved after a memory reset. */
  note?: string
}

export interface Lanes {
  /** Ids this deployment serves, from its manifest. */
  models(): Promise<ModelCard[]>
  /**
   * One generation: events in order; `return()` on the iterator cancels it, also while a `next()` is waiting.
   * The first event is `start`, `progress` or `error`; the last is `finish` or `error`.
   */
  generate(request: GenerateRequest): AsyncIterable<GenerationEvent>
  /** State of the lane that would serve next; asking begins the load when it is cold. */
  health(): Promise<LaneHealth>
}
