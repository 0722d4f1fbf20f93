// Text completions name alternatives by their text: those that print alike stay apart.

import { expect, it } from 'vitest'
import { spellings } from '../../src/api/dialects/completions/spellings.ts'
import { tokenLogprob } from '../../src/answer/token-logprob.ts'
import type { TokenLogprob } from '../../src/protocol/generation.ts'
import { clientOver, fakeLanes, finish, MODEL, start } from './helpers.ts'

const token = (text: string, logprob: number, bytes: number[] = [...new TextEncoder().encode(text)]) => ({
  token: text,
  logprob,
  bytes,
})
const among = (chosen: Omit<TokenLogprob, 'top'>, ...top: Omit<TokenLogprob, 'top'>[]) =>
  spellings({ ...chosen, top })

it('of tokens that are parts of characters one prints so, and the others are called by their bytes', () => {
  const robot = token('\ufffd', -0.1, [0xf0, 0x9f])
  const spelt = among(robot, token('\ufffd', -2, [0xe2]), robot, token(' a', -3), token('\ufffd', -4, [0x96]))
  expect(spelt.chosen).toBe('\ufffd')
  expect(spelt.top).toEqual(['bytes:\\xe2', '\ufffd', ' a', 'bytes:\\x96'])
})

it('a chosen token that is not among the alternatives has no score of theirs', () => {
  const spelt = among(token('\ufffd', -9, [0xf0]), token('\ufffd', -1, [0xe2]), token('\ufffd', -2, [0xe3]))
  expect(spelt.top).toEqual(['bytes:\\xe2', 'bytes:\\xe3'])
})

it('tokens of the same text or bytes stay apart, and the chosen one is called the same', () => {
  const rivals = [token('a', -1), token('a', -2), token('a', -3), token('b', -4)]
  expect(among(rivals[1], ...rivals)).toEqual({
    chosen: 'a',
    top: ['bytes:\\x61', 'a', 'bytes:\\x61#2', 'b'],
  })
  // A token that is called as another's bytes are.
  expect(among(token('bytes:\\x61', -1), token('a', -2), token('a', -3)).top).toEqual(['a', 'bytes:\\x61#2'])
})

it('each has an entry with its own score, whole and streamed', async () => {
  const robot = token('\ufffd', -3, [0xf0, 0x9f])
  const top = [
    token('\ufffd', -1, [0xe2]),
    token('\ufffd', -2, [0xe3]),
    robot,
    token('\n', -4),
    token('__proto__', -5),
  ]
  const text = { type: 'text' as const, text: '', ids: [1], logprobs: [{ ...robot, top }] }
  const { client } = clientOver(fakeLanes([start, text, finish]))
  const ask = { model: MODEL, prompt: 'Robot', logprobs: 5 }
  const whole = (await client.completions.create(ask)).choices[0].logprobs
  const streamed = []
  for await (const chunk of await client.completions.create({ ...ask, stream: true }))
    if (chunk.choices[0]?.logprobs) streamed.push(chunk.choices[0].logprobs)
  for (const logprobs of [whole, streamed[0]]) {
    const entries = Object.entries(logprobs?.top_logprobs?.[0] ?? {})
    expect(entries.map(([, score]) => score)).toEqual([-1, -2, -3, -4, -5])
    expect(new Map(entries).get(logprobs?.tokens?.[0] ?? '')).toBe(-3)
  }
})

it('a byte order mark is a character', () => {
  const bytes = new TextEncoder().encode('\ufeffa')
  const tokenizer = { tokenBytes: () => bytes, isSpecial: () => false, nameOf: () => '' }
  const named = tokenLogprob(
    1,
    { logprob: -1, top: [] },
    tokenizer as unknown as Parameters<typeof tokenLogprob>[2],
  )
  expect(named.token).toBe('\ufeffa')
})
