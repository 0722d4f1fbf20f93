// The sampler against plain sorting, its distribution, its edges and its promises.

import { describe, expect, test } from 'vitest'
import type { SamplingOptions } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { createSampler } from '../../src/sampling/sampler.ts'
import { rng } from '../helpers/rng.ts'
import { at, choosePlainly, samplingOptions, survivors } from './helpers.ts'

function sampleAt(logits: Float32Array, options: Partial<SamplingOptions>, position = 0): number {
  return createSampler(samplingOptions(options)).sample(logits, at(position)).id
}

describe('greedy', () => {
  test('takes the best, the lower id among equals', () => {
    expect(sampleAt(Float32Array.of(1, 3, 2, 3), { temperature: 0 })).toBe(1)
    expect(sampleAt(Float32Array.of(-0, 0), { temperature: 0 })).toBe(0)
    expect(sampleAt(Float32Array.of(-Infinity, -5, -Infinity), { temperature: 0 })).toBe(1)
  })

  test('applies bias and penalties', () => {
    const logits = Float32Array.of(1, 3, 2)
    expect(sampleAt(logits, { temperature: 0, logitBias: [[0, 100]] })).toBe(0)
    expect(sampleAt(logits, { temperature: 0, logitBias: [[1, -100]] })).toBe(2)
    const sampler = createSampler(samplingOptions({ temperature: 0, frequencyPenalty: 1.5 }))
    expect(sampler.sample(logits, { ...at(3), generated: new Map([[1, 1]]) }).id).toBe(2)
  })
})

describe('sampling', () => {
  const shapes: ((random: ReturnType<typeof rng>) => number)[] = [
    ({ normal }) => 3 * normal(),
    ({ int }) => int(5), // full of ties
    ({ int, normal }) => (int(3) === 0 ? -Infinity : normal()),
    ({ int }) => (int(2) === 0 ? 0 : -0),
    ({ normal }) => 100 * normal(), // most weights vanish
  ]

  test('agrees with plain sorting in thousands of cases', () => {
    const random = rng(17)
    const scratch = createScratch(400)
    let compared = 0
    for (let round = 0; round < 6000; round++) {
      const size = 1 + random.int(round % 5 === 0 ? 400 : 40)
      const shape = shapes[random.int(shapes.length)]
      const logits = Float32Array.from({ length: size }, () => shape(random))
      logits[random.int(size)] = 1 // one is finite at least
      const options = samplingOptions({
        temperature: [0.1, 0.7, 1, 2][random.int(4)],
        topK: [0, 0, 1, 2, 5, 40, 200, 1000][random.int(8)],
        topP: [1, 1, 0, 0.05, 0.5, 0.9, 0.999][random.int(7)],
        minP: [0, 0, 0.05, 0.3, 1][random.int(5)],
        seed: random.int(2 ** 32),
      })
      const plain = choosePlainly(logits, options, round)
      if (plain.margin < 1e-6) continue // either answer is right
      compared++
      const { id } = createSampler(options, { scratch }).sample(logits, at(round))
      if (id !== plain.id) expect({ id, options, logits: [...logits] }).toEqual({ id: plain.id })
    }
    expect(compared).toBeGreaterThan(5000)
  })

  test('reaches ids beyond 16 bits, and the last of them', () => {
    for (const size of [65_535, 65_536, 65_537, 152_000]) {
      const logits = new Float32Array(size)
      logits[size - 1] = 1000
      for (const changed of [{}, { topP: 0.9 }, { topK: 5 }, { topK: 200, frequencyPenalty: 1 }])
        expect(createSampler(samplingOptions(changed)).sample(logits, at(3)).id).toBe(size - 1)
    }
  })

  test('agrees on a whole vocabulary', () => {
    const random = rng(18)
    const logits = Float32Array.from({ length: 49152 }, () => 3 * random.normal())
    for (const changed of [{}, { topP: 0.9 }, { topK: 40_000, topP: 0.5, minP: 0.01 }]) {
      const options = samplingOptions(changed)
      const plain = choosePlainly(logits, options, 6)
      expect(plain.margin).toBeGreaterThan(1e-6)
      expect(sampleAt(logits, options, 6)).toBe(plain.id)
    }
  })

  test('cuts exactly: k ids at equal scores, the lower ones', () => {
    const flat = new Float32Array(100)
    const drawn = (options: Partial<SamplingOptions>): number[] => {
      const sampler = createSampler(samplingOptions(options))
      const ids = Array.from({ length: 2000 }, (_, position) => sampler.sample(flat, at(position)).id)
      return [...new Set(ids)].sort((a, b) => a - b)
    }
    expect(drawn({ topK: 7 })).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(drawn({ topP: 0.045 })).toEqual([0, 1, 2, 3, 4])
    expect(drawn({ topP: 0 })).toEqual([0])
    expect(drawn({ topK: 10, topP: 0.25 })).toEqual([0, 1, 2]) // top_p is over what top_k left
    expect(drawn({ minP: 1 })).toHaveLength(100)
  })

  const options: [string, Partial<SamplingOptions>][] = [
    ['temperature', { temperature: 0.8 }],
    ['top_k', { topK: 9 }],
    ['top_p', { topP: 0.8, temperature: 1.5 }],
    ['min_p', { minP: 0.1 }],
    ['all', { topK: 30, topP: 0.9, minP: 0.05, temperature: 1.3 }],
  ]
  test.each(options)('draws from the right distribution: %s', (_, changed) => {
    const random = rng(19)
    const logits = Float32Array.from({ length: 60 }, () => 1.5 * random.normal())
    const chosen = samplingOptions({ ...changed, seed: 123 })
    const sampler = createSampler(chosen)
    const n = 20_000
    const counts = new Map<number, number>()
    for (let position = 0; position < n; position++) {
      const { id } = sampler.sample(logits, at(position))
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    const { choices } = survivors(logits, chosen)
    expect([...counts.keys()].every((id) => choices.some((choice) => choice.id === id))).toBe(true)
    // Few expected: put together, or the statistic has a long tail.
    const common = choices.filter(({ probability }) => probability * n >= 5)
    const rest = choices.filter(({ probability }) => probability * n < 5)
    const sum = (part: typeof choices, of: (id: number) => number): number =>
      part.reduce((s, { id }) => s + of(id), 0)
    const cells = [...common.map((choice) => [choice]), ...(rest.length > 0 ? [rest] : [])]
    const chiSquare = cells.reduce((total, cell) => {
      const expected = cell.reduce((s, { probability }) => s + probability * n, 0)
      return total + (sum(cell, (id) => counts.get(id) ?? 0) - expected) ** 2 / expected
    }, 0)
    const freedom = cells.length - 1
    expect(chiSquare).toBeLessThan(freedom + 3.5 * Math.sqrt(2 * freedom) + 5)
  })

  test('depends on seed and position alone', () => {
    const random = rng(20)
    const logits = Float32Array.from({ length: 500 }, () => random.normal())
    const forward = createSampler(samplingOptions({ topP: 0.95, seed: 9 }))
    const ids = Array.from({ length: 50 }, (_, position) => forward.sample(logits, at(position)).id)
    const fresh = ids.map((_, i) => sampleAt(logits, { topP: 0.95, seed: 9 }, 49 - i)).reverse()
    expect(fresh).toEqual(ids)
    const other = ids.map((_, position) => sampleAt(logits, { topP: 0.95, seed: 10 }, position))
    expect(other).not.toEqual(ids)
  })

  test('a bias of 100 forces an id, one of -100 bans it', () => {
    const random = rng(21)
    const logits = Float32Array.from({ length: 50 }, () => 5 * random.normal())
    const best = sampleAt(logits, { temperature: 0 })
    const sampler = createSampler(samplingOptions({ temperature: 2, logitBias: [[17, 100]] }))
    const banning = createSampler(samplingOptions({ logitBias: [[best, -100]] }))
    for (let position = 0; position < 500; position++) {
      expect(sampler.sample(logits, at(position)).id).toBe(17)
      expect(banning.sample(logits, at(position)).id).not.toBe(best)
    }
  })

  test('the smallest temperatures are greedy', () => {
    expect(sampleAt(Float32Array.of(1, 2, 1.999), { temperature: 1e-6 })).toBe(1)
    expect(sampleAt(Float32Array.of(1, 2, 1.999), { temperature: 5e-324 })).toBe(1)
  })
})

describe('the row', () => {
  test('is never changed, also when it is a view inside a larger buffer', () => {
    const memory = new Float32Array(300).map((_, i) => Math.sin(i))
    const before = [...memory]
    const logits = memory.subarray(100, 200)
    const changed = {
      logitBias: [[3, 5]] as [number, number][],
      repetitionPenalty: 1.3,
      presencePenalty: 1,
      topK: 5,
    }
    const sampler = createSampler(samplingOptions(changed))
    const seen = { position: 1, prompt: new Set([1, 2]), generated: new Map([[4, 2]]) }
    const { id } = sampler.sample(logits, seen)
    expect([...memory]).toEqual(before)
    expect(sampler.sample(Float32Array.from(logits), seen).id).toBe(id)
  })

  test('without a number to choose is an engine failure', () => {
    for (const bad of [NaN, Infinity]) {
      expect(() => sampleAt(Float32Array.of(1, bad, 2), {})).toThrow(
        expect.objectContaining({ code: 'engine_failure' }),
      )
    }
    const none = Float32Array.of(-Infinity, -Infinity)
    expect(() => sampleAt(none, { temperature: 0 })).toThrow(
      expect.objectContaining({ code: 'engine_failure' }),
    )
  })
})

test.each([
  ['temperature', { temperature: -1 }],
  ['temperature', { temperature: NaN }],
  ['top_k', { topK: 1.5 }],
  ['top_p', { topP: 1.1 }],
  ['min_p', { minP: -0.1 }],
  ['repetition_penalty', { repetitionPenalty: 0 }],
  ['presence_penalty', { presencePenalty: Infinity }],
  ['frequency_penalty', { frequencyPenalty: NaN }],
  ['seed', { seed: 2 ** 32 }],
  ['logit_bias', { logitBias: [[-1, 2]] as [number, number][] }],
  ['logit_bias', { logitBias: [[1, NaN]] as [number, number][] }],
  ['temperature', { temperature: Infinity }],
  ['top_k', { topK: -1 }],
  ['top_k', { topK: 2 ** 32 }],
  ['top_p', { topP: -0.1 }],
  ['min_p', { minP: 1.1 }],
  ['repetition_penalty', { repetitionPenalty: Infinity }],
  ['repetition_penalty', { repetitionPenalty: -1 }],
  ['seed', { seed: -1 }],
])('an impossible %s is refused when the sampler is made', (param, changed) => {
  const refused = expect.objectContaining({ code: 'invalid_request', param })
  expect(() => createSampler(samplingOptions(changed))).toThrow(refused)
})

test('the ends of each range are allowed', () => {
  const ends: Partial<SamplingOptions>[] = [
    { temperature: 0, topK: 0, topP: 0, minP: 0, seed: 0, repetitionPenalty: 5e-324 },
    { temperature: 1e30, topK: 2 ** 32 - 1, topP: 1, minP: 1, seed: 2 ** 32 - 1, repetitionPenalty: 1e30 },
    { presencePenalty: -2, frequencyPenalty: -2, logitBias: [[0, -100]] },
  ]
  for (const changed of ends) expect([0, 1]).toContain(sampleAt(Float32Array.of(1, 2), changed))
})

test('log probabilities are given for 0 to 20 alternatives, and only when asked for', () => {
  const logits = Float32Array.from({ length: 30 }, (_, id) => id)
  const sampled = (topLogprobs?: number) =>
    createSampler(samplingOptions({ temperature: 0 }), { topLogprobs }).sample(logits, at(0))
  expect(sampled()).toEqual({ id: 29 })
  expect(sampled(0).logprobs?.top).toEqual([])
  expect(sampled(20).logprobs?.top).toHaveLength(20)
  for (const wrong of [-1, 21, 1.5])
    expect(() => sampled(wrong)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'top_logprobs' }),
    )
})

test('scratch is made once for the vocabulary, and one that is too small is refused', () => {
  const logits = Float32Array.of(1, 2, 3, 4)
  const sampleIn = (vocab: number): number =>
    createSampler(samplingOptions({ topK: 1 }), { scratch: createScratch(vocab) }).sample(logits, at(0)).id
  expect(sampleIn(4)).toBe(3)
  expect(sampleIn(9)).toBe(3)
  expect(() => sampleIn(3)).toThrow(RangeError)
})
