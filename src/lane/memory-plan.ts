// A memory plan is checked against what an isolate affords, and gets as many KV pages on top as still fit.

import { IsletError } from '../lib/errors.ts'
import { LINEAR_BYTES, POOL_BYTES } from '../lib/limits.ts'

/** Rows of a step that may have logits: decoding sequences share the reading of the weights. Whoever comes waits for a step's end. */
export const LOGIT_ROWS = 8

/** Pools beyond this many full sequences would only hold idle ones. */
const MOST_SEQUENCES = 8

export type PoolPlan = { totalBytes: number; pageBytes: number; pageCount: number }

/**
 * Pages of the pool, given the plan of a pool that holds one sequence, the bytes that it may take (0 = no
 * limit of its own), and those of the isolate that are another's. Throws out_of_memory when even that is too large.
 */
export function poolPages({ totalBytes, pageBytes, pageCount }: PoolPlan, budget = 0, reserve = 0): number {
  const room = LINEAR_BYTES - reserve
  if (totalBytes > room) {
    const pages = `${pageCount} KV pages of ${pageBytes} bytes`
    const beside = reserve > 0 ? ` beside ${reserve} of RESERVE_MB` : ''
    throw new IsletError(
      'out_of_memory',
      `the plan is ${totalBytes} bytes of linear memory (${pages}), and an isolate has room for ${room}${beside}: lower WINDOW`,
    )
  }
  const spare = Math.floor((POOL_BYTES - reserve - totalBytes) / pageBytes)
  const afforded = Math.min(pageCount + Math.max(0, spare), pageCount * MOST_SEQUENCES)
  return budget === 0 ? afforded : Math.max(pageCount, Math.min(afforded, Math.floor(budget / pageBytes)))
}
