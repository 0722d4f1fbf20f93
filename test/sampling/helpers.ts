// Sampling done plainly, by sorting everything: what the sampler must agree with.

import { DEFAULT_SAMPLING, type SamplingOptions } from '../../src/protocol/generation.ts'
import { uniform } from '../../src/sampling/random.ts'
import type { SampleContext } from '../../src/sampling/sampler.ts'

/** Options at temperature 1 with all else off, but for those given. */
export function samplingOptions(changed: Partial<SamplingOptions> = {}): SamplingOptions {
  return { ...DEFAULT_SAMPLING, seed: 1, ...changed }
}

/** A context without penalised ids. */
export function at(position: number): SampleContext {
  return { position, prompt: new Set(), generated: new Map() }
}

export type Choice = { id: number; probability: number }

/**
 * What top_k, top_p and min_p leave, with probabilities, in order of id, and how close a rule came to leaving
 * another set: below 1e-6 rounding may decide.
 */
export function survivors(
  logits: Float32Array,
  options: SamplingOptions,
): { choices: Choice[]; margin: number } {
  const { temperature, topK, topP, minP } = options
  const best = Math.max(...logits)
  let margin = Infinity
  let choices = Array.from(logits, (logit, id) => ({ id, logit, probability: 0 }))
  choices.sort((a, b) => b.logit - a.logit || a.id - b.id)
  if (topK > 0) choices = choices.slice(0, topK)
  normalise(choices, ({ logit }) => Math.exp((logit - best) / temperature))
  if (topP < 1) {
    let sum = 0
    let count = 0
    while (count < choices.length && (count === 0 || sum < topP)) {
      sum += choices[count++].probability
      margin = Math.min(margin, Math.abs(sum - topP))
    }
    choices = choices.slice(0, count)
  }
  const least = minP * choices[0].probability
  if (minP > 0 && minP < 1) {
    for (const { probability } of choices) margin = Math.min(margin, Math.abs(probability - least))
  }
  choices = choices.filter(({ probability }) => probability >= least)
  normalise(choices, ({ probability }) => probability)
  choices.sort((a, b) => a.id - b.id)
  return { choices: choices.map(({ id, probability }) => ({ id, probability })), margin }
}

function normalise<T extends { probability: number }>(choices: T[], weight: (choice: T) => number): void {
  const weights = choices.map(weight)
  const total = weights.reduce((sum, value) => sum + value, 0)
  choices.forEach((choice, i) => (choice.probability = weights[i] / total))
}

/** Inverse of the running sum in order of id, for the sampler's own random number. */
export function choosePlainly(
  logits: Float32Array,
  options: SamplingOptions,
  position: number,
): { id: number; margin: number } {
  const found = survivors(logits, options)
  const u = uniform(options.seed, position)
  let margin = found.margin
  let sum = 0
  let id: number | undefined
  for (const choice of found.choices) {
    sum += choice.probability
    margin = Math.min(margin, choice.probability > 0 ? Math.abs(sum - u) : Infinity)
    if (sum > u) id ??= choice.id
  }
  return { id: id ?? found.choices[found.choices.length - 1].id, margin }
}
