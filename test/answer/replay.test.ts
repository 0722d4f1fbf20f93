// An answer that is taken up again chooses as it would have, wherever that is: by position, seed, and all ids before.

import { describe, expect, test } from 'vitest'
import { Answer } from '../../src/answer/answer.ts'
import type { GenerateRequest, TokenLogprob } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { byteTokenizer, END, MARK } from '../helpers/byte-tokenizer.ts'
import { request } from '../helpers/request.ts'
import { rng } from '../helpers/rng.ts'

const TOKENS = 20
const prompt = [3, 1, 4, 1, 5]
const tokenizer = byteTokenizer()
const scratch = createScratch(tokenizer.vocabSize)

/** Logits of each place, flat enough that seeds and penalties decide. */
const rows = Array.from({ length: TOKENS }, (_, place) => {
  const { uniform } = rng(place + 1)
  return Float32Array.from({ length: tokenizer.vocabSize }, (_, id) => (id < 24 ? uniform() : -9))
})

const asked = (changes: Partial<GenerateRequest['sampling']> = {}, others: Partial<GenerateRequest> = {}) =>
  request({
    ignoreEos: true,
    ...others,
    sampling: { ...request().sampling, temperature: 0.8, seed: 11, ...changes },
  })

type Taken = {
  ids: number[]
  logprobs: readonly TokenLogprob[]
  places: (number | undefined)[]
  text: string
}

/** The answer after `given` ids of it were replayed, to its end. */
function answerFrom(
  order: GenerateRequest,
  given: readonly number[],
  known: readonly TokenLogprob[] = [],
  /** Mirostat's state behind so many ids, which the first answer fills in. */
  mus: (number | undefined)[] = [],
): Taken {
  const answer = new Answer(order, tokenizer, prompt)
  answer.replay(given, known, mus[given.length])
  answer.begin(scratch)
  const ids = [...given]
  while (ids.length < TOKENS) {
    ids.push(answer.choose(rows[ids.length], prompt.length + ids.length).id)
    mus[ids.length] ??= answer.muBehind(ids.length)
  }
  const events = []
  for (let event = answer.take(); event !== undefined; event = answer.take()) events.push(event)
  const rest = answer.end()
  if (rest !== undefined) events.push(rest)
  return {
    ids,
    logprobs: answer.logprobs,
    places: events.map(({ at }) => at),
    text: events.map(({ text }) => text).join(''),
  }
}

describe.each([
  ['temperature alone', {}],
  ['top_k, top_p and min_p', { topK: 12, topP: 0.9, minP: 0.05 }],
  ['a penalty for repetition', { repetitionPenalty: 1.6 }],
  ['a penalty for presence', { presencePenalty: 0.9 }],
  ['a penalty for frequency', { frequencyPenalty: 0.9 }],
  ['a bias', { logitBias: [[5, 1.5]] as [number, number][] }],
  ['a window of penalties', { repetitionPenalty: 1.6, presencePenalty: 0.5, repeatLastN: 4 }],
  ['DRY', { dry: { multiplier: 2, base: 1.75, allowedLength: 1, breakers: ['\u0004'] } }],
  ['top_n_sigma and typical_p', { topNSigma: 0.25, typicalP: 0.7 }],
  ['a dynamic temperature', { dynatemp: { range: 0.5, exponent: 1.5 } }],
  ['XTC', { xtc: { probability: 0.5, threshold: 0.05 } }],
  ['Mirostat 2', { mirostat: { tau: 2, eta: 0.5 } }],
  [
    'all of them, greedily',
    { temperature: 0, repetitionPenalty: 1.3, frequencyPenalty: 0.4, presencePenalty: 0.2 },
  ],
])('with %s', (_, sampling) => {
  const mus: (number | undefined)[] = []
  const whole = answerFrom(asked(sampling, { topLogprobs: 2, echo: true }), [], [], mus)

  test('is the same after every id', () => {
    for (let cut = 0; cut <= TOKENS; cut++) {
      const order = asked(sampling, { topLogprobs: 2, echo: true })
      expect(
        answerFrom(order, whole.ids.slice(0, cut), whole.logprobs.slice(0, cut), mus),
        `after ${cut}`,
      ).toEqual(whole)
    }
  })
})

test('each option changes the answer, so that equal answers say something', () => {
  const changes = [
    {},
    { repetitionPenalty: 1.6 },
    { presencePenalty: 0.9 },
    { frequencyPenalty: 0.9 },
    { frequencyPenalty: 0.9, repeatLastN: 3 },
    { dry: { multiplier: 5, base: 1.75, allowedLength: 1, breakers: [] } },
    { topNSigma: 0.2 },
    { typicalP: 0.5 },
    { dynatemp: { range: 0.7, exponent: 5 } },
    { xtc: { probability: 0.9, threshold: 0.03 } },
    { mirostat: { tau: 2, eta: 0.5 } },
    { seed: 12 },
  ]
  const answers = changes.map((sampling) => answerFrom(asked(sampling), []).ids.join())
  expect(new Set(answers).size).toBe(changes.length)
})

test('a breaker of DRY may begin in one token and end in the next', () => {
  // Four letters repeat; where "cd" breaks sequences, nothing goes on over it.
  const text = [...'abcdxabcd'].map((letter) => letter.charCodeAt(0))
  const flat = new Float32Array(tokenizer.vocabSize).fill(-9).with(120, 1).with(121, 0.5)
  const next = (breakers: string[]): number => {
    const order = asked({ temperature: 0, dry: { multiplier: 5, base: 1.75, allowedLength: 2, breakers } })
    const answer = new Answer(order, tokenizer, text)
    answer.begin(scratch)
    return answer.choose(flat, text.length).id
  }
  expect([next([]), next(['cd']), next(['d']), next(['bcd', 'q']), next(['dxa', 'ca'])]).toEqual([
    121, 120, 120, 120, 121,
  ])
})

test('a seed of 0 is a seed, and neighbouring seeds differ', () => {
  const answers = [0, 1, 2 ** 32 - 1].map((seed) => answerFrom(asked({ seed }), []).ids.join())
  expect(new Set(answers).size).toBe(3)
})

test('an end that is replayed ends it, unless ends are ignored', () => {
  for (const ignoreEos of [false, true]) {
    const answer = new Answer(asked({}, { ignoreEos }), tokenizer, prompt)
    answer.replay([65, END], [])
    expect(answer.stopped).toBe(!ignoreEos)
  }
})

test('the hash covers every row that was chosen from, in order', () => {
  const hashOf = (order: readonly number[]): string | undefined => {
    const answer = new Answer(asked({}, { hashLogits: true }), tokenizer, prompt)
    answer.begin(scratch)
    for (const row of order) answer.choose(rows[row], 9)
    return answer.logitsHash()
  }
  expect(new Set([hashOf([0, 1, 2]), hashOf([1, 0, 2]), hashOf([0, 1]), hashOf([1, 2])]).size).toBe(4)
  expect(hashOf([0, 1, 2])).toBe(hashOf([0, 1, 2]))
})

test('the hash covers the first and the last logit of a row', () => {
  const hashOf = (changed: number): string | undefined => {
    const answer = new Answer(asked({}, { hashLogits: true }), tokenizer, prompt)
    answer.begin(scratch)
    answer.choose(changed < 0 ? rows[0] : rows[0].with(changed, -7), 9)
    return answer.logitsHash()
  }
  expect(new Set([-1, 0, tokenizer.vocabSize - 1].map(hashOf)).size).toBe(3)
})

test('each time that an id was generated counts for its frequency', () => {
  const flat = new Float32Array(tokenizer.vocabSize).fill(-99)
  flat.set([3, 2, 1])
  const answer = new Answer(asked({ temperature: 0, frequencyPenalty: 0.6 }), tokenizer, prompt)
  answer.begin(scratch)
  const chosen = Array.from({ length: 6 }, (_, i) => answer.choose(flat, i).id)
  // 3, 2.4, 1.8 beside 2, then 1.4 and 1.2 beside 1.
  expect(chosen).toEqual([0, 0, 1, 0, 1, 0])
})

test('log probabilities come with every id, also those whose text waits, and special tokens by their names', () => {
  const answer = new Answer(asked({}, { topLogprobs: 0 }), tokenizer, prompt)
  answer.begin(scratch)
  const choose = (id: number): void =>
    void answer.choose(new Float32Array(tokenizer.vocabSize).fill(-99).with(id, 9), 1)
  for (const id of [0xe4, 0xb8, 0xad, MARK, 65]) choose(id)
  const events = []
  for (let event = answer.take(); event !== undefined; event = answer.take()) events.push(event)
  expect(events.map(({ text, logprobs }) => [text, logprobs?.length])).toEqual([
    ['\u4e2d', 3],
    ['A', 2],
  ])
  expect(events[1].logprobs?.map(({ token, bytes }) => [token, bytes])).toEqual([
    ['<mark>', []],
    ['A', [65]],
  ])
})
