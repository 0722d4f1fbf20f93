// Log probabilities against the plain formula, and what they are taken from.

import { expect, test } from 'vitest'
import { createSampler } from '../../src/sampling/sampler.ts'
import { rng } from '../helpers/rng.ts'
import { at, samplingOptions } from './helpers.ts'

function logSoftmax(logits: Float32Array): number[] {
  const best = Math.max(...logits)
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - best), 0)
  return Array.from(logits, (logit) => logit - best - Math.log(sum))
}

test('are those of the raw logits, whatever the rules of sampling', () => {
  const random = rng(31)
  const logits = Float32Array.from({ length: 1000 }, () => 4 * random.normal())
  const expected = logSoftmax(logits)
  const order = [...expected.keys()].sort((a, b) => expected[b] - expected[a] || a - b)
  const options = samplingOptions({ temperature: 0.3, topK: 2, logitBias: [[7, 100]], presencePenalty: 1 })
  const { id, logprobs } = createSampler(options, { topLogprobs: 20 }).sample(logits, at(0))
  expect(id).toBe(7)
  expect(logprobs?.logprob).toBeCloseTo(expected[7], 9)
  expect(logprobs?.top.map((other) => other.id)).toEqual(order.slice(0, 20))
  for (const other of logprobs?.top ?? []) expect(other.logprob).toBeCloseTo(expected[other.id], 9)
})

test('list equals by id, and never more than there are', () => {
  const sampler = createSampler(samplingOptions({ temperature: 0 }), { topLogprobs: 3 })
  expect(sampler.sample(Float32Array.of(1, 2, 2, 1, 2), at(0)).logprobs?.top.map(({ id }) => id)).toEqual([
    1, 2, 4,
  ])
  expect(sampler.sample(Float32Array.of(1, 2), at(0)).logprobs?.top.map(({ id }) => id)).toEqual([1, 0])
})

test('come only when asked for: alone with 0, not at all with undefined', () => {
  const logits = Float32Array.of(0, 0)
  const options = samplingOptions({ temperature: 0 })
  expect(createSampler(options).sample(logits, at(0))).toEqual({ id: 0 })
  const { logprobs } = createSampler(options, { topLogprobs: 0 }).sample(logits, at(0))
  expect(logprobs).toEqual({ logprob: -Math.LN2, top: [] })
  expect(() => createSampler(options, { topLogprobs: 21 })).toThrow(
    expect.objectContaining({ param: 'top_logprobs' }),
  )
})
