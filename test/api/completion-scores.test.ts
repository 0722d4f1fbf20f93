// An echo with log probabilities as clients get it: null where nothing stood before, offsets into the text, whole and streamed.

import { describe, expect, it } from 'vitest'
import { PromptScores } from '../../src/answer/prompt-scores.ts'
import type { GenerationEvent, TextEvent } from '../../src/protocol/generation.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { clientOver, completion, fakeLanes, finish, post, start } from './helpers.ts'

/** The events of an echo of these ids, each token likelier than the one before. */
function echoOf(ids: readonly number[], top = 1): TextEvent[] {
  const scores = new PromptScores(ids, byteTokenizer(), top)
  for (let position = 1; position < ids.length; position++)
    scores.hear(
      Float32Array.from({ length: 259 }, (_, id) => (id === 65 ? position : 0)),
      position,
    )
  scores.complete()
  const events: TextEvent[] = []
  for (let event = scores.take(); event !== undefined; event = scores.take()) events.push(event)
  return events
}

type Choice = {
  index: number
  text: string
  finish_reason: string | null
  logprobs: {
    tokens: string[]
    token_logprobs: (number | null)[]
    top_logprobs: (Record<string, number> | null)[]
    text_offset: number[]
  } | null
}

/** The choice of an answer, and the same put together from its stream. */
async function bothWays(events: GenerationEvent[]): Promise<[Choice, Choice]> {
  const { client } = clientOver(fakeLanes([start, ...events, finish]))
  const ask = completion({ echo: true, logprobs: 1 })
  const whole = (await client.completions.create(ask)).choices[0] as Choice
  const joined: Choice = { index: 0, text: '', finish_reason: null, logprobs: null }
  for await (const chunk of await client.completions.create({ ...ask, stream: true })) {
    const [choice] = chunk.choices as Choice[]
    joined.text += choice.text
    joined.finish_reason = choice.finish_reason
    if (choice.logprobs === null) continue
    joined.logprobs ??= { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] }
    joined.logprobs.tokens.push(...choice.logprobs.tokens)
    joined.logprobs.token_logprobs.push(...choice.logprobs.token_logprobs)
    joined.logprobs.top_logprobs.push(...choice.logprobs.top_logprobs)
    joined.logprobs.text_offset.push(...choice.logprobs.text_offset)
  }
  return [whole, joined]
}

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]

/** Where in a text the character stands that each of its bytes belongs to, in code points. */
const places = (text: string): number[] => [...text].flatMap((letter, at) => bytes(letter).map(() => at))

describe('an echo with log probabilities', () => {
  it('has null for the first token, and what was likeliest at each other', async () => {
    const [whole, joined] = await bothWays([
      ...echoOf([256, ...bytes('AB')]),
      { type: 'text', text: 'c', ids: [99], logprobs: [{ token: 'c', logprob: -1, bytes: [99], top: [] }] },
    ])
    expect(joined).toEqual(whole)
    expect(whole).toMatchObject({ text: 'ABc', finish_reason: 'stop' })
    const { tokens, token_logprobs, top_logprobs, text_offset } = whole.logprobs as NonNullable<
      Choice['logprobs']
    >
    expect(tokens).toEqual(['<bos>', 'A', 'B', 'c'])
    expect(text_offset).toEqual([0, 0, 1, 2])
    const [first, a, b, c] = token_logprobs
    expect(first).toBeNull()
    expect([top_logprobs[0], top_logprobs[3], c]).toEqual([null, {}, -1])
    // The likeliest token is the one that came: an evaluation calls it greedy.
    expect(top_logprobs[1]).toEqual({ A: a })
    expect(a).toBeCloseTo(1 - Math.log(258 + Math.E), 12)
    expect(b).toBeCloseTo(-Math.log(258 + Math.E ** 2), 12)
  })

  it.each(['Once upon a time, the 🌍 was round — and 日本語 too.', 'ééééééé🌍🌍🌍🌍🌍', 'a'.repeat(64)])(
    'points into the text, in code points, from inside of characters too: %s',
    async (words) => {
      const said = 'été 🌍'
      const answer = bytes(said).map((byte): GenerationEvent => {
        const text = byte === 0x8d ? '🌍' : byte === 0xa9 ? 'é' : byte < 0x80 ? String.fromCharCode(byte) : ''
        return {
          type: 'text',
          text,
          ids: [byte],
          logprobs: [{ token: '', logprob: -1, bytes: [byte], top: [] }],
        }
      })
      const [whole, joined] = await bothWays([...echoOf(bytes(words)), ...answer])
      expect(joined).toEqual(whole)
      expect(whole.text).toBe(words + said)
      expect(whole.logprobs?.text_offset).toEqual(places(words + said))
    },
  )

  it('points to what stands for bytes that are no character', async () => {
    const ids = [...bytes('a'), 0xf0, 0x9f, ...bytes('b'), 0xff, ...bytes('c'), 0xe2]
    const [whole, joined] = await bothWays(echoOf(ids))
    expect(joined).toEqual(whole)
    expect(whole.text).toBe('a\ufffdb\ufffdc\ufffd')
    expect(whole.logprobs?.text_offset).toEqual([0, 1, 1, 2, 3, 4, 5])
  })
})

describe('what is asked of a lane', () => {
  it('is the scores of a prompt where both are there, and nothing else', async () => {
    const order = async (body: object) => {
      const fake = fakeLanes()
      await (await post(fake, '/v1/completions', completion({ ...body }))).text()
      const [{ maxTokens, echo, scorePrompt, topLogprobs }] = fake.requests
      return { maxTokens, echo, scorePrompt, topLogprobs }
    }
    const plain = { maxTokens: 16, echo: true, scorePrompt: undefined, topLogprobs: undefined }
    expect(await order({ echo: true })).toEqual(plain)
    expect(await order({ echo: true, logprobs: false })).toEqual({ ...plain, topLogprobs: undefined })
    const gap = { echo: true, logprobs: 1, suffix: 'end' }
    expect(await order(gap)).toEqual({ ...plain, topLogprobs: 1 })
    expect(await order({ echo: false, logprobs: 1 })).toMatchObject({ echo: false, scorePrompt: undefined })
    expect(await order({ echo: true, logprobs: 0, max_tokens: 0 })).toEqual({
      maxTokens: 0,
      echo: true,
      scorePrompt: true,
      topLogprobs: 0,
    })
  })

  it.each([
    [{ max_tokens: 0 }, 'max_tokens', 'invalid_request', 'max_tokens 0 asks for nothing: set echo'],
    [{ max_tokens: -1, echo: true }, 'max_tokens', 'invalid_request', 'max_tokens'],
  ])('%j is refused', async (body, param, code, words) => {
    const response = await post(fakeLanes(), '/v1/completions', completion(body))
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { param: string; code: string; message: string } }
    expect(error).toMatchObject({ param, code })
    expect(error.message).toContain(words)
  })
})
