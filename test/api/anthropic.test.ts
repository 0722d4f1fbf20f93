// POST /v1/messages: what is answered, whole and streamed, and how errors are worded there.

import { describe, expect, it } from 'vitest'
import type { CallPiece, GenerationEvent } from '../../src/protocol/generation.ts'
import { hashText } from '../../src/api/http/hash-text.ts'
import { appOver, fakeLanes, finish, HELLO, MODEL, ORIGIN, post, SESSION, sessionOf, start, stored, text, type Fake, type Step } from './helpers.ts' // prettier-ignore

const PATH = '/v1/messages'
const ask = (extra: object = {}) => ({
  model: MODEL,
  max_tokens: 50,
  messages: [{ role: 'user', content: 'Hi' }],
  ...extra,
})
const SET_ALARM = { name: 'set_alarm', input_schema: { type: 'object' } }
const tools = [SET_ALARM, { name: 'now', input_schema: { type: 'object' } }]

type Data = Record<string, unknown> & { type: string; index?: number; delta?: Record<string, unknown> }
type Frame = { event: string; data: Data }

function framesIn(stream: string): Frame[] {
  expect(stream.endsWith('\n\n')).toBe(true)
  return stream
    .trimEnd()
    .split('\n\n')
    .map((frame) => {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? []
      return { event, data: JSON.parse(data) as Data }
    })
}

async function streamed(fake: Fake, extra: object = {}): Promise<Frame[]> {
  const response = await post(fake, PATH, ask({ stream: true, ...extra }))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  return framesIn(await response.text())
}

async function whole(events: readonly Step[], extra: object = {}): Promise<Record<string, unknown>> {
  const response = await post(fakeLanes([...events]), PATH, ask(extra))
  expect(response.status).toBe(200)
  return (await response.json()) as Record<string, unknown>
}

const piece = (...calls: CallPiece[]): GenerationEvent => ({ type: 'text', text: '', calls, ids: [1] })
const thought = (reasoning: string): GenerationEvent => ({ type: 'text', text: '', reasoning, ids: [1] })
const ending = (more: object): GenerationEvent => ({ ...finish, ...more }) as GenerationEvent

const RICH: Step[] = [
  start,
  thought('Hm, '),
  thought('seven.'),
  text('Let me '),
  text('see.'),
  piece({ name: 'set_alarm', arguments: '' }),
  piece({ arguments: '{"hour"' }),
  piece({ arguments: ': 7.0, "10": 1, "2": 2}' }, { name: 'now', arguments: '{}' }),
  ending({ reason: 'tool_calls' }),
]

describe('a stream', () => {
  it('has named events for each block, and no [DONE]', async () => {
    const frames = await streamed(fakeLanes(RICH), { tools })
    expect(frames.map(({ event, data }) => `${event} ${data.index ?? ''}`.trim())).toEqual([
      'message_start',
      'content_block_start 0',
      'content_block_delta 0',
      'content_block_delta 0',
      'content_block_delta 0',
      'content_block_stop 0',
      'content_block_start 1',
      'content_block_delta 1',
      'content_block_delta 1',
      'content_block_stop 1',
      'content_block_start 2',
      'content_block_delta 2',
      'content_block_delta 2',
      'content_block_stop 2',
      'content_block_start 3',
      'content_block_delta 3',
      'content_block_stop 3',
      'message_delta',
      'message_stop',
    ])
    for (const { event, data } of frames) expect(data.type).toBe(event)
    expect(frames[0].data).toEqual({
      type: 'message_start',
      message: {
        id: 'msg_id1',
        type: 'message',
        role: 'assistant',
        model: MODEL,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: 7,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 5,
          output_tokens: 0,
        },
      },
    })
    const begun = frames.filter(({ event }) => event === 'content_block_start')
    expect(begun.map(({ data }) => data['content_block'])).toEqual([
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'text', text: '', citations: null },
      { type: 'tool_use', id: 'toolu_id1_0', name: 'set_alarm', input: {}, caller: { type: 'direct' } },
      { type: 'tool_use', id: 'toolu_id1_1', name: 'now', input: {}, caller: { type: 'direct' } },
    ])
    expect(frames.flatMap(({ data }) => (data.index === undefined ? [] : (data.delta ?? [])))).toEqual([
      { type: 'thinking_delta', thinking: 'Hm, ' },
      { type: 'thinking_delta', thinking: 'seven.' },
      { type: 'signature_delta', signature: '' },
      { type: 'text_delta', text: 'Let me ' },
      { type: 'text_delta', text: 'see.' },
      { type: 'input_json_delta', partial_json: '{"hour"' },
      { type: 'input_json_delta', partial_json: ': 7.0, "10": 1, "2": 2}' },
      { type: 'input_json_delta', partial_json: '{}' },
    ])
    expect(frames.at(-2)?.data).toMatchObject({
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { input_tokens: 7, cache_read_input_tokens: 5, output_tokens: 3 },
      islet: { cached_tokens: 5, window: 1024 },
    })
  })

  it('is kept alive by pings, before its first event too', async () => {
    const queued = { type: 'progress', state: 'queued', done: 0, total: 1 } as const
    const slow: Step[] = [queued, start, text('a'), { wait: 400 }, finish]
    const { app } = appOver(fakeLanes(slow), { pingMs: 20 })
    const body = JSON.stringify(ask({ stream: true }))
    const frames = framesIn(await (await app.request(ORIGIN + PATH, { method: 'POST', body })).text())
    const events = frames.map(({ event }) => event)
    expect(events[0]).toBe('ping')
    expect(events.slice(events.indexOf('content_block_delta')).filter((each) => each === 'ping')).not.toEqual(
      [],
    )
    expect(frames[0].data).toEqual({ type: 'ping' })
    expect(events.at(-1)).toBe('message_stop')
  })

  it('that fails ends with an error, which names the request, and without message_stop', async () => {
    for (const [code, type] of [
      ['overloaded', 'rate_limit_error'],
      ['engine_failure', 'api_error'],
      ['lane_lost', 'overloaded_error'],
    ]) {
      const error = { type: 'error', code, message: 'm' } as const
      const frames = await streamed(fakeLanes([start, text('a'), error]))
      expect(frames.at(-1)).toEqual({
        event: 'error',
        data: {
          type: 'error',
          error: { type, message: 'm', details: { error_code: code } },
          request_id: 'id1',
        },
      })
    }
  })

  it('of a kept turn is read on behind what was read, as events of the request that began it', async () => {
    const fake = stored()
    const all = await streamed(fake)
    const kept = fake.requests[0].reply
    const again = fakeLanes(HELLO, {
      async *resume() {
        yield sessionOf(kept)
        for (const event of HELLO as GenerationEvent[]) yield event
      },
    })
    const path = `${ORIGIN}/v1/sessions/${SESSION}/stream?after=3`
    const rest = framesIn(await (await appOver(again).app.request(path)).text())
    const said = (frames: Frame[]) => frames.filter(({ event }) => event !== 'ping')
    expect(said(rest)).toEqual(said(all).slice(3))
  })

  it('of a retry has the id that it began with', async () => {
    const older = { kind: 'message', id: 'msg_old', created: 5, model: MODEL, maxTokens: 9 }
    const frames = await streamed(fakeLanes([sessionOf(older), ...HELLO]))
    expect(frames.find(({ event }) => event === 'message_start')?.data).toMatchObject({
      message: { id: 'msg_old' },
    })
  })
})

describe('a message', () => {
  it('has the blocks of the stream', async () => {
    const { islet: _, ...message } = await whole(RICH, { tools })
    expect(message).toEqual({
      id: 'msg_id1',
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [
        { type: 'thinking', thinking: 'Hm, seven.', signature: '' },
        { type: 'text', text: 'Let me see.', citations: null },
        {
          type: 'tool_use',
          id: 'toolu_id1_0',
          name: 'set_alarm',
          input: { hour: 7, 10: 1, 2: 2 },
          caller: { type: 'direct' },
        },
        { type: 'tool_use', id: 'toolu_id1_1', name: 'now', input: {}, caller: { type: 'direct' } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: {
        input_tokens: 7,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 5,
        output_tokens: 3,
      },
    })
  })

  it('has the digits and the order of keys that the model wrote', async () => {
    const text = await (await post(fakeLanes(RICH), PATH, ask({ tools }))).text()
    expect(text).toContain('"input":{"hour":7.0,"10":1,"2":2}')
  })

  it('wraps what is no JSON object, in a stream as well', async () => {
    for (const written of ['half past seven', '[7, 30]', '7']) {
      const events = [start, piece({ name: 'now', arguments: written.slice(0, 2) }), piece({ arguments: written.slice(2) }), finish] // prettier-ignore
      const message = (await whole(events)) as { content: { input: unknown }[] }
      expect(message.content[0].input).toEqual({ input: written })
      const deltas = (await streamed(fakeLanes(events))).flatMap(
        ({ data }) => (data.delta?.['partial_json'] as string | undefined) ?? [],
      )
      expect(JSON.parse(deltas.join(''))).toEqual({ input: written })
    }
  })

  it('of a call that was cut keeps what is there', async () => {
    const events = [start, piece({ name: 'now', arguments: '{"a":' }), ending({ reason: 'length' })]
    expect(await whole(events, { max_tokens: 3 })).toMatchObject({
      content: [{ input: { input: '{"a":' } }],
      stop_reason: 'max_tokens',
    })
  })

  it('of no words at all has an empty text', async () => {
    expect(await whole([start, finish])).toMatchObject({ content: [{ type: 'text', text: '' }] })
    const frames = await streamed(fakeLanes([start, finish]))
    expect(frames.map(({ event }) => event).slice(1, 3)).toEqual([
      'content_block_start',
      'content_block_stop',
    ])
  })

  it('says why it ended', async () => {
    const stops = async (more: object, max_tokens = 50) =>
      await whole([start, text('a'), ending(more)], { max_tokens })
    expect(await stops({})).toMatchObject({ stop_reason: 'end_turn', stop_sequence: null })
    expect(await stops({ reason: 'tool_calls' })).toMatchObject({ stop_reason: 'tool_use' })
    expect(await stops({ reason: 'length' }, 3)).toMatchObject({ stop_reason: 'max_tokens' })
    expect(await stops({ reason: 'length' }, 4)).toMatchObject({
      stop_reason: 'model_context_window_exceeded',
    })
    expect(await stops({ reason: 'length', stopped: 'cpu_limit' })).toMatchObject({
      stop_reason: 'max_tokens',
      islet: { stopped: 'cpu_limit' },
    })
    expect(await stops({ stopString: 'END' })).toMatchObject({
      stop_reason: 'stop_sequence',
      stop_sequence: 'END',
    })
  })
})

describe('an error', () => {
  const error = (type: string, code: string, more: object = {}) => ({
    type: 'error',
    error: { type, message: expect.any(String) as string, details: { error_code: code, ...more } },
    request_id: 'id1',
  })

  it('is worded in this dialect, whoever finds it', async () => {
    const failing = (code: string) => fakeLanes([{ type: 'error', code, message: 'm' }])
    const apiKeys = await hashText('sk-right')
    const body = JSON.stringify(ask())
    const cases: [status: number, type: string, code: string, fake: Fake, body: string, settings?: object, more?: object][] = [
      [400, 'invalid_request_error', 'unknown_parameter', fakeLanes(), JSON.stringify(ask({ temprature: 1 })), {}, { param: 'temprature' }],
      [401, 'authentication_error', 'invalid_api_key', fakeLanes(), body, { apiKeys }],
      [404, 'not_found_error', 'model_not_found', fakeLanes(), JSON.stringify(ask({ model: 'x' })), {}, { param: 'model' }],
      [413, 'request_too_large', 'body_too_large', fakeLanes(), body, { maxBodyBytes: 20 }],
      [429, 'rate_limit_error', 'overloaded', failing('overloaded'), body],
      [500, 'api_error', 'engine_failure', failing('engine_failure'), body],
      [503, 'overloaded_error', 'model_loading', failing('model_loading'), body],
    ] // prettier-ignore
    for (const [status, type, code, fake, sent, settings, more] of cases) {
      const response = await appOver(fake, settings).app.request(ORIGIN + PATH, {
        method: 'POST',
        body: sent,
      })
      expect(response.status, code).toBe(status)
      expect(response.headers.get('request-id')).toBe('id1')
      expect(await response.json()).toEqual(error(type, code, more))
    }
  })

  it('of a method or a path below is worded so too', async () => {
    const get = await appOver(fakeLanes()).app.request(ORIGIN + PATH)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    expect(await get.json()).toEqual(error('invalid_request_error', 'method_not_allowed'))
    const below = await appOver(fakeLanes()).app.request(`${ORIGIN}${PATH}/batches`)
    expect(below.status).toBe(404)
    expect(await below.json()).toEqual(error('not_found_error', 'not_found'))
  })

  it('of another site is one of permission', async () => {
    const headers = { origin: 'https://evil.example' }
    const response = await post(fakeLanes(), PATH, ask(), headers)
    expect(await response.json()).toEqual(error('permission_error', 'origin_not_allowed'))
  })
})

it('any version of the API is read, or none', async () => {
  for (const version of ['2023-06-01', '2026-10-21', 'next'])
    expect((await post(fakeLanes(), PATH, ask(), { 'anthropic-version': version })).status).toBe(200)
  expect((await post(fakeLanes(), `${PATH}?beta=true`, ask(), { 'anthropic-beta': 'x' })).status).toBe(200)
})
