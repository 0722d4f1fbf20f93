// The checklist, T1 to T10: how calls are worded, so that every reader puts them together.

import { expect, test } from 'vitest'
import type { CallPiece, GenerationEvent } from '../../src/protocol/generation.ts'
import { chat, clientOver, fakeLanes, finish, start, text } from '../api/helpers.ts'
import { bodyOf, chunksOf } from './wire.ts'

const piece = (...calls: CallPiece[]): GenerationEvent => ({ type: 'text', text: '', calls, ids: [1] })
const ended = (reason: 'tool_calls' | 'length'): GenerationEvent => ({ ...finish, reason }) as GenerationEvent
const TWO = [
  start,
  piece({ name: 'look', arguments: '' }),
  piece({ arguments: '{"at"' }),
  piece({ arguments: ':1.0}' }, { name: 'now', arguments: '{}' }),
  ended('tool_calls'),
]
const tool = (name: string) => ({
  type: 'function' as const,
  function: { name, parameters: { type: 'object' } },
})
const tools = [tool('look'), tool('now')]

async function deltas(script = TWO) {
  return (await chunksOf(fakeLanes(script), { tools })).flatMap(
    ({ choices }) => choices[0].delta.tool_calls ?? [],
  )
}

test('T1: each delta of a call has an index, counted from 0', async () => {
  expect((await deltas()).map(({ index }) => index)).toEqual([0, 0, 0, 1, 1])
})

test('T2: the first delta of a call has id, type and name, and no arguments yet', async () => {
  expect((await deltas())[0]).toEqual({
    index: 0,
    id: expect.any(String) as string,
    type: 'function',
    function: { name: 'look', arguments: '' },
  })
})

test('T3: further deltas have arguments alone', async () => {
  expect((await deltas())[1]).toEqual({ index: 0, function: { arguments: '{"at"' } })
})

test('T4: arguments join to the JSON that the model wrote', async () => {
  const { choices } = await clientOver(fakeLanes(TWO))
    .client.chat.completions.stream({ ...chat(), tools })
    .finalChatCompletion()
  const said = choices[0].message.tool_calls?.map((call) =>
    call.type === 'function' ? call.function.arguments : '',
  )
  expect(said).toEqual(['{"at":1.0}', '{}'])
})

test('T5: an answer that is cut inside a call says length', async () => {
  const cut = [start, piece({ name: 'look', arguments: '{"at' }), ended('length')]
  expect((await chunksOf(fakeLanes(cut), { tools })).at(-1)?.choices[0].finish_reason).toBe('length')
  const whole = await bodyOf('/v1/chat/completions', chat({ tools }), fakeLanes(cut))
  expect(whole).toMatchObject({ choices: [{ finish_reason: 'length' }] })
})

test('T6: ids of parallel calls differ, among all answers', async () => {
  const ids = async (): Promise<unknown[]> => (await deltas()).flatMap(({ id }) => id ?? [])
  expect(new Set(await ids()).size).toBe(2)
  const { client } = clientOver(fakeLanes(TWO))
  const once = await client.chat.completions.create({ ...chat(), tools })
  const again = await client.chat.completions.create({ ...chat(), tools })
  expect(once.choices[0].message.tool_calls?.[0].id).not.toBe(again.choices[0].message.tool_calls?.[0].id)
})

test('T7: a message of calls alone has a content of null', async () => {
  expect(await bodyOf('/v1/chat/completions', chat({ tools }), fakeLanes(TWO))).toMatchObject({
    choices: [{ message: { content: null } }],
  })
})

test('T8: none, auto, required and a name are taken; what is none of them is refused by name', async () => {
  const choices = [
    'none',
    'auto',
    'required',
    { type: 'function', function: { name: 'now' } },
    {
      type: 'allowed_tools',
      allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'now' } }] },
    },
  ]
  for (const tool_choice of choices)
    expect(await bodyOf('/v1/chat/completions', chat({ tools, tool_choice }))).toHaveProperty('choices')
  for (const tool_choice of [
    'any',
    { type: 'custom', custom: { name: 'now' } },
    { type: 'function', function: { name: 'other' } },
  ])
    expect(await bodyOf('/v1/chat/completions', chat({ tools, tool_choice }))).toMatchObject({
      error: { param: expect.stringMatching(/^tool_choice/) as string },
    })
})

test('T9: a result names a call that was made', async () => {
  const calls = [{ id: 'call_1', type: 'function', function: { name: 'now', arguments: '{}' } }]
  const history = (id: string) => [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: null, tool_calls: calls },
    { role: 'tool', tool_call_id: id, content: 'noon' },
  ]
  expect(await bodyOf('/v1/chat/completions', chat({ tools, messages: history('call_1') }))).toHaveProperty(
    'choices',
  )
  const refused = await bodyOf('/v1/chat/completions', chat({ tools, messages: history('call_2') }))
  expect(refused).toMatchObject({ error: { param: 'messages[2].tool_call_id' } })
})

test('T10: a whole call has an id, its type, a name and arguments as a text', async () => {
  const script = [start, text('Let me see.'), ...TWO.slice(1)]
  const { choices } = await bodyOf<{ choices: { message: { content: string; tool_calls: object[] } }[] }>(
    '/v1/chat/completions',
    chat({ tools }),
    fakeLanes(script),
  )
  expect(choices[0].message.content).toBe('Let me see.')
  expect(choices[0].message.tool_calls[0]).toEqual({
    id: expect.any(String) as string,
    type: 'function',
    function: { name: 'look', arguments: '{"at":1.0}' },
  })
})
