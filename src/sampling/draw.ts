// A draw weighs the candidates that the rules leave, and takes the one that a random number falls on.

import type { SamplingOptions } from '../protocol/generation.ts'
import { keepBest, largest, weigh, weighAll, type Scratch } from './candidates.ts'
import { dynamicTemperature, excludeTop, keepExpected, keepNearBest, keepTypical } from './narrowing.ts'
import { uniform } from './random.ts'

/** Up to here a sorted list finds the best ids sooner than sums by digit. */
const SHORT_LIST = 128

/** How many candidates of a scratch are in play, and the sum of their weights in order of id. */
export type Drawn = { count: number; sum: number }

/** One sampler's draws: by which options, at which place of the sequence. */
export type Draw = {
  readonly options: SamplingOptions
  position: number
  /** Mirostat's limit of surprise, in bits. */
  mu: number
  /** What the id that was drawn had of the weight of all that the rules left. */
  share: number
}

/** Leaves of all ids what the rules leave, from top_n_sigma on; `best` is the largest score. */
export function narrow(scratch: Scratch, scores: Float32Array, best: number, draw: Draw): Drawn {
  const { temperature, topK, topNSigma, dynatemp } = draw.options
  if (topK === 0 && topNSigma === undefined && dynatemp === undefined) {
    const sum = weighAll(scratch, scores, best, temperature)
    return narrowWeighed(scratch, { count: scores.length, sum }, scores, draw)
  }
  if (topK > 0 && topK <= SHORT_LIST && topNSigma === undefined) {
    const ids = largest(scores, Math.min(topK, scores.length))
    scratch.ids.set(ids.sort((a, b) => a - b))
    return narrowLimited(scratch, ids.length, scores, best, draw)
  }
  const { ids } = scratch
  for (let id = 0; id < scores.length; id++) ids[id] = id
  return narrowSome(scratch, scores.length, scores, best, draw)
}

/** The same of the first `count` candidates alone; `best` is the largest of their scores. */
export function narrowSome(
  scratch: Scratch,
  count: number,
  scores: Float32Array,
  best: number,
  draw: Draw,
): Drawn {
  const { topK, topNSigma } = draw.options
  if (topNSigma !== undefined) count = keepNearBest(scratch, count, scores, best, topNSigma)
  if (topK > 0 && topK < count) {
    scratch.weights.fill(1, 0, count)
    count = keepBest(scratch, count, scores, topK)
  }
  return narrowLimited(scratch, count, scores, best, draw)
}

/** Behind top_k. */
function narrowLimited(
  scratch: Scratch,
  count: number,
  scores: Float32Array,
  best: number,
  draw: Draw,
): Drawn {
  const { temperature, dynatemp } = draw.options
  const heat =
    dynatemp === undefined
      ? temperature
      : dynamicTemperature(scratch, count, scores, best, temperature, dynatemp)
  return narrowWeighed(scratch, { count, sum: weigh(scratch, count, scores, best, heat) }, scores, draw)
}

/** Behind the temperature. */
function narrowWeighed(
  scratch: Scratch,
  { count, sum }: Drawn,
  scores: Float32Array,
  { options, position, mu }: Draw,
): Drawn {
  const { weights } = scratch
  const { topP, minP, typicalP, xtc, mirostat, seed } = options
  let most = 1 // the weight of the best that is left
  if (typicalP !== undefined) {
    count = keepTypical(scratch, count, scores, sum, typicalP)
    sum = total(weights, count)
    most = weights.subarray(0, count).reduce((a, b) => Math.max(a, b), 0)
  }
  if (topP < 1) {
    // All that weigh less than this come to less than 1 - topP: they are not among the best, and dropping
    // them is cheap.
    count = keepLikely(scratch, count, (0.999 * (1 - topP) * sum) / count)
    count = keepBest(scratch, count, scores, topP * sum)
    sum = total(weights, count)
  }
  if (minP > 0) {
    count = keepLikely(scratch, count, minP * most)
    sum = total(weights, count)
  }
  if (xtc !== undefined && uniform(seed, position, 0, 1) < xtc.probability) {
    count = excludeTop(scratch, count, scores, xtc.threshold * sum)
    sum = total(weights, count)
  }
  if (mirostat !== undefined) {
    count = keepExpected(scratch, count, scores, sum, mu)
    sum = total(weights, count)
  }
  return { count, sum }
}

/** The index of the candidate where the running sum of weights first exceeds `u` times their sum. */
export function pick({ weights }: Scratch, { count, sum }: Drawn, u: number): number {
  // u < 1, so the target is below the sum, and the last running sum is the sum itself.
  const target = u * sum
  let reached = 0
  for (let i = 0; i < count; i++) {
    reached += weights[i]
    if (reached > target) return i
  }
  throw new Error(`the running sum ended at ${reached}, before ${target}`)
}

/** Keeps what weighs at least `least`. */
function keepLikely({ ids, weights }: Scratch, count: number, least: number): number {
  let kept = 0
  for (let i = 0; i < count; i++) {
    if (weights[i] < least) continue
    ids[kept] = ids[i]
    weights[kept] = weights[i]
    kept++
  }
  return kept
}

/** The sum of the first `count` weights in order of id. */
export function total(weights: Float32Array, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += weights[i]
  return sum
}
