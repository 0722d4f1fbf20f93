// Weights are the exponential of the scores to the last bit of a float32 but for a few; lists of the best are exact.

import { expect, test } from 'vitest'
import { createScratch, keepBest, largest, sumOfExp, weigh, weighAll } from '../../src/sampling/candidates.ts'
import { exp } from '../../src/lib/math.ts'
import { createSampler } from '../../src/sampling/sampler.ts'
import { rng } from '../helpers/rng.ts'
import { at, samplingOptions } from './helpers.ts'

/** Weights of all scores, with their sum. */
function weighed(
  scores: Float32Array,
  best: number,
  temperature: number,
): { weights: Float32Array; sum: number } {
  const scratch = createScratch(scores.length)
  for (let id = 0; id < scores.length; id++) scratch.ids[id] = id
  const sum = weigh(scratch, scores.length, scores, best, temperature)
  return { weights: scratch.weights, sum }
}

test('weights are e^x rounded: 4e-14 of error turns hardly one of 40,000 to the next float32', () => {
  const random = rng(3)
  const scores = Float32Array.from({ length: 40_000 }, () => -random.int(2 ** 24) / 2 ** 20)
  const { weights, sum } = weighed(scores, 0, 1)
  const wrong = scores.filter((score, i) => weights[i] !== Math.fround(Math.exp(score)))
  expect(wrong.length).toBeLessThanOrEqual(1)
  expect(sum).toBe(weights.reduce((total, weight) => total + weight, 0))
})

test('scores count from the best, in units of the temperature, down to a hundred of them', () => {
  const { weights } = weighed(Float32Array.of(7, 5, 7 - 49.5, 7 - 50, 7 - 51, -Infinity), 7, 0.5)
  expect([...weights]).toEqual([1, Math.fround(Math.exp(-4)), Math.fround(Math.exp(-99)), 0, 0, 0])
})

test('all ids are weighed as the same candidates are, and become these', () => {
  const random = rng(9)
  const scores = Float32Array.from({ length: 5000 }, () => 8 * random.normal())
  scores[17] = -Infinity
  const best = scores.reduce((most, score) => Math.max(most, score), -Infinity)
  for (const temperature of [1, 0.2, 0.7, 3]) {
    const { weights, sum } = weighed(scores, best, temperature)
    const scratch = createScratch(scores.length)
    expect(weighAll(scratch, scores, best, temperature)).toBe(sum)
    expect(scratch.weights).toEqual(weights)
    expect([...scratch.ids]).toEqual([...scores.keys()])
  }
})

test('a sum of exponentials has the bits of one that takes each to the last bit', () => {
  const random = rng(5)
  const plain = (scores: Float32Array, best: number): number => {
    let sum = 0
    for (const score of scores) sum += exp(score - best)
    return sum
  }
  const check = (scores: Float32Array, best = Math.max(...scores)): void =>
    expect(sumOfExp(scores, best)).toBe(plain(scores, best))
  // From rows in which all are alike to rows in which nothing but the best counts, in both orders.
  for (const spread of [1e-6, 1e-3, 0.1, 1, 3, 10, 40, 300]) {
    const scores = Float32Array.from({ length: 20_000 }, () => spread * random.normal())
    check(scores)
    check(scores.toSorted())
    check(scores.toSorted().reverse())
  }
  check(new Float32Array(3000).fill(-2))
  check(Float32Array.of(-Infinity, 3, -Infinity, -97, -98, -700, -750, 3))
  expect(sumOfExp(Float32Array.of(1, NaN), 1)).toBeNaN()
})

test('the largest of long rows are those of a sort, ties to the lower id', () => {
  const random = rng(6)
  for (const length of [1, 3, 4, 5, 100, 3000])
    for (const distinct of [3, 50, 10_000]) {
      const values = Float32Array.from({ length }, () => random.int(distinct) - distinct / 2)
      const sorted = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b)
      for (const count of [1, 2, 5, 100]) expect(largest(values, count)).toEqual(sorted.slice(0, count))
    }
})

test('the largest of a row come best first, the lower id among equals', () => {
  const values = Float32Array.of(1, 5, 3, 5, 2)
  expect(largest(values, 0)).toEqual([])
  expect(largest(values, 1)).toEqual([1])
  expect(largest(values, 4)).toEqual([1, 3, 2, 4])
  expect(largest(values, 5)).toEqual([1, 3, 2, 4, 0])
})

test('the fewest that reach a weight stay, in order of id, and one at least', () => {
  const scores = Float32Array.of(2, 9, 4, 4, -1, 4)
  const kept = (target: number): number[] => {
    const scratch = createScratch(scores.length)
    for (let id = 0; id < scores.length; id++) scratch.ids[id] = id
    scratch.weights.fill(1)
    return [...scratch.ids.slice(0, keepBest(scratch, scores.length, scores, target))]
  }
  expect([0, 0.5, 1].map(kept)).toEqual([[1], [1], [1]])
  expect([1.5, 2, 2.5, 3, 4].map(kept)).toEqual([
    [1, 2],
    [1, 2],
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3, 5],
  ])
  expect([5, 6].map(kept)).toEqual([
    [0, 1, 2, 3, 5],
    [0, 1, 2, 3, 4, 5],
  ])
})

test('scratch is made when it is needed: greedy and log probabilities need none', () => {
  const scratch = createScratch(2 ** 45) // no array is so long
  const sampler = createSampler(samplingOptions({ temperature: 0 }), { scratch, topLogprobs: 1 })
  expect(sampler.sample(Float32Array.of(1, 2), at(0))).toMatchObject({ id: 1 })
  expect(() => scratch.weights).toThrow(RangeError)
})

test('a long top_k counts ids, whatever their weights were before', () => {
  const flat = new Float32Array(300)
  const scratch = createScratch(300)
  scratch.weights.fill(7)
  const sampler = createSampler(samplingOptions({ topK: 150 }), { scratch })
  const ids = Array.from({ length: 1000 }, (_, position) => sampler.sample(flat, at(position)).id)
  expect(Math.max(...ids)).toBeLessThan(150)
  expect(Math.max(...ids)).toBeGreaterThan(140)
})
