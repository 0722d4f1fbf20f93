// These tests read what a turn's row says, which model it is of, and when its lane is woken for it.

import { describe, expect, test, vi } from 'vitest'
import { Isolate } from '../../src/lane/isolate.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, type MockLane } from '../helpers/mock-lane.ts'
import { greedyAlone, MockModel } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251) }
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt, store: true, maxTokens: 40, ignoreEos: true, ...changes })

/** Reads three texts and leaves; the session. */
async function begun({ lane }: MockLane, changes: Parameters<typeof request>[0] = {}): Promise<string> {
  let session = ''
  let texts = 0
  for await (const event of decodeEvents(lane.generate(asked(changes)))) {
    if (event.type === 'session') ({ session } = event)
    if (event.type === 'text' && ++texts === 3) break
  }
  await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  return session
}

describe('the model that a turn is of', () => {
  test('is the one in place, whose window another lane chose', async () => {
    const isolate = new Isolate()
    await ask(laneOn(laneStorage(), { config: { windows: [32] }, parts: { isolate } }).lane, asked())
    const kept = laneStorage()
    const session = await begun(laneOn(kept, { config: { windows: [64] }, parts: { isolate } }))
    const { lane } = laneOn(kept, { config: { windows: [64] } })
    expect(() => lane.sessions.checkModel(lane.sessions.find('tenant', session))).toThrow()
    const events = []
    for await (const event of decodeEvents(lane.resume('tenant', session))) events.push(event)
    expect(events).toMatchObject([{ type: 'error', code: 'conflict' }])
  })

  test('is the one that came, for a turn that had waited for it', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept, {
      config: { windows: [64] },
      parts: { readModel: async () => new MockModel({ window: { window: 32, sinks: 4 }, maxRows: 16 }) },
    })
    const events = await ask(lane, asked())
    expect(eventsOf(events, 'finish')[0].window.window).toBe(32)
    const [{ session }] = eventsOf(events, 'session')
    expect(lane.sessions.find('tenant', session).state).toBe('done')
    // The next turn finds its pages, so they have the same model's name.
    const next = laneOn(kept, { config: { windows: [32] } })
    const more = await ask(
      next.lane,
      asked({ prompt: { kind: 'ids', ids: [...prompt.ids, ...idsOf(events)] } }),
    )
    expect(eventsOf(more, 'start')[0].cachedTokens).toBe(128)
  })
})

describe('a row', () => {
  test('that storage refuses costs nothing but the session', async () => {
    const refuses = (query: string): void => {
      if (query.startsWith('INSERT INTO turns')) throw new Error('the disk is full')
    }
    const { lane, logged } = laneOn(laneStorage(refuses))
    const events = await ask(lane, asked())
    expect(idsOf(events)).toEqual(greedyAlone(prompt.ids, 40))
    expect(eventsOf(events, 'session')).toEqual([])
    expect(logged).toMatchObject([{ code: 'storage_lost', message: 'the disk is full' }])
  })

  test.each([
    [
      'a conversation of many bytes in few letters',
      { conversation: [{ role: 'user', content: '\u4e2d'.repeat(7e5) }] },
    ],
    ['an answer of many tokens', { maxTokens: 500_000 }],
  ])('that would be too long is refused before anything is computed: %s', async (_, changes) => {
    const messages = [{ role: 'user', content: 'Hi' }]
    const chat = { prompt: { kind: 'chat' as const, messages }, conversation: messages }
    const { lane, models } = laneOn(laneStorage(), { config: { windows: [64] } })
    expect(await ask(lane, asked({ ...chat, ...changes }))).toMatchObject([
      { type: 'error', code: 'invalid_request', param: 'store' },
    ])
    expect(models[0]?.rowsRun ?? 0).toBe(0)
  })

  test('names the runs of a prompt that is still read, so that collecting keeps them', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept, { config: { chunk: 16 }, model: { pageCount: 40 } })
    const ids = Array.from({ length: 280 }, (_, i) => (i * 7 + 3) % 251)
    const reader = decodeEvents(lane.generate(asked({ prompt: { kind: 'ids', ids } })))
    await vi.waitFor(async () => {
      await reader.next()
      expect(kept.sql.exec('SELECT head FROM kv_runs').toArray().length).toBeGreaterThan(0)
    })
    const before = kept.sql.exec('SELECT head FROM kv_runs').toArray()
    await lane.sessions.collect()
    expect(kept.sql.exec('SELECT head FROM kv_runs').toArray()).toEqual(before)
    await reader.return(undefined)
  })

  test('lives on from its last use', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const now = (): number => Date.now()
      const clock = { now, wait: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) }
      const { lane } = laneOn(laneStorage(), { parts: { clock } })
      const session = await begun({ lane } as MockLane)
      const first = lane.sessions.find('tenant', session).expiresAt
      vi.setSystemTime(Date.now() + 1_000_000)
      for await (const _ of decodeEvents(lane.resume('tenant', session)));
      expect(lane.sessions.find('tenant', session).expiresAt).toBeGreaterThanOrEqual(first + 1_000_000)
    } finally {
      vi.useRealTimers()
    }
  })
})

test('sessions are listed by their last use, a page at a time', async () => {
  let now = 1000
  const clock = {
    now: () => now,
    wait: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  }
  const { lane } = laneOn(laneStorage(), { parts: { clock } })
  const ids: string[] = []
  for (const key of ['a', 'b', 'c', 'd', 'e']) {
    // The third and the fourth at the same time.
    if (key !== 'd') now += 1000
    const events = await ask(lane, asked({ maxTokens: 2, sessionKey: key }))
    ids.push(eventsOf(events, 'session')[0].session)
  }
  const list = (limit: number, after?: { id: string; usedAt: number }) =>
    lane.owned.list('tenant', { limit, after })
  const seen = list(2)
  while (list(2, seen.at(-1)).length > 0) seen.push(...list(2, seen.at(-1)))
  const [a, b, c, d, e] = ids
  expect(seen.map(({ id }) => id)).toEqual([e, ...[c, d].sort(), b, a])
  expect(lane.owned.list('other')).toEqual([])
})

describe('the alarm', () => {
  const messages = [{ role: 'user', content: 'Hi' }]
  const background = { prompt: { kind: 'chat' as const, messages }, conversation: messages, background: true }

  test('that an object had set before is not put off by the next', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    lane.alarm.isSet(1)
    await ask(lane, asked())
    expect(kept.wakes).toEqual([])
  })

  test('watches over a turn in the background also while somebody reads it', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const reader = decodeEvents(lane.generate(asked(background)))
    while ((await reader.next()).value?.type !== 'text');
    const soon = performance.now() + 30_000
    expect(kept.wakes.at(-1)).toBeLessThanOrEqual(soon)
    await lane.awake()
    expect(kept.wakes.at(-1)).toBeGreaterThan(0)
    expect(kept.wakes.at(-1)).toBeLessThanOrEqual(performance.now() + 30_000)
    await reader.return(undefined)
  })
})
