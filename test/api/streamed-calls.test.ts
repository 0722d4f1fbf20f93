// Calls that come in pieces, as the real client reads them: its streams, its runner of tools, both spellings, both endpoints.

import { describe, expect, it } from 'vitest'
import type { CallPiece, GenerationEvent } from '../../src/protocol/generation.ts'
import { chat, clientOver, fakeLanes, finish, gather, MODEL, start, stored, text, TURN } from './helpers.ts'

const piece = (...calls: CallPiece[]): GenerationEvent => ({ type: 'text', text: '', calls, ids: [1] })
const ended = { ...finish, reason: 'tool_calls', closedEarly: true } as GenerationEvent
const IN_PIECES = [
  start,
  text('Let me '),
  text('see.'),
  piece({ name: 'get_weather', arguments: '' }),
  piece({ arguments: '{"city"' }),
  piece({ arguments: ':"Köln 🌍"' }),
  piece({ arguments: '}' }, { name: 'now', arguments: '{' }),
  piece({ arguments: '}' }),
  ended,
]
const CALLS = [
  { name: 'get_weather', arguments: '{"city":"Köln 🌍"}' },
  { name: 'now', arguments: '{}' },
]
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } } }
const tool = (name: string) => ({ type: 'function' as const, function: { name, parameters: PARAMETERS } })
const flat = (name: string) => ({ type: 'function' as const, name, parameters: PARAMETERS, strict: null })
const asked = { ...chat(), tools: ['get_weather', 'now'].map(tool) }

describe('a chat', () => {
  it('has a delta for each piece: the name alone, then the arguments', async () => {
    const { client } = clientOver(fakeLanes(IN_PIECES))
    const chunks = await gather(await client.chat.completions.create({ ...asked, stream: true }))
    const deltas = chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []))
    const id = (index: number) => expect.stringMatching(new RegExp(`^call_id1_${index}$`)) as string
    expect(deltas).toEqual([
      { index: 0, id: id(0), type: 'function', function: { name: 'get_weather', arguments: '' } },
      { index: 0, function: { arguments: '{"city"' } },
      { index: 0, function: { arguments: ':"Köln 🌍"' } },
      { index: 0, function: { arguments: '}' } },
      { index: 1, id: id(1), type: 'function', function: { name: 'now', arguments: '' } },
      { index: 1, function: { arguments: '{' } },
      { index: 1, function: { arguments: '}' } },
    ])
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ delta: {}, finish_reason: 'tool_calls' }],
      islet: { closed_early: true },
    })
  })

  it('adds up in .stream(), which tells of the pieces', async () => {
    const heard: string[] = []
    const stream = clientOver(fakeLanes(IN_PIECES)).client.chat.completions.stream(asked)
    stream.on('tool_calls.function.arguments.delta', (event) => heard.push(event.arguments_delta))
    const done: string[] = []
    stream.on('tool_calls.function.arguments.done', ({ name, arguments: said }) => done.push(name + said))
    const { message, finish_reason: reason } = (await stream.finalChatCompletion()).choices[0]
    expect(message.content).toBe('Let me see.')
    expect(message.tool_calls?.map((call) => call.type === 'function' && call.function)).toMatchObject(CALLS)
    expect(reason).toBe('tool_calls')
    expect(heard.filter((each) => each !== '')).toEqual(['{"city"', ':"Köln 🌍"', '}', '{', '}'])
    expect(done).toEqual(CALLS.map(({ name, arguments: said }) => name + said))
  })

  it.each([true, false])('is gone on from by runTools (stream: %s)', async (stream) => {
    const fake = fakeLanes(({ prompt }) =>
      prompt.kind === 'chat' && prompt.messages.length === 1 ? IN_PIECES : [start, text('12 °C'), finish],
    )
    const { client } = clientOver(fake)
    const given: unknown[] = []
    const run = (name: string) => (argument: string) => {
      given.push([name, JSON.parse(argument)])
      return `${name} done`
    }
    const tools = ['get_weather', 'now'].map((name) => ({
      type: 'function' as const,
      function: { name, description: '', parameters: PARAMETERS, function: run(name) },
    }))
    const final = stream
      ? client.chat.completions.runTools({ ...chat(), tools, stream: true }).finalContent()
      : client.chat.completions.runTools({ ...chat(), tools }).finalContent()
    expect(await final).toBe('12 °C')
    expect(given).toEqual([
      ['get_weather', { city: 'Köln 🌍' }],
      ['now', {}],
    ])
    expect(fake.requests[1].prompt).toMatchObject({
      messages: [
        { role: 'user' },
        {
          role: 'assistant',
          content: 'Let me see.',
          tool_calls: CALLS.map((call, nth) => ({ id: `call_id1_${nth}`, type: 'function', function: call })),
        },
        { role: 'tool', tool_call_id: 'call_id1_0', content: 'get_weather done' },
        { role: 'tool', tool_call_id: 'call_id1_1', content: 'now done' },
      ],
    })
  })

  it('ends in a stop where the request names the function', async () => {
    const script = [start, piece({ name: 'now', arguments: '{}' }), ended]
    const forced = { ...asked, tool_choice: tool('now') }
    const { client } = clientOver(fakeLanes(script))
    const whole = (await client.chat.completions.create(forced)).choices[0]
    const streamed = (await client.chat.completions.stream(forced).finalChatCompletion()).choices[0]
    for (const { finish_reason: reason, message } of [whole, streamed]) {
      expect(reason).toBe('stop')
      expect(message.content ?? '').toBe('')
      expect(message.tool_calls).toMatchObject([{ function: { name: 'now', arguments: '{}' } }])
    }
    expect(whole.message.content).toBeNull()
    const required = await client.chat.completions.create({ ...asked, tool_choice: 'required' })
    expect(required.choices[0].finish_reason).toBe('tool_calls')
  })
})

describe('functions', () => {
  const functions = ['get_weather', 'now'].map((name) => ({ name, parameters: PARAMETERS }))
  const SCRIPT = [start, text('a'), piece({ name: 'now', arguments: '{' }), piece({ arguments: '}' }), ended]
  const call = { name: 'now', arguments: '{}' }

  it('are called in a field of their own, whole and in .stream()', async () => {
    const { client } = clientOver(fakeLanes(SCRIPT))
    const whole = (await client.chat.completions.create({ ...chat(), functions })).choices[0]
    expect(whole).toMatchObject({
      finish_reason: 'function_call',
      message: { content: 'a', function_call: call },
    })
    expect(whole.message).not.toHaveProperty('tool_calls')
    const stream = client.chat.completions.stream({ ...chat(), functions })
    const streamed = (await stream.finalChatCompletion()).choices[0]
    expect(streamed).toMatchObject({ finish_reason: 'function_call', message: { function_call: call } })
    const chunks = await gather(await client.chat.completions.create({ ...chat(), functions, stream: true }))
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.function_call))
    expect(deltas.filter((delta) => delta !== undefined)).toEqual([
      { name: 'now', arguments: '' },
      { arguments: '{' },
      { arguments: '}' },
    ])
  })

  it('that are named end in a stop, and take one call', async () => {
    const twice = [...SCRIPT.slice(0, -1), piece({ name: 'get_weather', arguments: '{}' }), ended]
    const { client } = clientOver(fakeLanes(twice))
    const forced = { ...chat(), functions, function_call: { name: 'now' } }
    const whole = (await client.chat.completions.create(forced)).choices[0]
    const streamed = (await client.chat.completions.stream(forced).finalChatCompletion()).choices[0]
    for (const choice of [whole, streamed])
      expect(choice).toMatchObject({ finish_reason: 'stop', message: { function_call: call } })
  })

  it('go on from their answer as the client sends it back', async () => {
    const fake = fakeLanes(SCRIPT)
    const { client } = clientOver(fake)
    const { message } = (await client.chat.completions.create({ ...chat(), functions })).choices[0]
    const result = { role: 'function' as const, name: 'now', content: 'noon' }
    await client.chat.completions.create({
      model: MODEL,
      functions,
      messages: [...chat().messages, message, result],
    })
    expect(fake.requests[1].prompt).toMatchObject({
      messages: [
        { role: 'user' },
        { role: 'assistant', tool_calls: [{ id: 'call00001', type: 'function', function: call }] },
        { role: 'tool', name: 'now', content: 'noon', tool_call_id: 'call00001' },
      ],
    })
  })
})

describe('a response', () => {
  const ask = { model: MODEL, input: 'Hi', tools: ['get_weather', 'now'].map(flat) }

  it('has an item for each call, which closes where the next one opens', async () => {
    const { client } = clientOver(stored(IN_PIECES))
    const events = await gather(await client.responses.create({ ...ask, stream: true }))
    const call = 'response.function_call_arguments'
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      ...Array<string>(3).fill(`${call}.delta`),
      `${call}.done`,
      'response.output_item.done',
      'response.output_item.added',
      ...Array<string>(2).fill(`${call}.delta`),
      `${call}.done`,
      'response.output_item.done',
      'response.completed',
    ])
    const opened = events.flatMap((event) =>
      event.type === 'response.output_item.added' && event.item.type === 'function_call' ? [event.item] : [],
    )
    expect(opened).toMatchObject(
      CALLS.map(({ name }, nth) => ({
        name,
        arguments: '',
        status: 'in_progress',
        call_id: `call_${TURN}_${nth}`,
      })),
    )
    expect(events.flatMap((event) => (event.type === `${call}.done` ? [event] : []))).toMatchObject(CALLS)
    expect(events.at(-1)).toMatchObject({ response: { islet: { closed_early: true } } })
  })

  it('adds up in .stream(), and is the whole one', async () => {
    const { client } = clientOver(stored(IN_PIECES))
    const streamed = await client.responses.stream(ask).finalResponse()
    const whole = await client.responses.create(ask)
    expect(streamed.output).toMatchObject(JSON.parse(JSON.stringify(whole.output)) as object[])
    expect(whole.output.map(({ type }) => type)).toEqual(['message', 'function_call', 'function_call'])
    expect(whole.output.slice(1)).toMatchObject(CALLS)
  })

  it('repeats its tools and their choice as they were sent', async () => {
    const { client } = clientOver(stored([start, piece({ name: 'now', arguments: '{}' }), ended]))
    const choices = [
      'required' as const,
      { type: 'function' as const, name: 'now' },
      { type: 'allowed_tools' as const, mode: 'auto' as const, tools: [{ type: 'function', name: 'now' }] },
    ]
    for (const choice of choices) {
      const response = await client.responses.create({ ...ask, tool_choice: choice })
      expect(response).toMatchObject({ tool_choice: choice, tools: ask.tools, status: 'completed' })
    }
  })

  it('that is cut inside a call says so of the call, and of none that is whole', async () => {
    const cut = { ...finish, reason: 'length' } as GenerationEvent
    for (const [said, status] of [
      ['{"city"', 'incomplete'],
      ['{}', 'completed'],
    ]) {
      const { client } = clientOver(stored([start, piece({ name: 'now', arguments: said }), cut]))
      const response = await client.responses.create(ask)
      expect(response).toMatchObject({ status: 'incomplete', output: [{ arguments: said, status }] })
    }
  })
})

describe('what is accepted without effect', () => {
  it('is named in the reply, whole, streamed and read again, with what the lane ignored', async () => {
    const lane = { ...finish, ignored: ['#/properties/id/format'] } as GenerationEvent
    const { client } = clientOver(stored([start, text('a'), lane]))
    const wanted = (...places: string[]) => ({ islet: { ignored: [...places, '#/properties/id/format'] } })
    const thinking = { ...chat(), reasoning_effort: 'low' as const }
    expect(await client.chat.completions.create(thinking)).toMatchObject(wanted('reasoning_effort'))
    const options = { include_obfuscation: true }
    const chunks = await gather(
      await client.chat.completions.create({ ...thinking, stream: true, stream_options: options }),
    )
    expect(chunks.at(-1)).toMatchObject(wanted('stream_options.include_obfuscation', 'reasoning_effort'))
    const reasoning = { effort: 'high' as const, summary: 'auto' as const }
    expect(await client.responses.create({ model: MODEL, input: 'Hi', reasoning })).toMatchObject({
      ...wanted('reasoning.effort', 'reasoning.summary'),
      reasoning,
    })
    const summed = { model: MODEL, input: 'Hi', reasoning: { summary: 'auto' as const } }
    expect(await client.responses.create(summed)).toMatchObject(wanted('reasoning.summary'))
    const streamed = await client.completions.create({
      model: MODEL,
      prompt: 'a',
      stream: true,
      stream_options: options,
    })
    expect((await gather(streamed)).at(-1)).toMatchObject(wanted('stream_options.include_obfuscation'))
  })

  it('is no field where nothing was', async () => {
    const { client } = clientOver(fakeLanes())
    const none = { ...chat(), reasoning_effort: 'none' as const }
    const reply = (await client.chat.completions.create(none)) as { islet?: object }
    expect(reply.islet).not.toHaveProperty('ignored')
  })
})
