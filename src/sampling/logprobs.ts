// Log probabilities are those of the raw logits at temperature 1, before any rule of sampling.

import { exp, log } from '../lib/math.ts'
import { largest, sumOfExp } from './candidates.ts'

/** `restricted`: within what a constraint lets in; null where it does not let this id in. */
export type IdLogprob = { id: number; logprob: number; restricted?: number | null }

/** The chosen id's log probability, and the `top` likeliest ids, best first. */
export type Logprobs = { logprob: number; restricted?: number; top: IdLogprob[] }

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
 * The same with ln softmax over the ids that fit alone, which `id` must be one of. A pass over all ids; sums are float64 in order
 * of id.
 */
export function withRestricted(
  logprobs: Logprobs,
  logits: Float32Array,
  id: number,
  fits: (id: number) => boolean,
): Logprobs {
  let best = -Infinity
  const fitting: number[] = []
  for (let other = 0; other < logits.length; other++) {
    if (!fits(other)) continue
    fitting.push(other)
    best = Math.max(best, logits[other])
  }
  const offset = best + log(fitting.reduce((sum, other) => sum + exp(logits[other] - best), 0))
  return {
    ...logprobs,
    restricted: logits[id] - offset,
    top: logprobs.top.map((rival) => ({
      ...rival,
      restricted: fits(rival.id) ? logits[rival.id] - offset : null,
    })),
  }
}

/**
 * ln of the sum of e^logit over (vocab) f32 logits, which a log probability is its logit less of. Float64, in order of
 * id; `best` is the largest logit.
 */
export function logSumExp(logits: Float32Array, best = maximum(logits)): number {
  return best + log(sumOfExp(logits, best))
}

export function maximum(logits: Float32Array): number {
  let best = -Infinity
  for (let i = 0; i < logits.length; i++) if (logits[i] > best) best = logits[i]
  return best
}
