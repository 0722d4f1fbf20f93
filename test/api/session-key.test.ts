// The key that routes: the same for every turn of a chat, different for different people and openings.

import { expect, it } from 'vitest'
import { parseChat } from '../../src/api/dialects/chat/schema.ts'
import { parseCompletion } from '../../src/api/dialects/completions/schema.ts'
import { sessionKey } from '../../src/api/session-key.ts'
import { chat, completion, MODEL } from './helpers.ts'

const chatKey = (extra: Record<string, unknown> = {}, tenant = 't') =>
  sessionKey(tenant, { ...parseChat(chat(extra), () => 1).order, model: MODEL })
const textKey = (prompt: unknown) =>
  sessionKey('t', { ...parseCompletion(completion({ prompt }), () => 1).order, model: MODEL })
const user = (content: unknown) => ({ role: 'user', content })
const said = (content: string) => ({ role: 'assistant', content })

it('stays through the turns of a chat, however the opening is written', async () => {
  const first = await chatKey({ messages: [{ role: 'system', content: 'S' }, user('Hello')] })
  const later = [
    { role: 'developer', content: 'S' },
    user([{ type: 'text', text: 'Hello' }]),
    said('Hi'),
    user('More'),
  ]
  expect(await chatKey({ messages: later, temperature: 0, seed: 3 })).toBe(first)
})

it('differs by opening, system prompt, tenant and end user', async () => {
  const keys = await Promise.all([
    chatKey(),
    chatKey({ messages: [user('Hello')] }),
    chatKey({ messages: [{ role: 'system', content: 'S' }, user('Hi')] }),
    chatKey({}, 'u'),
    chatKey({ user: 'ann' }),
    chatKey({ safety_identifier: 'bob' }),
  ])
  expect(new Set(keys).size).toBe(keys.length)
})

it('is the prompt_cache_key when there is one', async () => {
  expect(await chatKey({ prompt_cache_key: 'mine', user: 'ann' })).toBe('mine')
})

it('takes 64 ids or 256 characters of a text completion', async () => {
  const ids = Array.from({ length: 64 }, (_, i) => i)
  expect(await textKey([...ids, 1])).toBe(await textKey([...ids, 2]))
  expect(await textKey([...ids.slice(1), 1])).not.toBe(await textKey([...ids.slice(1), 2]))
  expect(await textKey('a'.repeat(256) + 'b')).toBe(await textKey('a'.repeat(256) + 'c'))
  expect(await textKey('ab')).not.toBe(await textKey('ac'))
})
