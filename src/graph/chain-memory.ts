// Chain memory is what an isolate of a chain holds beyond what one with a whole model does. Who cuts a model
// and who loads it plan by the same.

import type { WindowOptions } from '../cache/window.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { LayerRange } from '../weights/layer-range.ts'
import { pagesPerSequence } from './memory-layout.ts'
import { viewsOf } from './views.ts'

/**
 * Chunks of a prompt that go through the stages in one step. With fewer, stages wait longer at both ends of a step; with more, whoever
 * comes meanwhile waits longer for the next.
 */
export const CHUNKS = 8

/** Rows of a step that may have logits: where several stages make these, all rows' lie in the hub's JavaScript. */
export const CHAIN_LOGIT_ROWS = 4

/** Numbers a logit that a sampler may need (sampling/candidates.ts). */
const SAMPLING_ARRAYS = 4

/** What a chain is planned by: rows of a chunk, chunks of a step, and the most positions of a sequence (default: the context). */
export type ChainPlanning = { window: WindowOptions; chunk: number; chunks?: number; maxPositions?: number }

/** Pages that one sequence needs at most, in every stage. */
export function chainPages(spec: ModelSpec, planning: ChainPlanning): number {
  const { window, chunk, chunks = CHUNKS, maxPositions = spec.context } = planning
  const rows = spec.prefix === undefined ? chunk * chunks : chunk
  return pagesPerSequence(viewsOf(spec, window).widest, rows, maxPositions)
}

/**
 * Bytes beside linear memory in the isolate of a hub that has this range: the tokenizer, and where stages make the logits these and
 * what a sampler makes of them, since of a vocabulary so large its arrays count.
 */
export function hubBytes(
  { spec, tokenizer }: { spec: ModelSpec; tokenizer: { length: number } },
  { head }: LayerRange,
  logitRows: number,
): number {
  return tokenizer.length + (head ? 0 : (logitRows + SAMPLING_ARRAYS) * spec.vocab * 4)
}
