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
      messages: [messages[0], { role: 'assistant', content: '', tool_calls }, messages[2]],
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
