// Log probabilities of the model itself: of the raw logits at temperature 1, before any rule of sampling.

import { exp, log } from '../lib/math.ts'

export type IdLogprob = { id: number; logprob: number }

/** The chosen id's log probability, and the `top` likeliest ids, best first. */
export type Logprobs = { logprob: number; top: IdLogprob[] }

/**
 * ln softmax at `id` and at the `top` largest of (vocab) f32 logits, ties to the lower id. Sums are float64 in order
 * of id. `best` is the largest logit.
 */
export function logprobsOf(logits: Float32Array, best: number, id: number, top: number): Logprobs {
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += exp(logits[i] - best)
  const offset = best + log(sum)
  const ids = largest(logits, Math.min(top, logits.length))
  return {
    logprob: logits[id] - offset,
    top: ids.map((other) => ({ id: other, logprob: logits[other] - offset })),
  }
}

/** The ids of the `count` largest values, best first, ties to the lower id: a short list kept in order. */
function largest(values: Float32Array, count: number): number[] {
  const ids: number[] = []
  if (count === 0) return ids
  for (let id = 0; id < values.length; id++) {
    if (ids.length === count) {
      if (!(values[id] > values[ids[count - 1]])) continue
      ids.pop()
    }
    let slot = ids.length
    while (slot > 0 && values[ids[slot - 1]] < values[id]) slot--
    ids.splice(slot, 0, id)
  }
  return ids
}
