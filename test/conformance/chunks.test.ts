// The checklist, C1 to C14: what a chunk of a chat must hold for its readers, and 3.5: log probabilities.

import { expect, test } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { chat, clientOver, fakeLanes, finish, HELLO, MODEL, start, stored, text } from '../api/helpers.ts'
import { bodyOf, chunksOf } from './wire.ts'

const USAGE = { stream_options: { include_usage: true } }

test('C1: every chunk has the same id, object, time and model', async () => {
  for (const fake of [fakeLanes(), stored()])
    for (const chunk of await chunksOf(fake, USAGE))
      expect(chunk).toMatchObject({
        id: 'chatcmpl-id1',
        object: 'chat.completion.chunk',
        created: 1_763_900_000,
        model: MODEL,
      })
})

test('C2: choices are an array, also of the chunk of usage', async () => {
  const chunks = await chunksOf(fakeLanes(), USAGE)
  for (const { choices } of chunks) expect(Array.isArray(choices)).toBe(true)
  expect(chunks.at(-1)?.choices).toEqual([])
})

test('C3: a choice has its index', async () => {
  for (const { choices } of await chunksOf()) expect(choices.map(({ index }) => index)).toEqual([0])
})

test('C4: the first chunk of an answer is its role and no text', async () => {
  expect((await chunksOf())[0].choices[0].delta).toEqual({ role: 'assistant', content: '' })
})

test('C5: further chunks leave the role out, and have a delta', async () => {
  for (const { choices } of (await chunksOf()).slice(1)) {
    expect(typeof choices[0].delta).toBe('object')
    expect(choices[0].delta).not.toHaveProperty('role')
  }
})

test('C6: one finish reason, and null before it', async () => {
  expect((await chunksOf()).map(({ choices }) => choices[0].finish_reason)).toEqual([
    null,
    null,
    null,
    null,
    'stop',
  ])
})

test('C7: reasons are those that clients know', async () => {
  for (const reason of ['stop', 'length', 'tool_calls'] as const) {
    const script = [start, text('a'), { ...finish, reason } as GenerationEvent]
    expect((await chunksOf(fakeLanes(script))).at(-1)?.choices[0].finish_reason).toBe(reason)
  }
})

test('C8: the last chunk of an answer has an empty delta', async () => {
  expect((await chunksOf()).at(-1)?.choices[0].delta).toEqual({})
})

test('C9: usage is told last and when it is asked for alone, and is null before', async () => {
  const asked = await chunksOf(fakeLanes(), USAGE)
  expect(asked.slice(0, -1).map(({ usage }) => usage)).toEqual(Array(5).fill(null))
  expect(asked.at(-1)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
  })
  for (const chunk of await chunksOf()) expect(chunk).not.toHaveProperty('usage')
})

test('C10: chunks of several answers come by index, each with its role, its end and no other', async () => {
  const begun = { ...start, choice: 1 } as GenerationEvent
  const other = { ...text('Bye'), choice: 1 } as GenerationEvent
  const end: GenerationEvent = { type: 'end', choice: 1, reason: 'length' }
  const both = fakeLanes([start, begun, text('Hi'), other, end, finish])
  const chunks = await chunksOf(both, { n: 2, ...USAGE })
  expect(chunks.map(({ choices }) => choices[0]?.index)).toEqual([0, 1, 0, 1, 1, 0, undefined])
  for (const [index, reason] of ['stop', 'length'].entries()) {
    const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
    expect(own[0].delta.role).toBe('assistant')
    expect(own.map(({ finish_reason }) => finish_reason)).toEqual([null, null, reason])
  }
})

test('C11: no chunk without choices comes before the usage', async () => {
  const waiting = { type: 'progress', state: 'loading', done: 1, total: 2 } as const
  for (const { choices } of await chunksOf(fakeLanes([waiting, ...HELLO]))) expect(choices).toHaveLength(1)
})

test('C12: what else a chunk holds is a report of ours, in one place', async () => {
  const known = ['id', 'object', 'created', 'model', 'choices']
  const chunks = await chunksOf()
  for (const chunk of chunks.slice(0, -1)) expect(Object.keys(chunk)).toEqual(known)
  expect(Object.keys(chunks.at(-1) ?? {})).toEqual([...known, 'islet'])
})

test('C13: thoughts are reasoning_content, in pieces and whole', async () => {
  const thought = (reasoning: string): GenerationEvent => ({ type: 'text', text: '', reasoning, ids: [1] })
  const script = [start, thought('I th'), thought('ink'), text('so'), finish]
  const deltas = (await chunksOf(fakeLanes(script))).map(
    ({ choices }) => choices[0].delta as { reasoning_content?: string },
  )
  expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe('I think')
  const whole = await bodyOf<{ choices: { message: object }[] }>(
    '/v1/chat/completions',
    chat(),
    fakeLanes(script),
  )
  expect(whole.choices[0].message).toMatchObject({ content: 'so', reasoning_content: 'I think' })
})

test('C14: a whole message has a refusal of null', async () => {
  const whole = await bodyOf<{ choices: { message: object }[] }>('/v1/chat/completions', chat())
  expect(whole.choices[0].message).toHaveProperty('refusal', null)
})

test('L1: log probabilities are one entry a token, joined over the chunks, with the bytes of each', async () => {
  const top = [
    { token: 'a', logprob: -0.1, bytes: [97] },
    { token: 'b', logprob: -3, bytes: [98] },
  ]
  const half = { token: '\ufffd', logprob: -0.5, bytes: [0xf0, 0x9f], top }
  const script: GenerationEvent[] = [
    start,
    { type: 'text', text: '', ids: [1], logprobs: [half] },
    { type: 'text', text: 'x', ids: [2, 3], logprobs: top.map((entry) => ({ ...entry, top })) },
    finish,
  ]
  const { client } = clientOver(fakeLanes(script))
  const asked = { ...chat(), logprobs: true, top_logprobs: 2 }
  const whole = (await client.chat.completions.create(asked)).choices[0].logprobs
  expect(whole?.content).toHaveLength(3)
  expect(whole?.content?.[0]).toEqual({
    token: '\ufffd',
    logprob: -0.5,
    bytes: [0xf0, 0x9f],
    top_logprobs: top,
  })
  expect(whole?.refusal).toBeNull()
  const joined = (await client.chat.completions.stream(asked).finalChatCompletion()).choices[0].logprobs
  expect(joined?.content).toEqual(whole?.content)
})

test('L2: alternatives are at most 20, and need logprobs', async () => {
  for (const [extra, param] of [
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    [{ top_logprobs: 2 }, 'top_logprobs'],
  ] as const)
    expect(await bodyOf('/v1/chat/completions', chat(extra))).toMatchObject({ error: { param } })
})
