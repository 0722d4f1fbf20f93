// Turns of one conversation in a lane come one at a time.

import { expect, test } from 'vitest'
import { ask, mockLane } from '../helpers/mock-lane.ts'
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
