// Several answers on OpenAI's wire, as its client for Node reads them: whole, in a stream, and by its helper.

import { describe, expect, it } from 'vitest'
import type { GenerationEvent, TextEvent } from '../../src/protocol/generation.ts'
import { chat, clientOver, completion, fakeLanes, finish, gather, start, type Fake } from './helpers.ts'

const text = (choice: number, fields: Partial<TextEvent>): GenerationEvent => ({
  type: 'text',
  ...(choice > 0 && { choice }),
  text: '',
  ids: [1],
  ...fields,
})
const begun = (choice: number): GenerationEvent => ({ ...start, choice, cachedTokens: 0 }) as GenerationEvent
const logprobs = (token: string) => [
  { token, logprob: -1, bytes: [...token].map((c) => c.charCodeAt(0)), top: [] },
]

/** Three answers; the second ends first, and the third calls a function. */
const three = (): Fake =>
  fakeLanes([
    start,
    begun(1),
    begun(2),
    text(0, { text: 'Hel', logprobs: logprobs('Hel') }),
    text(1, { text: 'Bye', logprobs: logprobs('Bye') }),
    text(2, { reasoning: 'well', calls: [{ name: 'now', arguments: '' }] }),
    text(0, { text: 'lo', logprobs: logprobs('lo') }),
    { type: 'end', choice: 1, reason: 'length' },
    text(2, { calls: [{ arguments: '{}' }, { name: 'then', arguments: '{"a":1}' }] }),
    { type: 'end', reason: 'stop' },
    { ...finish, choice: 2, reason: 'tool_calls' } as GenerationEvent,
  ])

const tools = ['now', 'then'].map((name) => ({
  type: 'function' as const,
  function: { name, parameters: {} },
}))

describe('a chat with three answers', () => {
  it('is asked for by n', async () => {
    const fake = three()
    await clientOver(fake).client.chat.completions.create(chat({ n: 3, tools }))
    expect(fake.requests[0]).toMatchObject({ choices: 3 })
    const one = fakeLanes()
    await clientOver(one).client.chat.completions.create(chat({ n: 1 }))
    expect(one.requests[0]).not.toHaveProperty('choices')
  })

  it('has a choice for each', async () => {
    const { choices, usage } = await clientOver(three()).client.chat.completions.create(chat({ n: 3, tools }))
    expect(choices).toMatchObject([
      { index: 0, message: { content: 'Hello' }, finish_reason: 'stop' },
      { index: 1, message: { content: 'Bye' }, finish_reason: 'length' },
      { index: 2, message: { content: null, reasoning_content: 'well' }, finish_reason: 'tool_calls' },
    ])
    expect(choices[0].logprobs?.content).toHaveLength(2)
    expect(choices[2].message.tool_calls).toMatchObject([
      { function: { name: 'now', arguments: '{}' } },
      { function: { name: 'then', arguments: '{"a":1}' } },
    ])
    expect(usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 })
  })

  it('streams them in turns: a role, texts and one end each, then one usage', async () => {
    const { client } = clientOver(three())
    const body = chat({ n: 3, tools, stream_options: { include_usage: true } })
    const chunks = await gather(await client.chat.completions.create({ ...body, stream: true }))
    expect(chunks.map(({ choices: [choice] }) => choice?.index)).toEqual([
      ...[0, 1, 2, 0, 1, 2, 2, 0, 1, 2, 2, 2, 0, 2],
      undefined,
    ])
    for (const index of [0, 1, 2]) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
      expect(own[0].delta).toEqual({ role: 'assistant', content: '' })
      expect(own.slice(1).every(({ delta }) => delta.role === undefined)).toBe(true)
      expect(own.map(({ finish_reason }) => finish_reason).filter(Boolean)).toEqual([
        ['stop', 'length', 'tool_calls'][index],
      ])
    }
    expect(chunks.filter(({ usage }) => usage !== null)).toHaveLength(1)
    expect(chunks.filter((chunk) => 'islet' in chunk)).toEqual([chunks.at(-2)])
  })

  it('is put together by the helper of its client', async () => {
    const stream = clientOver(three()).client.chat.completions.stream(chat({ n: 3, tools }))
    const { choices } = await stream.finalChatCompletion()
    expect(choices.map(({ message }) => message.content)).toEqual(['Hello', 'Bye', ''])
    expect(choices.map(({ finish_reason }) => finish_reason)).toEqual(['stop', 'length', 'tool_calls'])
    const calls = choices[2].message.tool_calls ?? []
    expect(calls).toMatchObject([{ function: { name: 'now' } }, { function: { name: 'then' } }])
  })

  it('has calls of different ids in different answers', async () => {
    const call = (choice: number) => text(choice, { calls: [{ name: 'now', arguments: '{}' }] })
    const end = { ...finish, choice: 1, reason: 'tool_calls' } as GenerationEvent
    const fake = () =>
      fakeLanes([start, begun(1), call(0), call(1), { type: 'end', reason: 'tool_calls' }, end])
    const whole = await clientOver(fake()).client.chat.completions.create(chat({ n: 2, tools }))
    const ids = whole.choices.flatMap(({ message }) => message.tool_calls ?? []).map(({ id }) => id)
    expect(new Set(ids).size).toBe(2)
    const chunks = await gather(
      await clientOver(fake()).client.chat.completions.create({ ...chat({ n: 2, tools }), stream: true }),
    )
    const streamed = chunks
      .flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []))
      .flatMap(({ id }) => id ?? [])
    expect(streamed).toEqual(ids)
  })
})

describe('a text completion of several prompts', () => {
  it('asks for all of them at once', async () => {
    const fake = three()
    await clientOver(fake).client.completions.create(completion({ prompt: ['a', 'b', 'c'], n: 2 }))
    expect(fake.requests[0]).toMatchObject({
      prompt: { kind: 'text', text: 'a' },
      morePrompts: [
        { kind: 'text', text: 'b' },
        { kind: 'text', text: 'c' },
      ],
      choices: 2,
    })
    const ids = fakeLanes()
    await clientOver(ids).client.completions.create(completion({ prompt: [[1, 2], [3]] }))
    expect(ids.requests[0]).toMatchObject({
      prompt: { kind: 'ids', ids: [1, 2] },
      morePrompts: [{ kind: 'ids', ids: [3] }],
    })
  })

  it('has choices by their index, offsets of their own, and sums what was cut', async () => {
    const cut = { ...start, truncatedTokens: 2 } as GenerationEvent
    const fake = () =>
      fakeLanes([
        cut,
        { ...cut, choice: 1 } as GenerationEvent,
        text(0, { text: 'Hel', logprobs: logprobs('Hel') }),
        text(1, { text: 'Bye', logprobs: logprobs('Bye') }),
        text(0, { text: 'lo', logprobs: logprobs('lo') }),
        { type: 'end', reason: 'stop' },
        text(1, { text: '!', logprobs: logprobs('!') }),
        { ...finish, choice: 1, reason: 'length' } as GenerationEvent,
      ])
    const body = completion({ prompt: ['a', 'b'], logprobs: 0 })
    const whole = await clientOver(fake()).client.completions.create(body)
    expect(whole.choices).toMatchObject([
      { index: 0, text: 'Hello', finish_reason: 'stop', logprobs: { text_offset: [0, 3] } },
      { index: 1, text: 'Bye!', finish_reason: 'length', logprobs: { text_offset: [0, 3] } },
    ])
    expect(whole).toMatchObject({ islet: { truncated_tokens: 4 } })
    const chunks = await gather(await clientOver(fake()).client.completions.create({ ...body, stream: true }))
    expect(chunks.map(({ choices: [{ index }] }) => index)).toEqual([0, 1, 0, 0, 1, 1])
    expect(chunks.flatMap(({ choices: [{ logprobs }] }) => logprobs?.text_offset ?? [])).toEqual([0, 0, 3, 3])
    expect(chunks.at(-1)).toMatchObject({ islet: { truncated_tokens: 4 } })
  })
})
