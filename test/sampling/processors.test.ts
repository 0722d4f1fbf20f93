// Each rule on values worked out by hand, and their order.

import { expect, test } from 'vitest'
import type { SamplingOptions } from '../../src/protocol/generation.ts'
import type { Occurrences } from '../../src/sampling/history.ts'
import { createProcessors } from '../../src/sampling/processors.ts'
import { samplingOptions } from './helpers.ts'

const SEEN: Occurrences = { prompt: new Set([0, 1]), generated: new Map([[1, 2], [3, 1]]) } // prettier-ignore

function processed(logits: number[], options: Partial<SamplingOptions>, occurrences = SEEN): number[] {
  const scores = Float32Array.from(logits)
  for (const apply of createProcessors(samplingOptions(options))) apply(scores, occurrences)
  return [...scores]
}

test('there is no rule at neutral values', () => {
  expect(createProcessors(samplingOptions({ temperature: 0.7, topK: 5, logitBias: [[3, 0]] }))).toEqual([])
})

test('logit bias is added', () => {
  expect(processed([1, 2, 3, 4], { logitBias: [[0, 100], [3, -100], [1, 0.5]] })).toEqual([101, 2.5, 3, -96]) // prettier-ignore
})

test('one bias that is not zero is enough, and an id that was generated no times is not penalised', () => {
  expect(processed([1, 2], { logitBias: [[0, 0], [1, 5]] })).toEqual([1, 7]) // prettier-ignore
  const none: Occurrences = { prompt: new Set(), generated: new Map([[1, 0]]) }
  expect(processed([1, 2], { presencePenalty: 1, frequencyPenalty: 1 }, none)).toEqual([1, 2])
})

test('repetition divides what is positive and multiplies what is not, once for each id of prompt and answer', () => {
  expect(processed([1, -1, 4, 3, 0], { repetitionPenalty: 2 })).toEqual([0.5, -2, 4, 1.5, 0])
  expect(processed([1, -1, 4, 3, 0], { repetitionPenalty: 0.5 })).toEqual([2, -0.5, 4, 6, 0])
})

test('presence counts a generated id once, frequency each time; the prompt counts for neither', () => {
  expect(processed([5, 5, 5, 5], { presencePenalty: 1 })).toEqual([5, 4, 5, 4])
  expect(processed([5, 5, 5, 5], { frequencyPenalty: 0.25 })).toEqual([5, 4.5, 5, 4.75])
  expect(processed([5, 5, 5, 5], { presencePenalty: 1, frequencyPenalty: 0.25 })).toEqual([5, 3.5, 5, 3.75])
  expect(processed([5, 5, 5, 5], { presencePenalty: -2 })).toEqual([5, 7, 5, 7])
})

test('the order is bias, repetition, presence and frequency', () => {
  // id 1: (2 + 6) / 2 - 1 - 2 * 0.5 = 2
  const options = { logitBias: [[1, 6]] as [number, number][], repetitionPenalty: 2, presencePenalty: 1, frequencyPenalty: 0.5 } // prettier-ignore
  expect(processed([2, 2, 2, 2], options)).toEqual([1, 2, 2, -0.5])
})

test('ids outside the row change nothing', () => {
  const seen: Occurrences = { prompt: new Set([900]), generated: new Map([[901, 1]]) }
  const options = { logitBias: [[902, 5]] as [number, number][], repetitionPenalty: 2, presencePenalty: 1 }
  expect(processed([1, 2], options, seen)).toEqual([1, 2])
})
