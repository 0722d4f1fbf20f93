// What an isolate affords: whether a plan fits at all, and how many KV pages a small model may have on top.

import { IsletError } from '../lib/errors.ts'

/** Rows of a step that may have logits: decoding sequences share the reading of the weights four at a time. */
export const LOGIT_ROWS = 4

/** Linear memory in all, bytes: 120 MB less the JS heap, stream buffers and the tokenizer. Nothing enforces it locally. */
const LINEAR_LIMIT = 112e6

/** More pages than one sequence needs are made up to here: the last megabytes stay free for bursts. */
const POOL_BUDGET = 104e6

/** Pools beyond this many full sequences would only hold idle ones. */
const MOST_SEQUENCES = 8

export type PoolPlan = { totalBytes: number; pageBytes: number; pageCount: number }

/** Pages of the pool, given the plan of a pool that holds one sequence and the bytes that it may take (0 = no limit of its own). Throws out_of_memory when even that is too large. */
export function poolPages({ totalBytes, pageBytes, pageCount }: PoolPlan, budget = 0): number {
  if (totalBytes > LINEAR_LIMIT) {
    const pages = `${pageCount} KV pages of ${pageBytes} bytes`
    throw new IsletError(
      'out_of_memory',
      `the plan is ${totalBytes} bytes of linear memory (${pages}), and an isolate has room for ${LINEAR_LIMIT}: lower WINDOW`,
    )
  }
  const spare = Math.floor((POOL_BUDGET - totalBytes) / pageBytes)
  const afforded = Math.min(pageCount + Math.max(0, spare), pageCount * MOST_SEQUENCES)
  return budget === 0 ? afforded : Math.max(pageCount, Math.min(afforded, Math.floor(budget / pageBytes)))
}
