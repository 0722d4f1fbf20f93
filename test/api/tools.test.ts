// Tool calls as the real client reads them: whole and streamed, with their ids, their order and their finish.

import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import {
  MODEL,
  clientOver,
  chat,
  fakeLanes,
  finish,
  gather,
  post,
  start,
  text,
  type Step,
} from './helpers.ts'

const tool = (name: string) => ({
  type: 'function' as const,
  function: { name, description: 'd', parameters: { type: 'object', properties: {} } },
})
const called: GenerationEvent = {
  type: 'text',
  text: '',
  ids: [1, 2],
  calls: [
    { name: 'get_weather', arguments: '{"city":"北京"}' },
    { name: 'now', arguments: '{}' },
  ],
}
const ended = { ...finish, reason: 'tool_calls' } as GenerationEvent
const SCRIPT: Step[] = [start, text('我来查一下。'), called, ended]
const TOOLS = [tool('get_weather'), tool('now')]
const ASKED = { ...chat(), tools: TOOLS }

describe('offered functions', () => {
  it('and variables of templates have bounds: levels, and characters as JSON', async () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    const offered = (inner: string) =>
      `[{"type":"function","function":{"name":"a","parameters":{"x":${inner}}}}]`
    const flat = (inner: string) => `[{"type":"function","name":"a","parameters":{},"extra":${inner}}]`
    const text = (length: number) => `"${'x'.repeat(length)}"`
    const cases: [path: string, field: string, json: (inner: string) => string, levels: number][] = [
      ['/v1/chat/completions', 'tools', offered, 60],
      ['/v1/chat/completions', 'chat_template_kwargs', (inner) => `{"a":${inner}}`, 63],
      ['/v1/responses', 'tools', flat, 62],
      ['/v1/responses', 'chat_template_kwargs', (inner) => `{"a":${inner}}`, 63],
    ]
    for (const [path, field, json, levels] of cases) {
      const prompt = path === '/v1/responses' ? '"input":"a"' : '"messages":[{"role":"user","content":"a"}]'
      const ask = (inner: string) =>
        post(fakeLanes(), path, `{"model":"${MODEL}",${prompt},"${field}":${json(inner)}}`)
      for (const inner of [nested(levels), text(262_000)]) expect((await ask(inner)).status).toBe(200)
      for (const inner of [nested(levels + 1), nested(10_000), nested(100_000), text(262_144)]) {
        const response = await ask(inner)
        expect(response.status).toBe(400)
        expect(await response.json()).toMatchObject({ error: { param: field, code: 'invalid_request' } })
      }
    }
  })

  it('and their calls are named by texts that are short', async () => {
    const long = 'n'.repeat(513)
    const call = (id: string, name: string) => ({ id, type: 'function', function: { name, arguments: '{}' } })
    const said = (message: object) => ({ ...chat(), messages: [{ role: 'user', content: 'a' }, message] })
    const item = (fields: object) => ({ model: MODEL, input: [{ role: 'user', content: 'a' }, fields] })
    const cases: [path: string, body: object, param: string][] = [
      ['chat/completions', said({ role: 'user', content: 'a', name: long }), 'messages[1].name'],
      [
        'chat/completions',
        said({ role: 'tool', content: 'a', tool_call_id: long }),
        'messages[1].tool_call_id',
      ],
      [
        'chat/completions',
        said({ role: 'assistant', tool_calls: [call(long, 'a')] }),
        'messages[1].tool_calls[0].id',
      ],
      [
        'chat/completions',
        said({ role: 'assistant', tool_calls: [call('a', long)] }),
        'messages[1].tool_calls[0].function.name',
      ],
      [
        'responses',
        item({ type: 'function_call', call_id: long, name: 'a', arguments: '' }),
        'input[1].call_id',
      ],
      [
        'responses',
        item({ type: 'function_call', call_id: 'a', name: long, arguments: '' }),
        'input[1].name',
      ],
      ['responses', item({ type: 'function_call_output', call_id: long, output: '' }), 'input[1].call_id'],
    ]
    for (const [path, body, param] of cases) {
      const response = await post(fakeLanes(), `/v1/${path}`, body)
      expect(await response.json()).toMatchObject({ error: { param, code: 'invalid_request' } })
    }
  })

  it('are called by many items in little time', async () => {
    const calls = Array.from({ length: 20_000 }, (_, i) => ({
      type: 'function_call',
      call_id: `${i}`,
      name: 'a',
      arguments: '',
    }))
    const fake = fakeLanes()
    const began = performance.now()
    const response = await post(fake, '/v1/responses', { model: MODEL, input: calls, store: false })
    expect(response.status).toBe(200)
    // It was 10 s where each call copied those before it.
    expect(performance.now() - began).toBeLessThan(3000)
    expect(fake.requests[0].prompt).toMatchObject({ messages: [{ role: 'assistant', content: '' }] })
  })

  it('reach the lane as they were sent, and not at all with tool_choice none', async () => {
    const fake = fakeLanes()
    await post(fake, '/v1/chat/completions', ASKED)
    await post(fake, '/v1/chat/completions', { ...ASKED, tool_choice: 'auto' })
    await post(fake, '/v1/chat/completions', { ...ASKED, tool_choice: 'none' })
    await post(fake, '/v1/chat/completions', chat({ tools: [] }))
    const offered = fake.requests.map(({ prompt }) => (prompt.kind === 'chat' ? prompt.tools : 'no chat'))
    expect(offered).toEqual([TOOLS, TOOLS, undefined, undefined])
  })

  it('and their results too', async () => {
    const fake = fakeLanes()
    const tool_calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }]
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: null, tool_calls },
      { role: 'tool', tool_call_id: 'a', content: 'r' },
    ]
    expect((await post(fake, '/v1/chat/completions', chat({ messages }))).status).toBe(200)
    expect(fake.requests[0].prompt).toEqual({
      kind: 'chat',
      messages: [messages[0], { role: 'assistant', content: null, tool_calls }, messages[2]],
    })
  })
})

describe('calls', () => {
  it('of a whole reply have ids of their own and end it (T6, T7, T10)', async () => {
    const { client } = clientOver(fakeLanes(SCRIPT))
    const reply = await client.chat.completions.create(ASKED)
    const [choice] = reply.choices
    expect(choice.finish_reason).toBe('tool_calls')
    expect(choice.message.content).toBe('我来查一下。')
    const calls = choice.message.tool_calls ?? []
    expect(calls.map((call) => call.type === 'function' && call.function)).toEqual(called.calls)
    expect(new Set(calls.map((call) => call.id)).size).toBe(2)
    expect(calls[0].id).toMatch(/^call_\w+_0$/)
  })

  it('without text have content null', async () => {
    const { client } = clientOver(fakeLanes([start, called, ended]))
    const { message } = (await client.chat.completions.create(ASKED)).choices[0]
    expect(message.content).toBeNull()
    expect(message.tool_calls).toHaveLength(2)
  })

  it('of a stream name who is called first, then the arguments (T1-T4, T6)', async () => {
    const stream = await clientOver(fakeLanes(SCRIPT)).client.chat.completions.create({
      ...ASKED,
      stream: true,
    })
    const chunks = await gather(stream)
    const deltas = chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []))
    expect(deltas.map(({ index }) => index)).toEqual([0, 0, 1, 1])
    expect(deltas.map(({ id }) => typeof id)).toEqual(['string', 'undefined', 'string', 'undefined'])
    expect(deltas.map((delta) => delta.function)).toEqual([
      { name: 'get_weather', arguments: '' },
      { arguments: '{"city":"北京"}' },
      { name: 'now', arguments: '' },
      { arguments: '{}' },
    ])
    expect(chunks.at(-1)?.choices[0].finish_reason).toBe('tool_calls')
  })

  it('are put together by the client itself', async () => {
    const stream = clientOver(fakeLanes(SCRIPT)).client.chat.completions.stream(ASKED)
    const { message, finish_reason: reason } = (await stream.finalChatCompletion()).choices[0]
    expect(reason).toBe('tool_calls')
    expect(message.content).toBe('我来查一下。')
    expect(message.tool_calls?.map((call) => call.type === 'function' && call.function.arguments)).toEqual([
      '{"city":"北京"}',
      '{}',
    ])
  })

  it('do not hide that an answer was cut short (T5)', async () => {
    const cut = { ...finish, reason: 'length' } as GenerationEvent
    const reply = await clientOver(fakeLanes([start, called, cut])).client.chat.completions.create(ASKED)
    expect(reply.choices[0].finish_reason).toBe('length')
  })
})

describe('thoughts', () => {
  const thinking: Step[] = [
    start,
    { type: 'text', text: '', reasoning: 'hm, ', ids: [1] },
    { type: 'text', text: 'yes', reasoning: 'well', ids: [2] },
    finish,
  ]

  it('are beside the content (C13)', async () => {
    const { client } = clientOver(fakeLanes(thinking))
    const { message } = (await client.chat.completions.create({ ...ASKED, model: MODEL })).choices[0]
    expect(message).toMatchObject({ content: 'yes', reasoning_content: 'hm, well' })
    const chunks = await gather(await client.chat.completions.create({ ...ASKED, stream: true }))
    const deltas = chunks.map(({ choices }) => choices[0].delta as Record<string, string | undefined>)
    expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe('hm, well')
    expect(deltas.map((delta) => delta.content ?? '').join('')).toBe('yes')
  })
})
