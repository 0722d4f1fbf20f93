// A model runs the rows of a step and yields logits or hidden states. graph/stage.ts implements it.

import type { ModelSpec } from '../models/spec.ts'
import type { WindowOptions } from '../cache/window.ts'
import type { PromptShape } from '../cache/prompt-shape.ts'

/**
 * What a row leaves behind besides its K and V: `logits`, or `hidden`, the state of the last layer after the
 * final norm, from which the head makes logits.
 */
export type Yield = 'nothing' | 'logits' | 'hidden'

/** One token of a step: prefill rows of one sequence have rising positions, decode rows come from many. */
export type Row = {
  id: number
  position: number
  /** Page number by position / PAGE_POSITIONS; undefined where the page was given back. */
  pages: readonly (number | undefined)[]
  yields: Yield
  /** Of the sequence's first prompt; absent = PLAIN. */
  shape?: PromptShape
}

/** What the rows of a step have left: views that are valid until the model's next call, of logits until others are asked for. */
export interface Outputs {
  /** Of the i-th row that yields logits, (vocab) f32. To be asked for in order: a vocabulary's worth a row is not kept for all. */
  logits(index: number): Float32Array
  /** Of the i-th row that yields its hidden state, (hidden) f32. */
  hidden(index: number): Float32Array
}

/** The pages of the KV pool, by number. */
export interface Pages {
  readonly count: number
  readonly pageBytes: number
  /** Copies a page when a sequence forks. */
  copy(to: number, from: number): void
  /**
   * The bytes of a page, copied out (`pageBytes`), and back into any page: the same logits follow, bit for
   * bit.
   */
  read(page: number): Uint8Array
  write(page: number, bytes: Uint8Array): void
}

/** Moves pages to storage and back, several at once. */
export interface PageStaging {
  /** Pages that go at once; 0 where a page is too large for storage. */
  readonly pages: number
  /**
   * The bytes of pages side by side, a view until the next call of the model, and their checksum
   * (lib/checksum.ts). `names` are what they are stored by: other isolates store their parts of the same pages.
   */
  gather(pages: readonly number[], names: readonly string[]): { bytes: Uint8Array; checksum: string }
  /**
   * Puts bytes that `gather` gave into pages, but for those undefined. False, and no page touched, where they
   * are not what they were.
   */
  scatter(
    bytes: Uint8Array,
    checksum: string,
    pages: readonly (number | undefined)[],
    names: readonly string[],
  ): boolean
  /** Runs of pages, by their ids (cache/chain.ts), that are stored no more. */
  drop?(runs: readonly number[]): void
}

/** What the host tells the kernels' instance. */
export interface Signal {
  /** 24 (SIGXCPU) when the request's CPU time is nearly used up, 0 = nothing. */
  readonly value: number
  /** Takes note of it: the model outlives the request that it was meant for. */
  clear(): void
}

export interface Model {
  readonly spec: ModelSpec
  readonly window: WindowOptions
  /** Rows one call may hold, and how many of them may yield logits. */
  readonly maxRows: number
  readonly maxLogitRows: number
  readonly pages: Pages
  readonly staging: PageStaging
  readonly signal: Signal
  /** Whether pages of sequences that no step writes to may be gathered while a step is under way. */
  readonly stagesAnytime?: boolean
  /** Steps of different sequences that it takes before the first has settled; absent: one. */
  readonly stepsUnderWay?: number
  /**
   * Runs the rows through all layers: writes their K and V into their pages (which must exist), then attends.
   * Rows of one sequence must be in order of position; everything before them must have been run. A promise
   * where other isolates compute a part of it: no other call of the model may come before it settles, but for
   * as many runs as `stepsUnderWay` allows. It must settle well within the engine's patience (ABANDONED_MS of
   * engine/step.ts).
   */
  run(rows: readonly Row[]): Outputs | Promise<Outputs>
}

/** A model that is whole in this isolate: it answers at once. */
export interface LocalModel extends Model {
  run(rows: readonly Row[]): Outputs
}
