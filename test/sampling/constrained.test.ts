// Sampling under a constraint against its definition: the truncated softmax restricted to what fits, else the rules anew.

import { describe, expect, test } from 'vitest'
import type { SamplingOptions } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import type { Verdict } from '../../src/grammar/matcher.ts'
import type { Constraint } from '../../src/sampling/constrained.ts'
import { createSampler } from '../../src/sampling/sampler.ts'
import { rng } from '../helpers/rng.ts'
import { at, samplingOptions, survivors, type Choice } from './helpers.ts'

const VOCAB = 60

/** Counts how often an id was asked for, and how often all were. */
function allowing(
  fits: (id: number) => boolean,
  late: (id: number) => boolean = () => false,
): Constraint & { asked: number; passes: number } {
  const verdict = (id: number): Verdict => (fits(id) ? 'fits' : late(id) ? 'late' : 'no')
  return {
    asked: 0,
    passes: 0,
    verdict(id) {
      this.asked++
      return verdict(id)
    },
    pass() {
      this.passes++
      return verdict
    },
  }
}

const logitsOf = (seed: number, spread: number, size = VOCAB): Float32Array => {
  const { normal } = rng(seed)
  return Float32Array.from({ length: size }, () => spread * normal())
}

/** What the definition gives: ids with their probabilities. */
function defined(logits: Float32Array, options: SamplingOptions, fits: (id: number) => boolean): Choice[] {
  const left = survivors(logits, options).choices.filter(({ id, probability }) => fits(id) && probability > 0)
  const choices =
    left.length > 0
      ? left
      : survivors(
          logits.map((logit, id) => (fits(id) ? logit : -Infinity)),
          options,
        ).choices.filter(({ id }) => fits(id))
  const sum = choices.reduce((all, { probability }) => all + probability, 0)
  return choices.map(({ id, probability }) => ({ id, probability: probability / sum }))
}

describe('a constraint that forbids nothing', () => {
  test.each([
    ['greedy', { temperature: 0 }],
    ['sampled', { temperature: 1.2 }],
    ['top_k', { topK: 7 }],
    ['top_p', { topP: 0.8 }],
    ['min_p', { minP: 0.1 }],
    ['all of them, with a bias', { topK: 20, topP: 0.9, minP: 0.02, logitBias: [[3, 2]] }],
  ] as [string, Partial<SamplingOptions>][])('changes nothing: %s', (_, changes) => {
    for (let seed = 0; seed < 300; seed++) {
      const logits = logitsOf(seed, 2)
      const options = samplingOptions({ ...changes, seed })
      const constraint = allowing(() => true)
      const free = createSampler(options).sample(logits, at(seed))
      const { id } = createSampler(options, { constraint }).sample(logits, at(seed))
      expect(id).toBe(free.id)
      expect([constraint.asked, constraint.passes]).toEqual([1, 0])
    }
  })

  test('nor does one that forbids what would not have come: the same seed gives the same id', () => {
    for (let seed = 0; seed < 500; seed++) {
      const logits = logitsOf(seed, 2)
      const options = samplingOptions({ seed })
      const { id } = createSampler(options).sample(logits, at(9))
      const constraint = allowing((other) => other === id || other % 7 === 0)
      expect(createSampler(options, { constraint }).sample(logits, at(9)).id).toBe(id)
    }
  })
})

describe('temperature 0', () => {
  const greedy = samplingOptions({ temperature: 0 })

  test('takes the best that fits, the lower id among equals', () => {
    const logits = Float32Array.of(5, 1, 3, 3, 4)
    const constraint = allowing((id) => [1, 2, 3].includes(id))
    expect(createSampler(greedy, { constraint }).sample(logits, at(0))).toEqual({ id: 2, isLate: false })
  })

  test('says that the limit ruled only where a better id came too late', () => {
    const logits = Float32Array.of(5, 1, 3, 2)
    const late = (id: number) =>
      createSampler(greedy, {
        constraint: allowing(
          (other) => other === 2,
          (other) => other === id,
        ),
      }).sample(logits, at(0)).isLate
    expect([late(0), late(1), late(3)]).toEqual([true, false, false])
  })

  test('an id of no finite score is never taken, and where none is left it is an error', () => {
    const logits = Float32Array.of(5, -Infinity, 3)
    const sampler = createSampler(greedy, { constraint: allowing((id) => id === 1) })
    expect(() => sampler.sample(logits, at(0))).toThrow('no token of the vocabulary fits')
    const drawn = createSampler(samplingOptions(), { constraint: allowing((id) => id === 1) })
    expect(() => drawn.sample(logits, at(0))).toThrow('no token of the vocabulary fits')
    expect(() => drawn.sample(logits, at(0))).toThrow(expect.objectContaining({ code: 'engine_failure' }))
  })
})

describe('the limit ruled', () => {
  const verdicts =
    (late: readonly number[], fits: readonly number[]) =>
    (logits: Float32Array, changes: Partial<SamplingOptions>) =>
      createSampler(samplingOptions(changes), {
        constraint: allowing(
          (id) => fits.includes(id),
          (id) => late.includes(id),
        ),
      }).sample(logits, at(0))

  test('at temperature 0 where an id that came too late is better than the one that is taken, not only as good', () => {
    const greedy = { temperature: 0 }
    const late = verdicts([1, 2], [3])
    expect(late(Float32Array.of(5, 4, 2, 3), greedy)).toEqual({ id: 3, isLate: true })
    expect(late(Float32Array.of(5, 2, 1, 3), greedy)).toEqual({ id: 3, isLate: false })
    expect(late(Float32Array.of(5, 3, 3, 3), greedy)).toEqual({ id: 3, isLate: false })
    expect(late(Float32Array.of(1, 1, 1, 3), greedy)).toEqual({ id: 3, isLate: false })
  })

  test('where an id that came too late was drawn before the one that is taken', () => {
    const logits = Float32Array.of(12, 0, -30)
    for (let seed = 0; seed < 20; seed++) {
      expect(verdicts([0], [1])(logits, { seed })).toEqual({ id: 1, isLate: true })
      expect(verdicts([], [1])(logits, { seed })).toEqual({ id: 1, isLate: false })
      expect(verdicts([1, 2], [0])(logits, { seed })).toEqual({ id: 0, isLate: false })
    }
  })

  test('where eight draws missed and an id among the rest came too late', () => {
    // 200 likely ids, of which none fits, and two unlikely ones.
    const likely = Array.from({ length: 200 }, (_, id) => id)
    const logits = Float32Array.from({ length: 202 }, (_, id) => (id < 200 ? 0 : -30))
    expect(verdicts(likely, [201])(logits, {})).toEqual({ id: 201, isLate: true })
    expect(verdicts([200], [201])(logits, {})).toEqual({ id: 201, isLate: true })
    expect(verdicts([], [201])(logits, {})).toEqual({ id: 201, isLate: false })
  })
})

test('a top_k beyond the short list is the same rule', () => {
  const logits = logitsOf(6, 2, 400)
  for (const topK of [127, 128, 129, 300])
    for (let seed = 0; seed < 40; seed++) {
      const options = samplingOptions({ topK, seed, temperature: 4 })
      const { id } = createSampler(options).sample(logits, at(0))
      expect(survivors(logits, options).choices.map((choice) => choice.id)).toContain(id)
      const fits = (other: number): boolean => other === id
      const constraint = allowing(fits)
      expect(createSampler(options, { constraint }).sample(logits, at(0)).id).toBe(id)
    }
})

describe('frequencies over 20,000 seeds are those of the definition', () => {
  const SEEDS = 20_000
  const few = (id: number) => [2, 17, 31, 44].includes(id)
  const one = (id: number) => id === 17
  const many = (id: number) => id % 3 !== 0
  test.each([
    ['four ids of sixty, temperature 1', few, {}],
    ['four ids, hot', few, { temperature: 2 }],
    ['two in three', many, {}],
    ['top_k that holds some', few, { topK: 30 }],
    ['top_k that holds none: the rules begin again', few, { topK: 3 }],
    ['top_k of one', many, { topK: 1, temperature: 1.5 }],
    ['top_p that holds some', many, { topP: 0.7 }],
    ['top_p that holds none', few, { topP: 0.2 }],
    ['min_p that holds some', many, { minP: 0.2 }],
    ['min_p that holds none', few, { minP: 0.5 }],
    ['all of them', many, { topK: 25, topP: 0.9, minP: 0.05, temperature: 1.3 }],
    ['all of them, none left', few, { topK: 25, topP: 0.2, minP: 0.6, temperature: 1.3 }],
    ['a single id', one, { topP: 0.9 }],
  ] as [string, (id: number) => boolean, Partial<SamplingOptions>][])('%s', (_, fits, changes) => {
    const logits = logitsOf(77, 1.5)
    const scratch = createScratch(VOCAB)
    const counts = new Map<number, number>()
    for (let seed = 0; seed < SEEDS; seed++) {
      const sampler = createSampler(samplingOptions({ ...changes, seed }), {
        scratch,
        constraint: allowing(fits),
      })
      const { id } = sampler.sample(logits, at(5))
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    const expected = defined(logits, samplingOptions(changes), fits)
    const ids = new Set(expected.map(({ id }) => id))
    expect([...counts.keys()].filter((id) => !ids.has(id))).toEqual([])
    for (const { id, probability } of expected) {
      // Five standard deviations, and a half for rounding.
      const spread = 5 * Math.sqrt(SEEDS * probability * (1 - probability)) + 0.5
      expect(Math.abs((counts.get(id) ?? 0) - SEEDS * probability), `id ${id}`).toBeLessThanOrEqual(spread)
    }
  })

  test('where eight draws miss, too: the pass is taken with the next number', () => {
    // 120 likely ids that do not fit, and three unlikely ones that do.
    const logits = Float32Array.from({ length: 123 }, (_, id) => (id < 120 ? 0 : -4 + 0.5 * (id - 120)))
    const fits = (id: number): boolean => id >= 120
    const scratch = createScratch(123)
    const counts = new Map<number, number>()
    let passes = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const constraint = allowing(fits)
      const { id } = createSampler(samplingOptions({ seed }), { scratch, constraint }).sample(logits, at(1))
      counts.set(id, (counts.get(id) ?? 0) + 1)
      passes += constraint.passes
      expect(constraint.asked).toBeLessThanOrEqual(8)
    }
    expect(passes).toBeGreaterThan(0.98 * SEEDS)
    for (const { id, probability } of defined(logits, samplingOptions(), fits)) {
      const spread = 5 * Math.sqrt(SEEDS * probability * (1 - probability)) + 0.5
      expect(Math.abs((counts.get(id) ?? 0) - SEEDS * probability)).toBeLessThanOrEqual(spread)
    }
  })
})

test('draws one after the other have numbers of their own', () => {
  // Of two equal ids the one that fits must come at once or second: never a third draw, never a pass.
  let second = 0
  for (let seed = 0; seed < 1000; seed++) {
    const constraint = allowing((id) => id === 1)
    createSampler(samplingOptions({ seed }), { constraint }).sample(Float32Array.of(0, 0), at(3))
    expect(constraint.passes).toBe(0)
    if (constraint.asked === 2) second++
  }
  expect(second).toBeGreaterThan(440)
  expect(second).toBeLessThan(560)
})

test('log probabilities are those of the raw logits, whatever fits', () => {
  const logits = logitsOf(4, 2)
  const constraint = allowing((id) => id === 11)
  const { id, logprobs } = createSampler(samplingOptions(), { constraint, topLogprobs: 2 }).sample(
    logits,
    at(0),
  )
  const all = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
  expect(id).toBe(11)
  expect(logprobs?.logprob).toBeCloseTo(logits[11] - Math.log(all), 6)
  expect(logprobs?.top).toHaveLength(2)
})
