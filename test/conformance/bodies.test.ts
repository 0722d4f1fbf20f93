// The checklist, B1 to B8: bodies that are not streamed.

import { expect, test } from 'vitest'
import { base64Of } from '../../src/answer/pool.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import {
  appOver,
  chat,
  clientOver,
  completion,
  fakeLanes,
  finish,
  MODEL,
  ORIGIN,
  post,
  start,
} from '../api/helpers.ts'
import { bodyOf } from './wire.ts'

test('B1: every JSON says that it is, errors too', async () => {
  for (const [path, body] of [
    ['/v1/chat/completions', chat()],
    ['/v1/completions', completion()],
    ['/v1/responses', { model: MODEL, input: 'q' }],
    ['/v1/chat/completions', {}],
    ['/v1/nothing', {}],
  ] as const)
    expect((await post(fakeLanes(), path, body)).headers.get('content-type')).toMatch(/^application\/json/)
  const { app } = appOver(fakeLanes())
  expect((await app.request(`${ORIGIN}/v1/models`)).headers.get('content-type')).toMatch(/^application\/json/)
})

test('B2: a chat has an id, its object, a time, the model, a message of the assistant and why it ended', async () => {
  expect(await bodyOf('/v1/chat/completions', chat())).toMatchObject({
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
  })
})

test('B3: usage has integers for what was read, reused and written', async () => {
  const { usage } = await bodyOf<{ usage: object }>('/v1/chat/completions', chat())
  expect(usage).toEqual({
    prompt_tokens: 12,
    completion_tokens: 3,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 5, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  })
})

test('B4: a completion has text, an index and why it ended, in its chunks too', async () => {
  const { client } = clientOver(fakeLanes())
  const whole = await client.completions.create(completion())
  expect(whole).toMatchObject({
    object: 'text_completion',
    choices: [{ text: 'Hello 🌍', index: 0, logprobs: null, finish_reason: 'stop' }],
  })
  let said = ''
  for await (const { object, choices } of await client.completions.create({
    ...completion(),
    stream: true,
  })) {
    expect(object).toBe('text_completion')
    expect(choices[0].index).toBe(0)
    said += choices[0].text
  }
  expect(said).toBe('Hello 🌍')
})

test('B5: log probabilities of a completion are arrays beside each other', async () => {
  const token = (value: string) => ({
    token: value,
    logprob: -1,
    bytes: [value.charCodeAt(0)],
    top: [{ token: value, logprob: -1, bytes: [value.charCodeAt(0)] }],
  })
  const script: GenerationEvent[] = [
    start,
    { type: 'text', text: 'ab', ids: [1, 2], logprobs: [token('a'), token('b')] },
    finish,
  ]
  expect(await bodyOf('/v1/completions', completion({ logprobs: 1 }), fakeLanes(script))).toMatchObject({
    choices: [
      {
        logprobs: {
          tokens: ['a', 'b'],
          token_logprobs: [-1, -1],
          top_logprobs: [{ a: -1 }, { b: -1 }],
          text_offset: [0, 1],
        },
      },
    ],
  })
})

test('B6: vectors come as numbers, and as base64 of little-endian floats, which the client asks for by itself', async () => {
  const vector = Float32Array.of(0.6, -0.8)
  const fake = fakeLanes([], {
    async *score() {
      yield { type: 'embedding', index: 0, vector: base64Of(vector) }
      yield {
        type: 'scores',
        logprobs: [],
        promptTokens: 2,
        cachedTokens: 0,
        window: { window: 1024, sinks: 4, outOfSight: 0 },
      }
    },
  })
  const { client } = clientOver(fake)
  for (const encoding_format of [undefined, 'float', 'base64'] as const) {
    const { data } = await client.embeddings.create({
      model: MODEL,
      input: 'q',
      ...(encoding_format && { encoding_format }),
    })
    const [{ embedding }] = data as { embedding: number[] | string }[]
    const numbers =
      typeof embedding === 'string'
        ? new Float32Array(Uint8Array.from(Buffer.from(embedding, 'base64')).buffer)
        : embedding
    expect([...numbers].map((number) => number.toFixed(4))).toEqual(['0.6000', '-0.8000'])
    const sent = await bodyOf<{ data: { embedding: unknown }[] }>(
      '/v1/embeddings',
      { model: MODEL, input: 'q', encoding_format },
      fake,
    )
    expect(typeof sent.data[0].embedding).toBe(encoding_format === 'base64' ? 'string' : 'object')
  }
})

test('B7: models are a list, and one by its id, slashes escaped', async () => {
  const { client } = clientOver(fakeLanes())
  const page = await client.models.list()
  expect(page.object).toBe('list')
  expect(page.data[1]).toMatchObject({
    id: 'org/tiny b',
    object: 'model',
    created: 1_700_000_001,
    owned_by: 'islet',
  })
  expect((await client.models.retrieve('org/tiny b')).id).toBe('org/tiny b')
})

test('B8: the envelope of a schema is read with and without strict and description', async () => {
  const schema = { type: 'object', properties: { a: { type: 'integer' } } }
  for (const json_schema of [
    { name: 'n', schema },
    { name: 'n', schema, strict: true, description: 'd' },
  ]) {
    const fake = fakeLanes()
    await bodyOf(
      '/v1/chat/completions',
      chat({ response_format: { type: 'json_schema', json_schema } }),
      fake,
    )
    expect(fake.requests[0].grammar).toEqual({ kind: 'json_schema', schema: JSON.stringify(schema) })
  }
  const object = fakeLanes()
  await bodyOf('/v1/chat/completions', chat({ response_format: { type: 'json_object' } }), object)
  expect(object.requests[0].grammar).toEqual({ kind: 'json_object' })
})
