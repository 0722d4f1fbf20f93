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

test('within what a constraint lets in are those of a plain mask', () => {
  const random = rng(47)
  const vocab = 500
  for (const share of [0.9, 0.3, 0.01]) {
    const logits = Float32Array.from({ length: vocab }, () => 40 * random.normal())
    const mask = Array.from({ length: vocab }, (_, id) => id === 123 || random.uniform() < share)
    const verdict = (id: number) =>
      mask[id] ? ('fits' as const) : id % 2 === 0 ? ('late' as const) : ('no' as const)
    const constraint = { verdict, pass: () => verdict }
    const extras = { topLogprobs: 20, restrictedLogprobs: true, constraint }
    // Rules of sampling say nothing of it.
    const options = samplingOptions({ temperature: 0.5, topP: 0.5, logitBias: [[123, 100]], seed: 3 })
    const { id, logprobs } = createSampler(options, extras).sample(logits, at(0))
    const masked = logSoftmax(logits.map((logit, other) => (mask[other] ? logit : -Infinity)))
    expect(logprobs?.restricted).toBeCloseTo(masked[id], 9)
    expect(logprobs?.logprob).toBeCloseTo(logSoftmax(logits)[id], 9)
    for (const rival of logprobs?.top ?? [])
      if (mask[rival.id]) expect(rival.restricted).toBeCloseTo(masked[rival.id], 9)
      else expect(rival.restricted).toBeNull()
  }
})
