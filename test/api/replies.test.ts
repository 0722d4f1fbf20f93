// Whole replies, errors and retries as the real client sees them; what the lane is asked for.

import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import {
  MODEL,
  HELLO,
  ORIGIN,
  appOver,
  chat,
  clientOver,
  completion,
  fakeLanes,
  finish,
  gather,
  post,
  start,
  type Step,
} from './helpers.ts'

describe('whole replies', () => {
  it('chat: message, usage, islet and headers (B1-B3, E4)', async () => {
    const { client } = clientOver(fakeLanes())
    const reply = await client.chat.completions.create(chat({ model: MODEL.toUpperCase() }))
    expect(reply).toMatchObject({
      id: 'chatcmpl-id1',
      object: 'chat.completion',
      created: 1_763_900_000,
      model: MODEL,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello 🌍', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 12,
        completion_tokens: 3,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 5 },
      },
      islet: { window: 1024, sinks: 4, out_of_sight: 0, truncated_tokens: 0, cached_tokens: 5 },
    })
    expect(reply._request_id).toBe('id1')
  })

  it('text: text, legacy logprobs, usage (B4, B5)', async () => {
    const token = (value: string) => ({
      token: value,
      logprob: -1,
      bytes: [value.charCodeAt(0)],
      top: [{ token: value, logprob: -1, bytes: [value.charCodeAt(0)] }],
    })
    const script: Step[] = [
      start,
      { type: 'text', text: 'ab', ids: [1, 2], logprobs: [token('a'), token('b')] },
      { type: 'text', text: 'c', ids: [3], logprobs: [token('c')] },
      finish,
    ]
    const reply = await clientOver(fakeLanes(script)).client.completions.create(completion({ logprobs: 1 }))
    expect(reply).toMatchObject({
      object: 'text_completion',
      choices: [
        {
          text: 'abc',
          index: 0,
          finish_reason: 'stop',
          logprobs: {
            tokens: ['a', 'b', 'c'],
            token_logprobs: [-1, -1, -1],
            top_logprobs: [{ a: -1 }, { b: -1 }, { c: -1 }],
            text_offset: [0, 1, 2],
          },
        },
      ],
      usage: { total_tokens: 15 },
    })
  })

  it('survives a progress report before the start', async () => {
    const fake = fakeLanes([{ type: 'progress', state: 'loading', done: 1, total: 2 }, ...HELLO])
    expect((await clientOver(fake).client.chat.completions.create(chat())).choices[0].message.content).toBe(
      'Hello 🌍',
    )
  })

  it('gathers the same text, usage and report as the stream', async () => {
    const { client } = clientOver(fakeLanes())
    const whole = await client.chat.completions.create(chat())
    const stream = await client.chat.completions.create({
      ...chat(),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await gather(stream)
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0].message.content,
    )
    expect(chunks.at(-1)?.usage).toEqual(whole.usage)
    expect((chunks.at(-2) as { islet?: unknown }).islet).toEqual((whole as { islet?: unknown }).islet)
  })
})

describe('errors in the client (E1-E3)', () => {
  const cases: [code: string, status: number, kind: new (...args: never[]) => Error, tries: number][] = [
    ['invalid_request', 400, OpenAI.BadRequestError, 1],
    ['context_length_exceeded', 400, OpenAI.BadRequestError, 1],
    ['engine_failure', 500, OpenAI.InternalServerError, 1],
    ['out_of_memory', 500, OpenAI.InternalServerError, 1],
    ['overloaded', 429, OpenAI.RateLimitError, 2],
    ['model_loading', 503, OpenAI.InternalServerError, 2],
    ['checksum_mismatch', 503, OpenAI.InternalServerError, 2],
    ['lane_lost', 503, OpenAI.InternalServerError, 2],
    ['internal_error', 500, OpenAI.InternalServerError, 2],
    ['never_heard_of', 500, OpenAI.InternalServerError, 2],
  ]
  for (const [code, status, kind, tries] of cases) {
    it(`${code}: ${status}, ${tries === 1 ? 'not tried again' : 'tried again'}`, async () => {
      const { client, sent } = clientOver(fakeLanes([{ type: 'error', code, message: 'm', param: 'p' }]))
      const failure = await client.chat.completions
        .create(chat(), { maxRetries: 1 })
        .catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(kind)
      const known = code !== 'never_heard_of'
      expect(failure).toMatchObject({ status, code: known ? code : 'internal_error', param: 'p' })
      expect((failure as { requestID?: string }).requestID).toMatch(/^id\d$/)
      expect(sent).toHaveLength(tries)
    }, 10_000)
  }

  it('says in milliseconds when to come back', async () => {
    const fake = fakeLanes([{ type: 'error', code: 'overloaded', message: 'full' }])
    const response = await post(fake, '/v1/chat/completions', chat())
    expect(Number(response.headers.get('retry-after-ms'))).toBeGreaterThan(0)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  })
})

describe('what the lane is asked for', () => {
  async function asked(path: string, body: object): Promise<GenerateRequest> {
    const fake = fakeLanes()
    const response = await post(fake, path, body)
    expect(await response.text()).toContain('Hello')
    return fake.requests[0]
  }

  it('chat defaults', async () => {
    expect(await asked('/v1/chat/completions', chat())).toEqual({
      store: true,
      background: false,
      retry: false,
      bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      reply: { kind: 'chat', id: 'chatcmpl-id1', created: 1_763_900_000, model: MODEL, includeUsage: false },
      requestId: 'id1',
      tenant: 'anonymous',
      sessionKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      model: MODEL,
      prompt: { kind: 'chat', messages: [{ role: 'user', content: 'Hi' }] },
      maxTokens: undefined,
      stop: [],
      ignoreEos: false,
      sampling: {
        temperature: 1,
        topK: 0,
        topP: 1,
        minP: 0,
        repetitionPenalty: 1,
        presencePenalty: 0,
        frequencyPenalty: 0,
        seed: 4_000_000_000,
        logitBias: [],
      },
      topLogprobs: undefined,
      truncation: 'disabled',
      unseen: true,
      echo: false,
      hashLogits: false,
    })
  })

  it('every sampling field arrives', async () => {
    const request = await asked('/v1/completions', {
      ...completion(),
      temperature: 0,
      top_k: 40,
      top_p: 0.9,
      min_p: 0.05,
      repetition_penalty: 1.1,
      presence_penalty: -2,
      frequency_penalty: 2,
      seed: 7,
      logit_bias: { '5': -100, '12': 1.5 },
      stop: ['a', 'b'],
      ignore_eos: true,
      max_tokens: 9,
      truncation: 'auto',
      echo: true,
      logprobs: 0,
    })
    expect(request).toMatchObject({
      prompt: { kind: 'text', text: 'Once' },
      maxTokens: 9,
      stop: ['a', 'b'],
      ignoreEos: true,
      truncation: 'auto',
      echo: true,
      topLogprobs: 0,
      sampling: {
        temperature: 0,
        topK: 40,
        topP: 0.9,
        minP: 0.05,
        repetitionPenalty: 1.1,
        presencePenalty: -2,
        frequencyPenalty: 2,
        seed: 7,
        logitBias: [
          [5, -100],
          [12, 1.5],
        ],
      },
    })
  })

  for (const [seed, expected] of [
    [-1, 0xffffffff],
    [0, 0],
    [2 ** 32 + 3, 3],
    [-(2 ** 63), 0],
  ]) {
    it(`seed ${seed} is ${expected}`, async () => {
      expect((await asked('/v1/completions', completion({ seed }))).sampling.seed).toBe(expected)
    })
  }

  it.each([
    ['9007199254740992', 0],
    ['9007199254740993', 1],
    ['-9007199254740993', 0xffffffff],
    ['9223372036854775807', 0xffffffff],
    ['18446744073709551615', 0xffffffff],
    ['1e16', 1874919424],
  ])('seed %s is %s, from all of its digits', async (digits, expected) => {
    const fake = fakeLanes()
    const body = JSON.stringify(completion({ metadata: { seed: 1 } })).replace(/}$/, `, "seed": ${digits}}`)
    const path = `${ORIGIN}/v1/completions`
    expect((await appOver(fake).app.request(path, { method: 'POST', body })).status).toBe(200)
    expect(fake.requests[0].sampling.seed).toBe(expected)
  })

  it.each(['18446744073709551616', '-9223372036854775809000', '1e30'])(
    'seed %s is refused',
    async (digits) => {
      const body = JSON.stringify(completion({ x: 0 })).replace('"x":0', `"seed":${digits}`)
      const response = await appOver(fakeLanes()).app.request(`${ORIGIN}/v1/completions`, {
        method: 'POST',
        body,
      })
      expect(await response.json()).toMatchObject({ error: { param: 'seed', code: 'invalid_request' } })
    },
  )

  it('max_completion_tokens wins over max_tokens; a text completion has 16 by default (E9)', async () => {
    const both = await asked('/v1/chat/completions', chat({ max_tokens: 5, max_completion_tokens: 6 }))
    expect(both.maxTokens).toBe(6)
    expect((await asked('/v1/chat/completions', chat({ max_tokens: 5 }))).maxTokens).toBe(5)
    expect((await asked('/v1/completions', completion())).maxTokens).toBe(16)
  })

  it('stop as one string; top_k -1 is off; logprobs alone has no alternatives', async () => {
    const request = await asked('/v1/chat/completions', chat({ stop: '\n', top_k: -1, logprobs: true }))
    expect(request.stop).toEqual(['\n'])
    expect(request.sampling.topK).toBe(0)
    expect(request.topLogprobs).toBe(0)
  })

  it('ids as a prompt, and a prompt wrapped in an array', async () => {
    expect((await asked('/v1/completions', completion({ prompt: [1, 2] }))).prompt).toEqual({
      kind: 'ids',
      ids: [1, 2],
    })
    expect((await asked('/v1/completions', completion({ prompt: [[3]] }))).prompt).toEqual({
      kind: 'ids',
      ids: [3],
    })
    expect((await asked('/v1/completions', completion({ prompt: ['a'] }))).prompt).toEqual({
      kind: 'text',
      text: 'a',
    })
  })

  it('messages: developer, null, parts, tool history, foreign keys', async () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }
    const request = await asked(
      '/v1/chat/completions',
      chat({
        messages: [
          { role: 'developer', content: 'D', cache_control: { type: 'ephemeral' } },
          {
            role: 'user',
            name: 'Ann',
            content: [
              { type: 'text', text: 'a', extra: 1 },
              { type: 'text', text: 'b' },
            ],
          },
          { role: 'assistant', content: null, refusal: null, tool_calls: [{ ...call, index: 0 }] },
          { role: 'tool', tool_call_id: 'c1', content: '42' },
          { role: 'assistant' },
          { role: 'user', content: null },
        ],
      }),
    )
    expect(request.prompt).toEqual({
      kind: 'chat',
      messages: [
        { role: 'system', content: 'D', cache_control: { type: 'ephemeral' } },
        {
          role: 'user',
          name: 'Ann',
          content: [
            { type: 'text', text: 'a', extra: 1 },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'assistant', content: null, refusal: null, tool_calls: [{ ...call, index: 0 }] },
        { role: 'tool', tool_call_id: 'c1', content: '42' },
        { role: 'assistant' },
        { role: 'user', content: null },
      ],
    })
  })
})
