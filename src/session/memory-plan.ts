// How many KV pages an isolate affords: what one sequence needs, and more where a small model leaves room.

/** Linear memory in all, bytes: what 120 MB leave beside the JS heap, buffers and the tokenizer. */
const LINEAR_BUDGET = 104e6

/** Pools beyond this many full sequences would only hold idle ones. */
const MOST_SEQUENCES = 8

/** Pages of the pool, given the plan of a pool that holds one sequence. */
export function poolPages(plan: { totalBytes: number; pageBytes: number; pageCount: number }): number {
  const spare = Math.floor((LINEAR_BUDGET - plan.totalBytes) / plan.pageBytes)
  return Math.min(plan.pageCount + Math.max(0, spare), plan.pageCount * MOST_SEQUENCES)
}
