// The reuse search finds the sequence of the cache that saves a turn most work.

import { reusablePrefix } from '../cache/reusable-prefix.ts'
import type { WindowOptions } from '../cache/window.ts'
import { sharedKeys } from '../cache/prompt-shape.ts'
import type { Sequence } from './sequence.ts'
import type { Turn } from './turn.ts'

/**
 * The sequence that holds most of a turn's beginning, an idle one where several hold as much, and how many
 * positions it holds.
 */
export function mostReusable(
  sequences: readonly Sequence[],
  { tenant, ids, shape }: Pick<Turn, 'tenant' | 'shape'> & { ids: readonly number[] },
  window: WindowOptions,
): { best: Sequence | undefined; reused: number } {
  let best: Sequence | undefined
  let reused = 0
  for (const sequence of sequences) {
    if (sequence.tenant !== undefined && sequence.tenant !== tenant) continue
    const length = sharedKeys(sequence.shape, shape, reusablePrefix(sequence, ids, window))
    if (length < reused || length === 0) continue
    if (length === reused && best !== undefined && !best.busy) continue
    best = sequence
    reused = length
  }
  return { best, reused }
}
