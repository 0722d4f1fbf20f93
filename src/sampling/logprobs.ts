// Log probabilities are those of the raw logits at temperature 1, before any rule of sampling.

import { exp, log } from '../lib/math.ts'
import { largest } from './candidates.ts'

export type IdLogprob = { id: number; logprob: number }

/** The chosen id's log probability, and the `top` likeliest ids, best first. */
export type Logprobs = { logprob: number; top: IdLogprob[] }

/**
 * ln softmax at `id` and at the `top` largest of (vocab) f32 logits, ties to the lower id. Sums are float64
 * in order of id. `best` is the largest logit.
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
