// A lane's token call: it needs no weights, takes a place of its tenant, gives the host its turn, and ends when it is left.

import { describe, expect, test } from 'vitest'
import { MOST_TOKENS } from '../../src/lane/token-run.ts'
import type { Lane } from '../../src/lane/lane.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { TokenRequest, TokenTask } from '../../src/protocol/tokens.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { eventsOf, mockLane } from '../helpers/mock-lane.ts'

const encode = (text: string, pieces = false): TokenTask => ({
  kind: 'encode',
  text,
  bos: false,
  names: true,
  pieces,
})

function asked(task: TokenTask, changes: Partial<TokenRequest> = {}): TokenRequest {
  return { requestId: 'test', tenant: 'tenant', sessionKey: 'key', model: 'mock', task, ...changes }
}

async function told(lane: Lane, request: TokenRequest): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.tokens(request))) events.push(event)
  return events
}

test('a task is done without weights', async () => {
  const { lane, models } = mockLane()
  const events = await told(lane, asked(encode('Hi')))
  expect(events).toEqual([{ type: 'tokens', ids: [72, 105], text: '', last: true }])
  expect(models).toHaveLength(0)
})

test.each([0, 1, 511, 512, 513, 1024, 1500])(
  '%i ids come in events of a bounded size, in order',
  async (length) => {
    const text = 'abcdefg'.repeat(300).slice(0, length)
    const events = eventsOf(await told(mockLane().lane, asked(encode(text, true))), 'tokens')
    expect(String.fromCharCode(...events.flatMap(({ ids = [] }) => ids))).toBe(text)
    expect(events.flatMap(({ pieces = [] }) => pieces).join('')).toBe(text)
    expect(Math.max(...events.map(({ ids = [] }) => ids.length))).toBeLessThanOrEqual(512)
    expect(events.map(({ last }) => last === true)).toEqual(events.map((_, at) => at === events.length - 1))
  },
)

test.each([4095, 4096, 4097, 9000])('a text of %i letters comes whole', async (length) => {
  const ids = Array.from({ length }, (_, at) => 97 + (at % 26))
  const events = eventsOf(await told(mockLane().lane, asked({ kind: 'decode', ids })), 'tokens')
  expect(events.map(({ text }) => text).join('')).toBe(String.fromCharCode(...ids))
  expect(Math.max(...events.map(({ text = '' }) => text.length))).toBeLessThanOrEqual(4096)
})

describe('a request', () => {
  test('of another model, and one that is too large, are refused', async () => {
    const { lane } = mockLane()
    const codeOf = async (request: TokenRequest) => eventsOf(await told(lane, request), 'error')[0]?.code
    expect(await codeOf(asked(encode('Hi'), { model: 'other' }))).toBe('model_not_found')
    expect(await codeOf(asked({ kind: 'decode', ids: new Array<number>(MOST_TOKENS + 1).fill(65) }))).toBe(
      'context_length_exceeded',
    )
  })

  test('takes a place of its tenant, and one that finds none may go elsewhere', async () => {
    const { lane } = mockLane({ config: { queue: 1 } })
    const held = lane.tokens(asked(encode('x'.repeat(3000)))).getReader()
    await held.read()
    const [refused] = await told(lane, asked(encode('Hi')))
    expect(refused).toMatchObject({ type: 'error', code: 'overloaded', movable: true })
    await held.cancel()
    expect(eventsOf(await told(lane, asked(encode('Hi'))), 'tokens')).toHaveLength(1)
  })

  test('that is left is not gone on with', async () => {
    const { lane } = mockLane()
    const reader = lane.tokens(asked(encode('x'.repeat(MOST_TOKENS)))).getReader()
    const reading = reader.read()
    await reader.cancel()
    await reading
    expect(eventsOf(await told(lane, asked(encode('Hi'))), 'tokens')).toHaveLength(1)
  })
})
