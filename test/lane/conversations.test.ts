// Turns of one conversation in a lane: one at a time, and a retry that takes over what its first try still computes.

import { expect, test } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, mockLane } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const chat = { kind: 'chat' as const, messages: [{ role: 'user', content: 'Hi' }] }
const entry = { tenant: 'tenant', sessionKey: 'k', model: 'mock', conversation: [], reply: null }

async function begun() {
  const { lane } = mockLane()
  const session = (await lane.ready()).keepConversation(entry, '0')
  const sessionKey = session.replace('sess', 'conv')
  const { turn: follows } = await lane.turn('tenant', sessionKey)
  const asked = request({
    prompt: chat,
    store: true,
    conversation: [],
    session,
    sessionKey,
    follows,
    bodyHash: 'b',
  })
  return { lane, asked: { ...asked, maxTokens: 20 } }
}

test('a second turn of a conversation is a conflict while the first is answered', async () => {
  const { lane, asked } = await begun()
  const reader = lane.generate(asked).getReader()
  await reader.read()
  const other = await ask(lane, { ...asked, bodyHash: 'c' })
  expect(other).toEqual([expect.objectContaining({ type: 'error', code: 'conflict' })])
  await reader.cancel()
})

test('a retry takes the answer over from whoever seems to read it', async () => {
  const { lane, asked } = await begun()
  const first: GenerationEvent[] = []
  const events = decodeEvents(lane.generate(asked))
  for (let i = 0; i < 4; i++) first.push((await events.next()).value as GenerationEvent)
  const again = await ask(lane, { ...asked, retry: true })
  expect(eventsOf(again, 'session')).toEqual(eventsOf(first, 'session'))
  expect(idsOf(again)).toHaveLength(20)
  for await (const event of events) first.push(event)
  expect(first.at(-1)).toMatchObject({ type: 'error', code: 'conflict' })
})
