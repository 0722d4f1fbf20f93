// A model, as the engine knows it, runs rows and leaves logits. graph/forward.ts implements it.

import type { ModelSpec } from '../models/spec.ts'
import type { WindowOptions } from '../cache/window.ts'
import type { PromptShape } from '../cache/prompt-shape.ts'

/** One token of a step: prefill rows of one sequence have rising positions, decode rows come from many. */
export type Row = {
  id: number
  position: number
  /** Page number by position / PAGE_POSITIONS; undefined where the page was given back. */
  pages: readonly (number | undefined)[]
  /** Ask for this row's logits. */
  logits: boolean
  /** Of the sequence's first prompt; absent = PLAIN. */
  shape?: PromptShape
}

export interface Model {
  readonly spec: ModelSpec
  readonly window: WindowOptions
  /** Rows one call may hold, and how many of them may ask for logits. */
  readonly maxRows: number
  readonly maxLogitRows: number
  /** The KV pool: `pageCount` pages of `pageBytes` bytes each. */
  readonly pageCount: number
  readonly pageBytes: number
  /**
   * Runs the rows through all layers: writes their K and V into their pages (which must exist), then attends.
   * Rows of one sequence must be in order of position; everything before them must have been run.
   */
  forward(rows: readonly Row[]): void
  /** What the host told the kernels' instance: 24 (SIGXCPU) when the request's CPU time is nearly used up, 0 = nothing. */
  readonly signal: number
  /** Takes note of the signal: the model outlives the request that it was meant for. */
  clearSignal(): void
  /** Logits of the i-th row that asked, (vocab) f32, a view into linear memory valid until the next forward. */
  logits(index: number): Float32Array
  /** Copies a page when a sequence forks. */
  copyPage(to: number, from: number): void
  /** The bytes of a page, copied out (`pageBytes`), and back into any page: the same logits follow, bit for bit. */
  readPage(page: number): Uint8Array
  writePage(page: number, bytes: Uint8Array): void
  /** Pages that `gather` and `scatter` take at once; 0 where a page is too large for storage. */
  readonly gatherPages: number
  /** The bytes of pages side by side, a view until the next call of the model, and their checksum (lib/checksum.ts). */
  gather(pages: readonly number[]): { bytes: Uint8Array; checksum: string }
  /** Puts bytes that `gather` gave into pages, but for those undefined. False, and no page touched, where they are not what they were. */
  scatter(bytes: Uint8Array, checksum: string, pages: readonly (number | undefined)[]): boolean
}
