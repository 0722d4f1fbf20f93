// Streams as the real client and a plain parser read them: frames, chunks, errors, disconnects.

import { createParser, type EventSourceMessage } from 'eventsource-parser'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { IsletError } from '../../src/lib/errors.ts'
import {
  MODEL,
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
  text,
} from './helpers.ts'

type Chunk = OpenAI.ChatCompletionChunk

async function rawChunks(fake = fakeLanes(), extra: Record<string, unknown> = {}): Promise<Chunk[]> {
  const stream = await clientOver(fake).client.chat.completions.create({ ...chat(extra), stream: true })
  return gather(stream)
}

function parse(body: string) {
  const events: EventSourceMessage[] = []
  const comments: string[] = []
  const errors: unknown[] = []
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: (comment) => comments.push(comment),
    onError: (error) => errors.push(error),
  })
  parser.feed(body)
  return { events, comments, errors }
}

describe('framing', () => {
  for (const [path, body] of [
    ['/v1/chat/completions', chat({ stream: true })],
    ['/v1/completions', completion({ stream: true })],
  ] as const) {
    it(`${path}: one data line and a blank line an event, no other field, [DONE] last (S1-S7)`, async () => {
      const response = await post(fakeLanes(), path, body)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
      expect(response.headers.get('cache-control')).toBe('no-cache')
      expect(response.headers.get('x-request-id')).toBe('id1')
      const wire = await response.text()
      for (const frame of wire.split('\n\n').slice(0, -1)) expect(frame).toMatch(/^(data: [^\n]+|:)$/)
      expect(wire.endsWith('data: [DONE]\n\n')).toBe(true)
      expect(wire.split('[DONE]')).toHaveLength(2)
      const { events, errors } = parse(wire)
      expect(errors).toEqual([])
      expect(events.every((event) => event.id === undefined && event.event === undefined)).toBe(true)
      for (const event of events.slice(0, -1)) JSON.parse(event.data)
    })
  }

  it('keeps a queued, loading or silent stream alive with comments that the client ignores (S6, S12)', async () => {
    const script = [
      { type: 'progress', state: 'queued', done: 0, total: 1 } as const,
      { type: 'progress', state: 'loading', done: 1, total: 2 } as const,
      { wait: 60 },
      start,
      { type: 'progress', state: 'prefill', done: 6, total: 12 } as const,
      text('Hi'),
      finish,
    ]
    const response = await appOver(fakeLanes(script), { pingMs: 20 }).app.request(
      `${ORIGIN}/v1/chat/completions`,
      {
        method: 'POST',
        body: JSON.stringify(chat({ stream: true })),
      },
    )
    const { events, comments } = parse(await response.text())
    expect(comments.length).toBeGreaterThanOrEqual(4) // three reports, and silence at least once
    expect(JSON.parse(events[0].data).choices[0].delta).toEqual({ role: 'assistant', content: '' })

    const stream = clientOver(fakeLanes(script), { pingMs: 20 }).client.chat.completions.stream(chat())
    expect(await stream.finalContent()).toBe('Hi')
  })

  it('gives the headers after pingMs even when no event came', async () => {
    const fake = fakeLanes([{ wait: 200 }, start, text('late'), finish])
    const { app } = appOver(fake, { pingMs: 10 })
    const body = JSON.stringify(chat({ stream: true }))
    const response = await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body })
    expect(fake.produced).toBe(0)
    const wire = await response.text()
    expect(wire.startsWith(':\n\n')).toBe(true)
    expect(wire).toContain('late')
  })

  it('sends the role before the first token is produced', async () => {
    const fake = fakeLanes()
    const response = await post(fake, '/v1/chat/completions', chat({ stream: true }))
    const reader = response.body!.getReader()
    const first = new TextDecoder().decode((await reader.read()).value)
    expect(first).toContain('"role":"assistant"')
    expect(fake.produced).toBe(1)
    await reader.cancel()
  })
})

describe('chat chunks', () => {
  it('share id, object, created and model, and carry role, text and one finish reason (C1-C8)', async () => {
    const chunks = await rawChunks()
    expect(chunks).toHaveLength(5)
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({
        id: 'chatcmpl-id1',
        object: 'chat.completion.chunk',
        model: MODEL,
        created: 1_763_900_000,
      })
      expect(chunk.choices).toHaveLength(1)
      expect(chunk.choices[0].index).toBe(0)
      expect('usage' in chunk).toBe(false)
    }
    expect(chunks[0].choices[0].delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.slice(1, 4).map((chunk) => chunk.choices[0].delta)).toEqual([
      { content: 'Hel' },
      { content: 'lo' },
      { content: ' 🌍' },
    ])
    expect(chunks.map((chunk) => chunk.choices[0].finish_reason)).toEqual([null, null, null, null, 'stop'])
    expect(chunks[4].choices[0].delta).toEqual({})
    expect(chunks[4]).toHaveProperty('islet', {
      window: 1024,
      sinks: 4,
      out_of_sight: 0,
      truncated_tokens: 0,
      cached_tokens: 5,
    })
  })

  it('end with one usage chunk when include_usage asks, with usage null before it (C9, B3)', async () => {
    const chunks = await rawChunks(fakeLanes(), { stream_options: { include_usage: true } })
    expect(chunks).toHaveLength(6)
    expect(chunks.slice(0, 5).every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true)
    expect(chunks[5].choices).toEqual([])
    expect(chunks[5].usage).toMatchObject({
      prompt_tokens: 12,
      completion_tokens: 3,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 5 },
      completion_tokens_details: { reasoning_tokens: 0 },
    })
  })

  it('add up in .stream(), with usage', async () => {
    const { client } = clientOver(fakeLanes())
    const stream = client.chat.completions.stream({ ...chat(), stream_options: { include_usage: true } })
    const whole = await stream.finalChatCompletion()
    expect(whole.choices[0].message.content).toBe('Hello 🌍')
    expect(whole.choices[0].finish_reason).toBe('stop')
    expect(whole.usage?.total_tokens).toBe(15)
  })

  it('carry logprobs that concatenate, also of text held back (3.5)', async () => {
    const top = [
      { token: 'a', logprob: -0.1, bytes: [97] },
      { token: 'b', logprob: -3, bytes: [98] },
    ]
    const fake = fakeLanes([
      start,
      {
        type: 'text',
        text: '',
        ids: [1],
        logprobs: [{ token: '\ufffd', logprob: -0.5, bytes: [0xf0, 0x9f], top }],
      },
      { type: 'text', text: 'x', ids: [2, 3], logprobs: top.map((entry) => ({ ...entry, top })) },
      finish,
    ])
    const stream = clientOver(fake).client.chat.completions.stream(chat({ logprobs: true, top_logprobs: 2 }))
    const { choices } = await stream.finalChatCompletion()
    expect(choices[0].message.content).toBe('x')
    expect(choices[0].logprobs?.content?.map((entry) => entry.token)).toEqual(['\ufffd', 'a', 'b'])
    expect(choices[0].logprobs?.content?.[0]).toEqual({
      token: '\ufffd',
      logprob: -0.5,
      bytes: [0xf0, 0x9f],
      top_logprobs: top,
    })
    expect(fake.requests[0].topLogprobs).toBe(2)
  })

  it('send no chunk for text that is still held back', async () => {
    const chunks = await rawChunks(fakeLanes([start, text(''), text(''), text('ok'), finish]))
    expect(chunks.map((chunk) => chunk.choices[0].delta.content)).toEqual(['', 'ok', undefined])
  })

  it('report the window, what was cut, and the hash of the logits when asked', async () => {
    const fake = fakeLanes([
      { type: 'start', promptTokens: 9, cachedTokens: 0, truncatedTokens: 77 },
      {
        ...finish,
        reason: 'length',
        logitsHash: 'abc',
        window: { window: undefined, sinks: 0, outOfSight: 0 },
      } as typeof finish,
    ])
    const { client } = clientOver(fake)
    const stream = await client.chat.completions.create(
      { ...chat({ truncation: 'auto' }), stream: true },
      { headers: { 'x-islet-hash-logits': '1' } },
    )
    const chunks = await gather(stream)
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      islet: { window: null, sinks: 0, out_of_sight: 0, truncated_tokens: 77, logits_sha256: 'abc' },
    })
    expect(fake.requests[0]).toMatchObject({ truncation: 'auto', hashLogits: true })
  })
})

describe('text completion chunks', () => {
  it('have text, index and finish reason (B4), legacy logprobs with running offsets (B5)', async () => {
    const top = [{ token: 'He', logprob: -0.25, bytes: [72, 101] }]
    const fake = fakeLanes([
      start,
      { type: 'text', text: 'He', ids: [1], logprobs: [{ ...top[0], top }] },
      {
        type: 'text',
        text: 'y!',
        ids: [2, 3],
        logprobs: ['y', '!'].map((token) => ({ token, logprob: -1, bytes: [token.charCodeAt(0)], top: [] })),
      },
      finish,
    ])
    const { client } = clientOver(fake)
    const stream = await client.completions.create({
      ...completion({ logprobs: 1 }),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await gather(stream)
    expect(chunks.map((chunk) => chunk.object)).toEqual(Array(4).fill('text_completion'))
    expect(chunks.map((chunk) => chunk.choices[0]?.text)).toEqual(['He', 'y!', '', undefined])
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, null, 'stop', undefined])
    expect(chunks[0].choices[0].logprobs).toEqual({
      tokens: ['He'],
      token_logprobs: [-0.25],
      top_logprobs: [{ He: -0.25 }],
      text_offset: [0],
    })
    expect(chunks[1].choices[0].logprobs?.text_offset).toEqual([2, 3])
    expect(chunks[3].usage?.total_tokens).toBe(15)
    expect(chunks.every((chunk) => chunk.id === 'cmpl-id1')).toBe(true)
  })
})

describe('failures', () => {
  it('before the first chunk have their own status, not a stream', async () => {
    const fake = fakeLanes([
      { type: 'error', code: 'context_length_exceeded', message: 'too long', param: 'messages' },
    ])
    const response = await post(fake, '/v1/chat/completions', chat({ stream: true }))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: {
        message: 'too long',
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    })
    expect(fake.closed).toBe(1)
  })

  it('in the middle become an error frame without [DONE], and an APIError in the client (S8, S10)', async () => {
    const script = [
      start,
      text('a'),
      { type: 'error', code: 'engine_failure', message: 'a kernel trapped' } as const,
    ]
    const wire = await (await post(fakeLanes(script), '/v1/chat/completions', chat({ stream: true }))).text()
    expect(wire).not.toContain('[DONE]')
    expect(JSON.parse(parse(wire).events.at(-1)!.data)).toEqual({
      error: { message: 'a kernel trapped', type: 'server_error', param: null, code: 'engine_failure' },
    })
    const failure = await rawChunks(fakeLanes(script)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(OpenAI.APIError)
    expect(failure).toMatchObject({ code: 'engine_failure', message: 'a kernel trapped' })
    const helper = clientOver(fakeLanes(script)).client.chat.completions.stream(chat())
    await expect(helper.finalChatCompletion()).rejects.toThrow('a kernel trapped')
  })

  it('that nobody named are logged and hidden: no stack, no message', async () => {
    const fake = fakeLanes([start, text('a'), { fail: new TypeError('secret at /srv/x.ts:3') }])
    const { app, logged } = appOver(fake)
    const body = JSON.stringify(chat({ stream: true }))
    const wire = await (await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body })).text()
    expect(wire).not.toContain('secret')
    expect(wire).toContain('"code":"internal_error"')
    expect(wire).not.toContain('[DONE]')
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatchObject({ requestId: 'id1', message: 'secret at /srv/x.ts:3' })
  })

  it('a generation that stops without a finish is an error, streamed or not', async () => {
    const wire = await (
      await post(fakeLanes([start, text('a')]), '/v1/completions', completion({ stream: true }))
    ).text()
    expect(wire).toContain('"code":"engine_failure"')
    expect(wire).not.toContain('[DONE]')
    const response = await post(fakeLanes([start, text('a')]), '/v1/completions', completion())
    expect(response.status).toBe(500)
    expect(response.headers.get('x-should-retry')).toBe('false')
  })

  it('thrown instead of yielded keep their code, also without the class (it is lost across RPC)', async () => {
    const thrown = Object.assign(new Error('queue is full'), { code: 'overloaded' })
    const response = await post(fakeLanes([{ fail: thrown }]), '/v1/chat/completions', chat({ stream: true }))
    expect(response.status).toBe(429)
    const named = new IsletError('model_loading', 'loading')
    expect((await post(fakeLanes([{ fail: named }]), '/v1/chat/completions', chat())).status).toBe(503)
  })
})
