// Calls side by side, as formats see them that know one at a time, and turns of user and assistant.

import { expect, it } from 'vitest'
import { exchangesOf, oneCallAtATime, type TextMessage } from '../../src/chat/conversation.ts'

const call = (id?: string) => ({ ...(id !== undefined && { id }), function: { name: `f${id}` } })
const asked = (...calls: object[]): TextMessage => ({ role: 'assistant', content: 'c', tool_calls: calls })
const result = (content: string, of?: string): TextMessage => ({
  role: 'tool',
  content,
  ...(of !== undefined && { tool_call_id: of }),
})
/** `call:result` for each, in order. */
const order = (messages: TextMessage[]): string[] =>
  oneCallAtATime(messages).map(({ role, content, tool_calls: calls }) =>
    role === 'tool' ? content : `${content}:${calls?.map((each) => (each as { id?: string }).id).join()}`,
  )

it.each<[string, TextMessage[], string[]]>([
  ['by id', [asked(call('a'), call('b')), result('B', 'b'), result('A', 'a')], ['c:a', 'A', ':b', 'B']],
  ['in order without ids', [asked(call(), call()), result('1'), result('2')], ['c:', '1', ':', '2']],
  ['one is missing', [asked(call('a'), call('b')), result('B', 'b')], ['c:a', ':b', 'B']],
  [
    'one is of no call',
    [asked(call('a'), call('b')), result('X', 'x'), result('A', 'a')],
    ['c:a', 'A', ':b', 'X'],
  ],
  ['one call stays as it is', [asked(call('a')), result('X', 'x')], ['c:a', 'X']],
])('results come behind their calls: %s', (_, messages, expected) => {
  expect(order(messages)).toEqual(expected)
})

it('exchanges begin with the user and take turns', () => {
  const user: TextMessage = { role: 'user', content: 'q' }
  const assistant: TextMessage = { role: 'assistant', content: 'a' }
  expect(exchangesOf([user, assistant, user], true)).toEqual([{ user: 'q', assistant: 'a' }, { user: 'q' }])
  for (const messages of [
    [assistant, user],
    [user, user],
    [user, assistant, assistant],
  ])
    expect(() => exchangesOf(messages, true)).toThrow('the user first')
})
