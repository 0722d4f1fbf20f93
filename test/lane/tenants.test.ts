// Two tenants in one lane: a key of theirs, an id or a body that is equal gives neither anything of the other.

import { describe, expect, test, vi } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage } from '../helpers/mock-lane.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const ids = Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251)
const messages = [{ role: 'user', content: 'Hi' }]
const asked = (tenant: string, changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    tenant,
    sessionKey: 'one prompt_cache_key',
    bodyHash: 'one body',
    prompt: { kind: 'ids', ids },
    store: true,
    maxTokens: 20,
    ignoreEos: true,
    ...changes,
  })
const kept = { prompt: { kind: 'chat' as const, messages }, conversation: messages }
const sessionOf = (events: readonly GenerationEvent[]) => eventsOf(events, 'session')[0]

async function readOn(lane: ReturnType<typeof laneOn>['lane'], tenant: string, id: string) {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.resume(tenant, id))) events.push(event)
  return events
}

describe.each([false, true])('of one prompt_cache_key and one body (retry: %s)', (retry) => {
  test.each([
    ['ids', {}],
    ['a kept conversation', kept],
  ])('each has a session of its own: %s', async (_, changes) => {
    const storage = laneStorage()
    const { lane } = laneOn(storage)
    const a = sessionOf(await ask(lane, asked('a', changes)))
    const before = JSON.stringify(lane.owned.view(lane.owned.find('a', a.session)))
    const b = await ask(lane, asked('b', { ...changes, retry }))
    expect(sessionOf(b).session).not.toBe(a.session)
    expect(eventsOf(b, 'start')[0].cachedTokens).toBe(0)
    expect(lane.owned.list('a').map(({ id }) => id)).toEqual([a.session])
    expect(lane.owned.list('b').map(({ id }) => id)).toEqual([sessionOf(b).session])
    expect(JSON.stringify(lane.owned.view(lane.owned.find('a', a.session)))).toBe(before)
  })

  test('neither stops the other, while both are answered', async () => {
    const { lane } = laneOn(laneStorage())
    const reader = decodeEvents(lane.generate(asked('a')))
    const events: GenerationEvent[] = []
    while (idsOf(events).length === 0) events.push((await reader.next()).value as GenerationEvent)
    const b = await ask(lane, asked('b', { retry }))
    for await (const event of reader) events.push(event)
    for (const own of [events, b]) expect(idsOf(own)).toEqual(greedyAlone(ids, 20))
    expect(sessionOf(b).session).not.toBe(sessionOf(events).session)
  })
})

test('a full lane offers on a request of whoever has nothing there', async () => {
  const { lane } = laneOn(laneStorage(), { config: { queue: 1 } })
  await ask(lane, asked('a'))
  const reader = decodeEvents(lane.generate(asked('c', { sessionKey: 'other' })))
  while ((await reader.next()).value?.type !== 'text');
  const [mine] = await ask(lane, asked('a'))
  const [theirs] = await ask(lane, asked('b'))
  expect(mine).not.toHaveProperty('movable')
  expect(theirs).toMatchObject({ code: 'overloaded', movable: true })
  await reader.return(undefined)
})

describe('an id of another tenant', () => {
  test('is that of nothing, for every question', async () => {
    const storage = laneStorage()
    const { lane } = laneOn(storage)
    const { session, turn } = sessionOf(await ask(lane, asked('a', kept)))
    const rows = () => storage.sql.exec('SELECT session, turn, state, used FROM turns').toArray()
    const before = rows()
    const notFound = { code: 'not_found' }
    for (const id of [session, turn]) {
      expect(() => lane.owned.find('b', id)).toThrow(expect.objectContaining(notFound) as Error)
      await expect(lane.turn('b', id)).rejects.toMatchObject(notFound)
      await expect(lane.cancelTurn('b', id)).rejects.toMatchObject(notFound)
      await expect(lane.owned.removeTurn('b', id)).rejects.toMatchObject(notFound)
      await expect(lane.owned.remove('b', id)).rejects.toMatchObject(notFound)
      expect(() => lane.owned.fork('b', id, '0')).toThrow(expect.objectContaining(notFound) as Error)
      expect(await readOn(lane, 'b', id)).toMatchObject([{ type: 'error', ...notFound }])
    }
    expect(await ask(lane, asked('b', { session }))).toMatchObject([{ type: 'error', ...notFound }])
    expect(await lane.owned.removeAll('b')).toBe(0)
    expect(rows()).toEqual(before)
  })
})

describe('of one tenant', () => {
  test('a turn that is kept stays beside those that go on from it, and another one goes', async () => {
    const storage = laneStorage()
    const { lane } = laneOn(storage)
    const turns = (): number => storage.sql.exec('SELECT turn FROM turns').toArray().length
    const first = await ask(lane, asked('a'))
    const more = { prompt: { kind: 'ids' as const, ids: [...ids, ...idsOf(first), 5] } }
    const second = await ask(lane, asked('a', more))
    expect([sessionOf(second).session, turns()]).toEqual([sessionOf(first).session, 1])
    const { session } = sessionOf(second)
    await ask(lane, asked('a', { ...kept, session }))
    await ask(lane, asked('a', { ...kept, session }))
    expect(turns()).toBe(2)
  })

  test('a prompt that begins otherwise is another session of the same key', async () => {
    const { lane } = laneOn(laneStorage())
    const first = sessionOf(await ask(lane, asked('a')))
    const others = [ids.with(89, 7), ids.slice(0, 89), ids.with(0, 7)]
    for (const other of others) {
      const next = sessionOf(await ask(lane, asked('a', { prompt: { kind: 'ids', ids: other } })))
      expect(next.session).not.toBe(first.session)
    }
    expect(lane.owned.list('a')).toHaveLength(4)
  })
})

describe('the alarm for a reader that left', () => {
  const MINUTES_10 = 600_000
  const lifetimes = { pages: 3_600_000, sessions: 86_400_000, turns: 2_592_000_000 }

  /** The wakes of a lane whose clock stands at 1000, after a reader has left in the middle. */
  async function wakesOf(changes: Partial<GenerateRequest>, own = lifetimes): Promise<number[]> {
    const storage = laneStorage()
    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5)))
    const { lane } = laneOn(storage, {
      config: { lifetimes: own },
      parts: { clock: { now: () => 1000, wait } },
    })
    for await (const event of decodeEvents(lane.generate(asked('a', changes))))
      if (event.type === 'text') break
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
    return storage.wakes
  }

  test.each([
    ['is set to when its pages have lived their time', {}, lifetimes, 1000 + lifetimes.pages],
    ['is set to when the session has, if that is earlier', {}, { ...lifetimes, sessions: 5000 }, 6000],
    ['lets deletions come together', {}, { ...lifetimes, pages: 0 }, 1000 + MINUTES_10],
    ['rings at once for an answer that goes on unread', { ...kept, background: true }, lifetimes, 1000],
  ])('%s', async (_, changes, own, at) => {
    expect((await wakesOf(changes, own)).at(-1)).toBe(at)
  })

  test('is none where nothing is stored', async () => {
    expect(await wakesOf({ store: false })).toEqual([])
  })
})
