// The sampler takes one row of logits and gives one id. Rules apply in the order that processors.ts lists.
// Equal inputs choose equal ids on every host, because all arithmetic is our own and the random number
// depends on seed and position alone. Mirostat alone keeps state between rows: its mu.

import type { SamplingOptions } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import { createScratch, type Scratch } from './candidates.ts'
import { checkOptions } from './check-options.ts'
import { bestThatFits, drawThatFits, type Constraint } from './constrained.ts'
import { narrow, pick, type Draw } from './draw.ts'
import type { Occurrences } from './history.ts'
import { logprobsOf, withRestricted, type Logprobs } from './logprobs.ts'
import { surprise } from './narrowing.ts'
import { createProcessors } from './processors.ts'
import { uniform } from './random.ts'

/** Where in its sequence the id will stand, and what of the sequence the penalties look at. */
export type SampleContext = Occurrences & { position: number }

/**
 * `isLate`: see Constrained. Log probabilities are the raw model's, also under a constraint. `mu`: what Mirostat goes on with,
 * in bits; absent without Mirostat.
 */
export type Sample = { id: number; logprobs?: Logprobs; isLate?: boolean; mu?: number }

/**
 * `logits`: (vocab) f32, not changed. Throws engine_failure when no logit is finite or one is not a number.
 */
export type Sampler = { sample(logits: Float32Array, context: SampleContext): Sample }

export type SamplerExtras = {
  /** 0 = the chosen id's log probability alone, up to 20 = that many alternatives too; undefined = none. */
  topLogprobs?: number
  /** Each log probability comes within what the constraint lets in, too. */
  restrictedLogprobs?: boolean
  /** Shared with other samplers of the vocabulary; by default its own, made when first needed. */
  scratch?: Scratch
  /** Which ids may come at all, at the place where it stands. */
  constraint?: Constraint
  /** Where Mirostat goes on, in bits; by default twice its target. */
  mu?: number
}

/**
 * A sampler for one request. Temperature 0 takes the best score, the lower id among equals. Otherwise the id
 * is where the running sum of the weights of what the rules left, in order of id, first exceeds u times their
 * total. Throws invalid_request when an option is out of range.
 */
export function createSampler(options: SamplingOptions, extras: SamplerExtras = {}): Sampler {
  checkOptions(options, extras.topLogprobs)
  const processors = createProcessors(options)
  const { topLogprobs, restrictedLogprobs, constraint } = extras
  const { mirostat } = options
  const draw: Draw = { options, position: 0, mu: extras.mu ?? 2 * (mirostat?.tau ?? 0), share: 1 }
  let own: Scratch | undefined
  const scratchFor = (vocab: number): Scratch => {
    const scratch = extras.scratch ?? (own ??= createScratch(vocab))
    if (scratch.vocab < vocab) throw new RangeError(`scratch of ${scratch.vocab} for ${vocab} logits`)
    return scratch
  }

  function process(logits: Float32Array, context: SampleContext): Float32Array {
    if (processors.length === 0) return logits
    const scores = scratchFor(logits.length).row.subarray(0, logits.length)
    scores.set(logits)
    for (const apply of processors) apply(scores, context)
    return scores
  }

  function choose(scores: Float32Array, best: number, position: number): Sample {
    if (options.temperature === 0)
      return constraint === undefined ? { id: best } : bestThatFits(constraint, scores, best)
    const chosen = drawn(scores, best, position)
    if (mirostat === undefined) return chosen
    draw.mu -= mirostat.eta * (surprise(draw.share) - mirostat.tau)
    return { ...chosen, mu: draw.mu }
  }

  function drawn(scores: Float32Array, best: number, position: number): Sample {
    const scratch = scratchFor(scores.length)
    draw.position = position
    if (constraint !== undefined) return drawThatFits(constraint, scratch, scores, scores[best], draw)
    const left = narrow(scratch, scores, scores[best], draw)
    const at = pick(scratch, left, uniform(options.seed, position))
    draw.share = scratch.weights[at] / left.sum
    return { id: scratch.ids[at] }
  }

  return {
    sample(logits, context) {
      const likeliest = argmax(logits)
      const scores = process(logits, context)
      const best = scores === logits ? likeliest : argmax(scores)
      const chosen = choose(scores, best, context.position)
      if (topLogprobs === undefined) return chosen
      const logprobs = logprobsOf(logits, logits[likeliest], chosen.id, topLogprobs)
      if (restrictedLogprobs !== true) return { ...chosen, logprobs }
      const check = constraint?.pass()
      const fits = (id: number): boolean => check === undefined || check(id) === 'fits'
      return { ...chosen, logprobs: withRestricted(logprobs, logits, chosen.id, fits) }
    },
  }
}

/** The id of the largest score, the lowest of several. */
function argmax(scores: Float32Array): number {
  let best = -Infinity
  let id = -1
  const last = scores.length - 4
  for (let i = 0; i < scores.length && best === best; i++) {
    // Four at a time: one that is larger is rare.
    while (
      i < last &&
      scores[i] <= best &&
      scores[i + 1] <= best &&
      scores[i + 2] <= best &&
      scores[i + 3] <= best
    )
      i += 4
    if (scores[i] <= best) continue // written so that NaN comes in too
    best = scores[i]
    id = i
  }
  if (Math.abs(best) < Infinity) return id
  throw new IsletError(
    'engine_failure',
    `the best of ${scores.length} scores is ${best}: no token can be chosen`,
  )
}
