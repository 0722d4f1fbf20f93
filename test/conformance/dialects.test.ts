// The checklist, R1 to R4 and A1 to A4: responses and Messages, whose events have names.

import { expect, test } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { Lanes } from '../../src/protocol/lanes.ts'
import {
  appOver,
  fakeLanes,
  finish,
  HELLO,
  MODEL,
  ORIGIN,
  post,
  start,
  stored,
  text,
  type Fake,
} from '../api/helpers.ts'
import { framesOf } from './wire.ts'

const asked = { model: MODEL, input: 'q', stream: true }
const eventsOf = async (fake = fakeLanes()) =>
  framesOf(await (await post(fake, '/v1/responses', asked)).text()).events

test('R1: each event is named by its type, and they are numbered from 0', async () => {
  const events = await eventsOf(stored())
  for (const [index, { event, data }] of events.entries()) {
    const { type, sequence_number: number } = JSON.parse(data) as { type: string; sequence_number: number }
    expect(event).toBe(type)
    expect(number).toBe(index)
  }
})

test('R2: a stream ends with the whole response, and without [DONE]', async () => {
  const events = await eventsOf(fakeLanes(HELLO))
  const last = JSON.parse(events.at(-1)!.data) as {
    type: string
    response: { status: string; output: { content: { text: string }[] }[] }
  }
  expect(last.type).toBe('response.completed')
  expect(last.response.output[0].content[0].text).toBe('Hello 🌍')
  expect(events.some(({ data }) => data === '[DONE]')).toBe(false)
})

test('R3: a failure on the way ends it as failed', async () => {
  const events = await eventsOf(
    fakeLanes([start, text('a'), { type: 'error', code: 'engine_failure', message: 'm' }]),
  )
  expect(events.at(-1)?.event).toBe('response.failed')
})

test('R4: tokens of a prompt are counted without an answer', async () => {
  const fake = fakeLanes([], {
    async *tokens() {
      yield { type: 'tokens', count: 7, last: true }
    },
  } as Partial<Lanes>)
  const counted = await (await post(fake, '/v1/responses/input_tokens', { model: MODEL, input: 'q' })).json()
  expect(counted).toEqual({ object: 'response.input_tokens', input_tokens: 7 })
  expect(fake.requests).toEqual([])
})

const message = { model: MODEL, max_tokens: 9, messages: [{ role: 'user', content: 'q' }] }
const messageEvents = async (fake: Fake, extra: object = {}) =>
  framesOf(await (await post(fake, '/v1/messages', { ...message, stream: true, ...extra })).text()).events

test('A1: a message begins, its blocks open and close, and it ends with why and how much, without [DONE]', async () => {
  const events = await messageEvents(fakeLanes())
  const names = events
    .map(({ event }) => event)
    .filter((name, at, all) => name !== all[at - 1] && name !== 'ping')
  expect(names).toEqual([
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ])
  for (const { event, data } of events) expect((JSON.parse(data) as { type: string }).type).toBe(event)
  const said = events
    .filter(({ event }) => event === 'content_block_delta')
    .map(({ data }) => (JSON.parse(data) as { delta: { text: string } }).delta.text)
  expect(said.join('')).toBe('Hello 🌍')
  expect(JSON.parse(events.at(-2)!.data)).toMatchObject({
    delta: { stop_reason: 'end_turn' },
    usage: { output_tokens: 3 },
  })
})

test('A2: a silent stream is kept alive by a ping, which has a name and data', async () => {
  const waiting = { type: 'progress', state: 'loading', done: 1, total: 2 } as const
  const events = await messageEvents(fakeLanes([waiting, ...HELLO]))
  expect(
    events.filter(({ event }) => event === 'ping').map(({ data }) => JSON.parse(data) as object),
  ).toContainEqual({ type: 'ping' })
})

test('A3: a call is a block whose input comes in pieces', async () => {
  const calls = [{ name: 'now', arguments: '' }, { arguments: '{"at"' }, { arguments: ':1.0}' }]
  const script = [
    start,
    ...calls.map((call) => ({ type: 'text' as const, text: '', calls: [call], ids: [1] })),
    { ...finish, reason: 'tool_calls' } as GenerationEvent,
  ]
  const tools = [{ name: 'now', input_schema: { type: 'object' } }]
  const events = (await messageEvents(fakeLanes(script), { tools })).map(
    ({ data }) =>
      JSON.parse(data) as {
        type: string
        content_block?: object
        delta?: { type?: string; partial_json?: string; stop_reason?: string }
      },
  )
  expect(events.find(({ type }) => type === 'content_block_start')?.content_block).toMatchObject({
    type: 'tool_use',
    name: 'now',
    input: {},
  })
  const pieces = events
    .filter(({ delta }) => delta?.type === 'input_json_delta')
    .map(({ delta }) => delta?.partial_json ?? '')
  expect(pieces.join('')).toBe('{"at":1.0}')
  expect(events.find(({ type }) => type === 'message_delta')?.delta?.stop_reason).toBe('tool_use')
})

test('A4: errors are of its own shape, before a stream and in it, and a key may come as x-api-key', async () => {
  const refused = await post(fakeLanes(), '/v1/messages', { ...message, temperature: 9 })
  expect(refused.status).toBe(400)
  expect(await refused.json()).toMatchObject({
    type: 'error',
    error: { type: 'invalid_request_error', message: expect.any(String) as string },
  })
  const events = await messageEvents(
    fakeLanes([start, text('a'), { type: 'error', code: 'engine_failure', message: 'm' }]),
  )
  expect(events.at(-1)?.event).toBe('error')
  expect(JSON.parse(events.at(-1)!.data)).toMatchObject({ type: 'error', error: { type: 'api_error' } })
  const { app } = appOver(fakeLanes(), {
    apiKeys: '2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683',
  })
  const asked = (headers: Record<string, string>) =>
    app.request(`${ORIGIN}/v1/messages`, { method: 'POST', body: JSON.stringify(message), headers })
  expect((await asked({ 'x-api-key': 'key' })).status).toBe(200)
  expect((await asked({})).status).toBe(401)
})
