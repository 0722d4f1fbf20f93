// What an answer says of the rows it chose from: log probabilities with their tokens, the hash, and penalties of what it generated.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { Answer } from '../../src/answer/answer.ts'
import { tokenLogprob } from '../../src/answer/token-logprob.ts'
import { answerRules, PLAIN_RULES } from '../../src/chat/answers/rules.ts'
import { DEFAULT_SAMPLING, type GenerateRequest } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { byteTokenizer, MARK } from '../helpers/byte-tokenizer.ts'
import { request } from '../helpers/request.ts'

const tokenizer = byteTokenizer()
const [A, B] = tokenizer.encode('ab')

/** Two ids that the model likes: ln 2 - ln 3 and ln 1 - ln 3 beside nothing else. */
function row(first: number, second: number): Float32Array {
  const logits = new Float32Array(tokenizer.vocabSize).fill(-200)
  logits[first] = Math.log(2)
  logits[second] = 0
  return logits
}

function begun(changes: Partial<GenerateRequest> = {}, prompt: readonly number[] = []): Answer {
  const answer = new Answer(request({ ignoreEos: true, ...changes }), tokenizer, prompt, PLAIN_RULES, false)
  answer.begin(createScratch(tokenizer.vocabSize))
  return answer
}

test('log probabilities come with each id, and again when the ids are replayed', () => {
  const answer = begun({ topLogprobs: 2 })
  expect(answer.choose(row(A, B), 0).id).toBe(A)
  expect(answer.choose(row(B, A), 1).id).toBe(B)
  const [likely, other] = [Math.log(2 / 3), Math.log(1 / 3)].map(
    (value) => expect.closeTo(value, 6) as number,
  )
  const [a, b] = [A, B].map((id) => ({ token: id === A ? 'a' : 'b', bytes: [...tokenizer.tokenBytes(id)] }))
  const entries = [
    {
      ...a,
      logprob: likely,
      top: [
        { ...a, logprob: likely },
        { ...b, logprob: other },
      ],
    },
    {
      ...b,
      logprob: likely,
      top: [
        { ...b, logprob: likely },
        { ...a, logprob: other },
      ],
    },
  ]
  expect(answer.logprobs).toEqual(entries)
  expect(answer.take()).toMatchObject({ at: 0, text: 'a', ids: [A], logprobs: [entries[0]] })
  expect(answer.take()).toMatchObject({ at: 1, text: 'b', ids: [B], logprobs: [entries[1]] })
  const again = begun({ topLogprobs: 2 })
  again.replay([A, B], answer.logprobs)
  expect(again.logprobs).toEqual(answer.logprobs)
  expect(again.take()?.logprobs).toEqual([entries[0]])
})

test('without them events have no such field, and replayed ids may lack theirs', () => {
  const answer = begun()
  answer.choose(row(A, B), 0)
  expect(answer.take()).not.toHaveProperty('logprobs')
  expect(answer.logprobs).toEqual([])
  const asked = begun({ topLogprobs: 0 })
  asked.replay([A], [])
  expect(asked.take()?.logprobs).toEqual([])
})

test('a special token has its name for text', () => {
  const named = tokenLogprob(MARK, { logprob: -1, top: [] }, tokenizer)
  expect(named).toMatchObject({ token: tokenizer.nameOf(MARK), logprob: -1, top: [] })
})

test('penalties count what was generated, and look at the prompt for repetition alone', () => {
  const penalised = (sampling: Partial<GenerateRequest['sampling']>, prompt: number[] = []): number[] => {
    const answer = begun({ sampling: { ...DEFAULT_SAMPLING, temperature: 0, seed: 1, ...sampling } }, prompt)
    return [0, 1, 2, 3].map((position) => answer.choose(row(A, B), position).id)
  }
  expect(penalised({})).toEqual([A, A, A, A])
  // ln 2 is 0.69: more than one time 0.5, less than two times.
  expect(penalised({ frequencyPenalty: 0.5 })).toEqual([A, A, B, A])
  expect(penalised({ frequencyPenalty: 0.5 }, [A])).toEqual([A, A, B, A])
  expect(penalised({ repetitionPenalty: 1e6, logitBias: [[A, 1], [B, 1]] }, [A])).toEqual([B, A, A, A]) // prettier-ignore
})

test('the hash covers all rows that were chosen from, and is there only when asked for', () => {
  const answer = begun({ hashLogits: true })
  const rows = [row(A, B), row(B, A)]
  rows.forEach((logits, position) => answer.choose(logits, position))
  const hash = createHash('sha256')
  for (const logits of rows) hash.update(new Uint8Array(logits.buffer))
  expect(answer.logitsHash()).toBe(hash.digest('hex'))
  expect(begun().logitsHash()).toBeUndefined()
})

test('an answer cannot choose before it begins', () => {
  const answer = new Answer(request(), tokenizer, [], PLAIN_RULES, false)
  expect(() => answer.choose(row(A, B), 0)).toThrow('before it begins')
})

test('the end has the ids that were held back, and is nothing where none were', () => {
  const whole = begun()
  whole.replay([A], [])
  expect(whole.take()).toMatchObject({ type: 'text', text: 'a' })
  expect(whole.end()).toBeUndefined()
  const held = begun()
  held.replay([MARK], [])
  expect(held.take()).toBeUndefined()
  expect(held.end()).toEqual({ type: 'text', at: 0, text: '', ids: [MARK] })
})

test('thoughts of one event are joined, and events without any have no such field', () => {
  const rules = answerRules(
    tokenizer,
    { kind: 'jinja', template: '<think></think>' },
    { tools: false, thinking: true },
  )
  const answer = new Answer(request({ ignoreEos: true }), tokenizer, [], rules, false)
  answer.replay(tokenizer.encode('hm</think>yes'), [])
  const events = []
  for (let event = answer.take(); event !== undefined; event = answer.take()) events.push(event)
  const rest = answer.end()
  if (rest !== undefined) events.push(rest)
  expect(events.map(({ reasoning }) => reasoning ?? '').join('')).toBe('hm')
  expect(events.map(({ text }) => text).join('')).toBe('yes')
  expect(events.filter((event) => 'reasoning' in event).every(({ reasoning }) => reasoning !== '')).toBe(true)
  expect(events.every(({ type }) => type === 'text')).toBe(true)
})
