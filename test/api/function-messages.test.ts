// A history in the old spelling of calls reaches the template in the new one, with its fields, digits and order.

import { describe, expect, it } from 'vitest'
import { chat, fakeLanes, MODEL, post } from './helpers.ts'

const CHAT = '/v1/chat/completions'
const user = { role: 'user', content: 'q' }
const called = (name: string, text = '{}') => ({
  role: 'assistant',
  content: null,
  function_call: { name, arguments: text },
})
const result = (name: string, content = 'r') => ({ role: 'function', name, content })

async function messagesOf(body: unknown): Promise<unknown> {
  const fake = fakeLanes()
  const response = await post(fake, CHAT, body)
  expect({ status: response.status, text: await response.text() }).toMatchObject({ status: 200 })
  const [{ prompt }] = fake.requests
  return prompt.kind === 'chat' ? prompt.messages : undefined
}

describe('calls of functions', () => {
  it('become calls of tools, and results answer the last call of their name', async () => {
    const messages = [
      user,
      called('f', '{"x":1}'),
      result('f'),
      called('g'),
      called('f'),
      result('f'),
      result('g'),
    ]
    const call = (id: string, name: string, text = '{}') => ({
      role: 'assistant',
      content: null,
      tool_calls: [{ id, type: 'function', function: { name, arguments: text } }],
    })
    const answer = (name: string, id: string) => ({ role: 'tool', name, content: 'r', tool_call_id: id })
    expect(await messagesOf(chat({ messages }))).toEqual([
      user,
      call('call00001', 'f', '{"x":1}'),
      answer('f', 'call00001'),
      call('call00003', 'g'),
      call('call00004', 'f'),
      answer('f', 'call00004'),
      answer('g', 'call00003'),
    ])
  })

  it('keep the digits and the order of their fields', async () => {
    const call =
      '{"more":{"z":1.0,"10":1},"function_call":{"arguments":{"b":1.0,"2":12345678901234567890},"name":"f"},"role":"assistant"}'
    const answer = '{"content":"r","x":1.0,"name":"f","role":"function"}'
    const messages = (await messagesOf(`{"model":"${MODEL}","messages":[${call},${answer}]}`)) as string[]
    expect(messages).toEqual([
      '{"more":{"z":1.0,"10":1},"tool_calls":[{"id":"call00000","type":"function","function":{"arguments":{"b":1.0,"2":12345678901234567890},"name":"f"}}],"role":"assistant"}',
      '{"content":"r","x":1.0,"name":"f","role":"tool","tool_call_id":"call00000"}',
    ])
  })

  it('beside calls of tools stay as they are: those count, and results by name answer them', async () => {
    const both = {
      ...called('f'),
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    }
    expect(await messagesOf(chat({ messages: [user, both, result('f')] }))).toEqual([
      user,
      both,
      { role: 'tool', name: 'f', content: 'r', tool_call_id: 'c1' },
    ])
  })

  it('of null are none, as clients send them back', async () => {
    const answered = { role: 'assistant', content: 'a', function_call: null, tool_calls: null, refusal: null }
    expect(await messagesOf(chat({ messages: [user, answered] }))).toEqual([
      user,
      { role: 'assistant', content: 'a', refusal: null },
    ])
  })

  it.each<[object[], string]>([
    [[user, result('f')], 'messages[1].name'],
    [[called('f'), result('g')], 'messages[1].name'],
    [[result('f'), called('f')], 'messages[0].name'],
    [[called('f'), { role: 'function', content: 'r' }], 'messages[1].name'],
    [[{ ...called('f'), function_call: { name: 'f' } }], 'messages[0].function_call.arguments'],
    [[{ ...called('f'), role: 'user' }, result('f')], 'messages[1].name'],
  ])('are refused where they fit nothing: %j', async (messages, param) => {
    const response = await post(fakeLanes(), CHAT, chat({ messages }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param, code: 'invalid_request' } })
  })
})
