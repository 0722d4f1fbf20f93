// The narrowing rules drop candidates by more than rank and share; docs/sampling.md defines each.
// All sums are float64 in order of id. Candidates that weigh nothing have no part in them.

import { exp, log, pow } from '../lib/math.ts'
import type { SamplingRules } from '../protocol/generation.ts'
import { keepBest, weigh, type Scratch } from './candidates.ts'

const LN2 = 0.6931471805599453

/** The least temperature that a dynamic one falls to: a division by 0 has no order. */
const COLDEST = 1e-6

/** top_n_sigma: keeps scores of at least best - n * sigma, sigma being the standard deviation of all finite scores here. */
export function keepNearBest(
  { ids }: Scratch,
  count: number,
  scores: Float32Array,
  best: number,
  n: number,
): number {
  let finite = 0
  let sum = 0
  for (let i = 0; i < count; i++) {
    if (scores[ids[i]] === -Infinity) continue
    finite++
    sum += scores[ids[i]]
  }
  const mean = sum / finite
  let squares = 0
  for (let i = 0; i < count; i++) {
    const off = scores[ids[i]] - mean
    if (off !== -Infinity) squares += off * off
  }
  const least = best - n * Math.sqrt(squares / finite)
  let kept = 0
  for (let i = 0; i < count; i++) if (scores[ids[i]] >= least) ids[kept++] = ids[i]
  return kept
}

/**
 * Dynamic temperature: from `temperature` - range (0 at least) to `temperature` + range, with the entropy of these
 * candidates at temperature 1 as a part of the most that so many could have, to the power of `exponent`.
 */
export function dynamicTemperature(
  scratch: Scratch,
  count: number,
  scores: Float32Array,
  best: number,
  temperature: number,
  { range, exponent }: NonNullable<SamplingRules['dynatemp']>,
): number {
  const { ids } = scratch
  let finite = 0
  for (let i = 0; i < count; i++) if (scores[ids[i]] !== -Infinity) finite++
  if (finite < 2) return temperature
  const sum = weigh(scratch, count, scores, best, 1)
  // -sum p ln p, where ln p = score - best - ln sum.
  const entropy = log(sum) - (meanScore(scratch, count, scores, sum) - best)
  const part = Math.min(1, entropy / log(finite))
  const coldest = Math.max(0, temperature - range)
  const risen = part > 0 ? pow(part, exponent) : exponent === 0 ? 1 : 0
  return Math.max(COLDEST, coldest + (temperature + range - coldest) * risen)
}

/**
 * typical_p: keeps the candidates whose surprise is nearest to the entropy, the fewest whose weights reach `part` of `sum`.
 * How far -ln p is from its own mean is how far the score is from the mean score, in units of the temperature.
 */
export function keepTypical(
  scratch: Scratch,
  count: number,
  scores: Float32Array,
  sum: number,
  part: number,
): number {
  const { ids, keys, weights } = scratch
  const mean = meanScore(scratch, count, scores, sum)
  for (let i = 0; i < count; i++) keys[ids[i]] = weights[i] > 0 ? -Math.abs(scores[ids[i]] - mean) : -Infinity
  return keepBest(scratch, count, keys, part * sum)
}

/** XTC: of the candidates that weigh at least `least`, where there are two or more, only the last in rank stays. */
export function excludeTop(
  { ids, weights }: Scratch,
  count: number,
  scores: Float32Array,
  least: number,
): number {
  let top = 0
  let last = -1
  for (let i = 0; i < count; i++) {
    if (weights[i] < least || weights[i] === 0) continue
    top++
    if (last < 0 || scores[ids[i]] <= scores[ids[last]]) last = i
  }
  if (top < 2) return count
  let kept = 0
  for (let i = 0; i < count; i++) {
    if (weights[i] >= least && i !== last) continue
    ids[kept] = ids[i]
    weights[kept++] = weights[i]
  }
  return kept
}

/** Mirostat 2: keeps candidates whose surprise, -log2 of the part of `sum`, is at most `mu` bits; the best where none is. */
export function keepExpected(
  { ids, weights }: Scratch,
  count: number,
  scores: Float32Array,
  sum: number,
  mu: number,
): number {
  const least = sum * exp(-mu * LN2)
  let best = 0
  let kept = 0
  for (let i = 0; i < count; i++) {
    if (kept === 0 && scores[ids[i]] > scores[ids[best]]) best = i
    if (weights[i] < least) continue
    ids[kept] = ids[i]
    weights[kept++] = weights[i]
  }
  if (kept > 0) return kept
  ids[0] = ids[best]
  weights[0] = weights[best]
  return 1
}

/** The surprise of what had `share` of all weight, in bits. */
export function surprise(share: number): number {
  return -log(share) / LN2
}

function meanScore({ ids, weights }: Scratch, count: number, scores: Float32Array, sum: number): number {
  let mean = 0
  for (let i = 0; i < count; i++) if (weights[i] > 0) mean += (weights[i] / sum) * scores[ids[i]]
  return mean
}
