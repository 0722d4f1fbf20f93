// The narrowing rules done plainly, from their published definitions, by sorting: what the sampler must agree with.

import type { SamplingOptions } from '../../src/protocol/generation.ts'
import { uniform } from '../../src/sampling/random.ts'
import type { Choice } from './helpers.ts'

type Candidate = { id: number; logit: number; p: number }

/** What is left, with probabilities, in order of id, and how close a rule came to another set. */
export type Left = { choices: Choice[]; margin: number }

/** All rules from top_n_sigma on, over the ids of finite logits, at a position of the sequence. */
export function plainRules(
  logits: Float32Array,
  options: SamplingOptions,
  position: number,
  mu = Infinity,
): Left {
  const { temperature, topK, topP, minP, topNSigma, dynatemp, typicalP, xtc, mirostat, seed } = options
  let margin = Infinity
  const near = (...gaps: number[]): void => void (margin = Math.min(margin, ...gaps.map(Math.abs)))
  let left: Candidate[] = Array.from(logits, (logit, id) => ({ id, logit, p: 0 }))
    .filter(({ logit }) => logit !== -Infinity)
    .sort((a, b) => b.logit - a.logit || a.id - b.id)
  // Top-n-sigma (arXiv 2411.07641): logits of at least the largest less n standard deviations.
  if (topNSigma !== undefined) {
    const mean = left.reduce((sum, { logit }) => sum + logit, 0) / left.length
    const sigma = Math.sqrt(left.reduce((sum, { logit }) => sum + (logit - mean) ** 2, 0) / left.length)
    const least = left[0].logit - topNSigma * sigma
    near(...left.map(({ logit }) => logit - least))
    left = left.filter(({ logit }) => logit >= least)
  }
  if (topK > 0) left = left.slice(0, topK)
  // Dynamic temperature: between two temperatures, by the entropy as a part of the largest there could be.
  let heat = temperature
  if (dynatemp !== undefined && left.length > 1) {
    softmax(left, 1)
    const part = entropyOf(left) / Math.log(left.length)
    const low = Math.max(0, temperature - dynatemp.range)
    heat = low + (temperature + dynatemp.range - low) * Math.pow(Math.min(1, part), dynatemp.exponent)
  }
  softmax(left, Math.max(1e-6, heat))
  // Locally typical sampling (arXiv 2202.00666): the nearest to the entropy, until their probabilities reach typical_p.
  if (typicalP !== undefined) {
    const entropy = entropyOf(left)
    const off = ({ p }: Candidate): number => (p > 0 ? Math.abs(-Math.log(p) - entropy) : Infinity)
    left.sort((a, b) => (a.logit === b.logit ? a.id - b.id : off(a) - off(b)))
    const count = reaching(left, typicalP, near)
    if (count < left.length && left[count].logit !== left[count - 1].logit)
      near(off(left[count]) - off(left[count - 1]))
    left = left.slice(0, count).sort((a, b) => b.logit - a.logit || a.id - b.id)
    share(left)
  }
  if (topP < 1) left = share(left.slice(0, reaching(left, topP, near)))
  if (minP > 0) {
    const least = minP * left[0].p
    near(...left.slice(1).map(({ p }) => p - least))
    left = share(left.filter(({ p }, rank) => rank === 0 || p >= least))
  }
  // Exclude top choices (p-e-w): with a probability, all that reach the threshold but the least likely of them go.
  if (xtc !== undefined && uniform(seed, position, 0, 1) < xtc.probability) {
    near(...left.map(({ p }) => p - xtc.threshold))
    const top = left.filter(({ p }) => p >= xtc.threshold).length
    if (top > 1) left = share(left.slice(top - 1))
  }
  // Mirostat 2 (arXiv 2007.14966): what surprises more than mu goes, but for the likeliest.
  if (mirostat !== undefined) {
    near(...left.slice(1).map(({ p }) => p - 2 ** -mu))
    left = share(left.filter(({ p }, rank) => rank === 0 || -Math.log2(p) <= mu))
  }
  left.sort((a, b) => a.id - b.id)
  return { choices: left.map(({ id, p }) => ({ id, probability: p })), margin }
}

/** Inverse of the running sum in order of id, for the sampler's own random number. */
export function drawPlainly({ choices, margin }: Left, u: number): Choice & { margin: number } {
  let sum = 0
  let drawn: Choice | undefined
  for (const choice of choices) {
    sum += choice.probability
    if (choice.probability > 0) margin = Math.min(margin, Math.abs(sum - u))
    if (sum > u) drawn ??= choice
  }
  return { ...(drawn ?? choices[choices.length - 1]), margin }
}

function softmax(left: Candidate[], temperature: number): void {
  const best = Math.max(...left.map(({ logit }) => logit))
  for (const candidate of left) candidate.p = Math.exp((candidate.logit - best) / temperature)
  share(left)
}

function share(left: Candidate[]): Candidate[] {
  const sum = left.reduce((total, { p }) => total + p, 0)
  for (const candidate of left) candidate.p /= sum
  return left
}

function entropyOf(left: readonly Candidate[]): number {
  return left.reduce((sum, { p }) => (p > 0 ? sum - p * Math.log(p) : sum), 0)
}

/** The fewest from the front whose probabilities reach `part`, one at least. */
function reaching(left: readonly Candidate[], part: number, near: (gap: number) => void): number {
  let sum = 0
  let count = 0
  while (count < left.length && (count === 0 || sum < part)) {
    sum += left[count++].p
    near(sum - part)
  }
  return count
}
