// These tests fill a tenant's budget: its oldest idle pages and sessions go, and nobody else's.

import { describe, expect, test } from 'vitest'
import type { Budget } from '../../src/storage/room.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, type MockLane } from '../helpers/mock-lane.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const ids = (seed: number, length = 40): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31 + (seed >> 3)) % 251)
const asked = (seed: number, changes: Parameters<typeof request>[0] = {}) =>
  request({
    prompt: { kind: 'ids', ids: ids(seed) },
    sessionKey: `key-${seed}`,
    store: true,
    maxTokens: 4,
    ignoreEos: true,
    ...changes,
  })

function laneWith(budget: Partial<Budget>, kept = laneStorage()): MockLane & { kept: typeof kept } {
  const whole = { tenantBytes: 1e9, tenantSessions: 1e4, laneBytes: 8e9, ...budget }
  return { ...laneOn(kept, { config: { budget: whole } }), kept }
}

async function sessionOf({ lane }: MockLane, seed: number, changes: Parameters<typeof request>[0] = {}) {
  const [event] = eventsOf(await ask(lane, asked(seed, changes)), 'session')
  return event.session
}

const messages = [{ role: 'user', content: 'Hi' }]
/** A response of 50 KB. */
const large = {
  prompt: { kind: 'chat' as const, messages },
  conversation: [{ role: 'user', content: 'x'.repeat(50_000) }],
}

const listed = ({ lane }: MockLane, tenant = 'tenant'): string[] =>
  lane.owned.list(tenant).map(({ id }) => id)

describe('a budget of sessions', () => {
  test('lets the oldest idle one go, and leaves those of others alone', async () => {
    const made = laneWith({ tenantSessions: 3 })
    const other = await sessionOf(made, 1, { tenant: 'other' })
    const sessions: string[] = []
    for (let seed = 1; seed <= 5; seed++) sessions.push(await sessionOf(made, seed))
    expect(listed(made)).toEqual(sessions.slice(2).reverse())
    expect(listed(made, 'other')).toEqual([other])
    expect(made.lane.sessions.ledger.totals.of('tenant').sessions).toBe(3)
    expect(made.logged).toEqual([])
  })

  test('keeps the one that goes on, and counts it once', async () => {
    const made = laneWith({ tenantSessions: 2 })
    const first = await sessionOf(made, 1)
    const second = await sessionOf(made, 2)
    const again = await sessionOf(made, 1, { session: first })
    expect(again).toBe(first)
    expect(new Set(listed(made))).toEqual(new Set([first, second]))
  })

  test('never takes one that answers: then the request is told to come again', async () => {
    const made = laneWith({ tenantSessions: 1 })
    const reader = decodeEvents(made.lane.generate(asked(1, { maxTokens: 200 })))
    while ((await reader.next()).value?.type !== 'text');
    expect(await ask(made.lane, asked(2))).toMatchObject([{ type: 'error', code: 'overloaded' }])
    const unstored = await ask(made.lane, asked(2, { store: false }))
    expect(idsOf(unstored)).toEqual(greedyAlone(ids(2), 4))
    await reader.return(undefined)
  })

  test('holds for forks', async () => {
    const made = laneWith({ tenantSessions: 2 })
    const first = await sessionOf(made, 1)
    const second = await sessionOf(made, 2)
    const copy = made.lane.owned.fork('tenant', second, '0')
    expect(new Set(listed(made))).toEqual(new Set([second, copy.id]))
    expect(() => made.lane.owned.find('tenant', first)).toThrow('no such session')
  })
})

describe('a budget of bytes', () => {
  test('takes pages first, and the sessions stay', async () => {
    // Each session has two pages or three, of 64 KB in the mock model or less, and a row of some 2 KB.
    const probe = laneWith({})
    await sessionOf(probe, 1)
    const one = probe.lane.sessions.ledger.totals.of('tenant').bytes
    const rows = probe.lane.sessions.ledger.sql.exec('SELECT SUM(bytes) AS bytes FROM turn_use').toArray()
    const row = Number(rows[0]['bytes'])
    const tenantBytes = 10 * row + 4 * (one - row)
    const made = laneWith({ tenantBytes })
    const sessions: string[] = []
    for (let seed = 1; seed <= 8; seed++) {
      sessions.push(await sessionOf(made, seed))
      expect(made.lane.sessions.ledger.totals.of('tenant').bytes).toBeLessThanOrEqual(tenantBytes)
    }
    expect(listed(made)).toEqual([...sessions].reverse())
    const pages = made.lane.owned.list('tenant').map(({ storage }) => storage.pages)
    expect(pages[0]).toBeGreaterThan(0)
    expect(pages.at(-1)).toBe(0)
  })

  test('takes whole sessions where rows alone are too much', async () => {
    const made = laneWith({ tenantBytes: 400_000 })
    const other = await sessionOf(made, 3, { tenant: 'other', ...large })
    for (let seed = 1; seed <= 20; seed++) {
      await sessionOf(made, seed, large)
      expect(made.lane.sessions.ledger.totals.of('tenant').bytes).toBeLessThanOrEqual(400_000)
    }
    expect(listed(made).length).toBeGreaterThan(4)
    expect(listed(made).length).toBeLessThan(9)
    expect(listed(made, 'other')).toEqual([other])
  })

  test('takes the oldest kept answers of a session that has all of it', async () => {
    const made = laneWith({ tenantBytes: 300_000 })
    const session = await sessionOf(made, 1, large)
    for (let turn = 0; turn < 10; turn++) await sessionOf(made, 1, { ...large, session })
    expect(listed(made)).toEqual([session])
    const turns = made.kept.sql.exec('SELECT turn FROM turns').toArray()
    expect(turns.length).toBeGreaterThan(3)
    expect(turns.length).toBeLessThan(7)
  })

  test('refuses what it never has room for', async () => {
    const made = laneWith({ tenantBytes: 40_000 })
    expect(await ask(made.lane, asked(1, large))).toMatchObject([
      { type: 'error', code: 'invalid_request', param: 'store' },
    ])
  })

  test('of the lane is kept by the tenant with most', async () => {
    const made = laneWith({ laneBytes: 400_000 })
    const small = await sessionOf(made, 1, { tenant: 'small' })
    for (let seed = 1; seed <= 12; seed++) await sessionOf(made, seed, large)
    const later = await sessionOf(made, 2, { tenant: 'small', ...large })
    expect(listed(made, 'small')).toEqual([later, small])
    expect(made.lane.sessions.ledger.totals.bytes).toBeLessThanOrEqual(400_000)
  })

  test('of pages never costs an answer: what is not written is computed again', async () => {
    const made = laneWith({ tenantBytes: 30_000 })
    const events = await ask(made.lane, asked(1, { maxTokens: 60 }))
    expect(idsOf(events)).toEqual(greedyAlone(ids(1), 60))
    const [{ session }] = eventsOf(events, 'session')
    const more = { prompt: { kind: 'ids' as const, ids: [...ids(1), ...idsOf(events), 5] }, session }
    const next = laneWith({ tenantBytes: 30_000 }, made.kept)
    expect(idsOf(await ask(next.lane, asked(1, more)))).toEqual(greedyAlone(more.prompt.ids, 4))
  })
})
