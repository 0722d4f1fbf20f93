// The reusable prefix is what a prompt and a cached sequence have in common, if all that it sees is held.

import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { visible, type WindowOptions } from './window.ts'

/** How many leading ids are equal, at most `limit`. */
export function commonPrefix(a: readonly number[], b: readonly number[], limit: number): number {
  const end = Math.min(limit, a.length, b.length)
  let length = 0
  while (length < end && a[length] === b[length]) length++
  return length
}

/**
 * True when every key that the query at `position` sees before itself lies in a held page. What later queries
 * see of the earlier positions is a part of that, so one check serves the whole prompt.
 */
export function seesOnlyHeld(
  pages: readonly (number | undefined)[],
  position: number,
  options: WindowOptions,
): boolean {
  const seen = visible(position, options)
  const held = (from: number, to: number): boolean => {
    if (from >= to) return true
    const last = Math.floor((to - 1) / PAGE_POSITIONS)
    for (let index = Math.floor(from / PAGE_POSITIONS); index <= last; index++) {
      if (pages[index] === undefined) return false
    }
    return true
  }
  return held(0, seen.sinkEnd) && held(seen.start, position)
}

/**
 * Positions of `prompt` that need not be computed again, given a sequence of `cached` ids of which `length`
 * have their K and V in `pages`. At most prompt length - 1 (the last row gives the first logits); 0 where a
 * seen key is gone.
 */
export function reusablePrefix(
  cached: { ids: readonly number[]; length: number; pages: readonly (number | undefined)[] },
  prompt: readonly number[],
  options: WindowOptions,
): number {
  const common = commonPrefix(cached.ids, prompt, Math.min(cached.length, prompt.length - 1))
  return common > 0 && seesOnlyHeld(cached.pages, common, options) ? common : 0
}
