// The DRY rule is a penalty on ids that would go on with a repetition: the longer that is, the larger.
// As its author defined it (p-e-w, text-generation-webui, 2024); docs/sampling.md has the formula.

import { exp, log } from '../lib/math.ts'
import type { SamplingRules } from '../protocol/generation.ts'
import type { Processor } from './history.ts'

/** A penalty this large is a ban, as a logit bias of -100 is; without a limit it would soon be no number. */
const MOST = 100

/**
 * Of each id that once followed what the sequence now ends with: the longest such ending of n ids counts, and from
 * `allowedLength` on its score falls by multiplier * base^(n - allowedLength).
 */
export function penalizeRepeats(dry: NonNullable<SamplingRules['dry']>): Processor {
  const { multiplier, base, allowedLength, lastN = Infinity } = dry
  const least = Math.max(1, allowedLength)
  const growth = log(base)
  let matches = new Int32Array(0)
  return function dontRepeat(scores, { history }) {
    if (history === undefined) return
    const { ids, breaks } = history
    const end = ids.length
    const size = Math.min(end, lastN)
    let unbroken = 0
    while (unbroken < size && !breaks[end - 1 - unbroken]) unbroken++
    if (unbroken < least) return
    if (matches.length < size) matches = new Int32Array(2 * size)
    matchEndings(ids, size, matches)
    const longest = new Map<number, number>()
    for (let back = 1; back < size; back++) {
      const length = Math.min(matches[back], unbroken)
      // What followed that place; where it breaks sequences nothing goes on with it.
      const next = ids[end - back]
      if (length < least || breaks[end - back] || next >= scores.length) continue
      if (length > (longest.get(next) ?? 0)) longest.set(next, length)
    }
    for (const [id, length] of longest)
      scores[id] -= Math.min(MOST, multiplier * exp(growth * (length - allowedLength)))
  }
}

/**
 * For each number `back` from 1 on: how many of the last ids are also the last ones where `back` ids are left out at the
 * end (the Z-function of the ids in reverse: linear time).
 */
function matchEndings(ids: readonly number[], size: number, out: Int32Array): void {
  const last = ids.length - 1
  let left = 0
  let right = 0
  for (let back = 1; back < size; back++) {
    let length = back < right ? Math.min(right - back, out[back - left]) : 0
    while (back + length < size && ids[last - length] === ids[last - back - length]) length++
    out[back] = length
    if (back + length > right) {
      left = back
      right = back + length
    }
  }
}
