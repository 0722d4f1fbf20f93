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
  const offset = logSumExp(logits, best)
  const ids = largest(logits, Math.min(top, logits.length))
  return {
    logprob: logits[id] - offset,
    top: ids.map((other) => ({ id: other, logprob: logits[other] - offset })),
  }
}

/**
 * ln of the sum of e^logit over (vocab) f32 logits, which a log probability is its logit less of. Float64, in order of
 * id; `best` is the largest logit.
 */
export function logSumExp(logits: Float32Array, best = maximum(logits)): number {
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += exp(logits[i] - best)
  return best + log(sum)
}

function maximum(logits: Float32Array): number {
  let best = -Infinity
  for (let i = 0; i < logits.length; i++) if (logits[i] > best) best = logits[i]
  return best
}
