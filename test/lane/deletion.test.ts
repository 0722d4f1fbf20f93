// These tests list and delete much: in steps of few rows, between which the lane serves others, and in a time that goes with what is asked.

import { expect, test } from 'vitest'
import { Deletion } from '../../src/lane/deletion.ts'
import { newRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { ask, eventsOf, laneOn, laneStorage } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const ids = (seed: number): number[] =>
  Array.from({ length: 60 }, (_, i) => (i * 7 + seed * 31 + (seed >> 3)) % 251)
const asked = (seed: number, changes: Parameters<typeof request>[0] = {}) =>
  request({
    prompt: { kind: 'ids', ids: ids(seed) },
    sessionKey: `key-${seed}`,
    store: true,
    maxTokens: 2,
    ignoreEos: true,
    ...changes,
  })

/** Statements of a step: some for each of its 64 rows. */
const MOST = 64 * 16

/** A lane that counts its statements since the host had its turn. */
function counted() {
  let now = 1e6
  const steps = { statements: 0, most: 0, rests: 0 }
  const sql = nodeSql(() => void (steps.most = Math.max(steps.most, ++steps.statements)))
  const wait = async (): Promise<void> => {
    steps.statements = 0
    steps.rests += 1
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  const clock = { now: () => now++, wait }
  const reset = (): void => void Object.assign(steps, { statements: 0, most: 0, rests: 0 })
  const lifetimes = { pages: 1e8, sessions: 2e8, turns: 2e8 }
  const made = laneOn({ ...laneStorage(), sql }, { parts: { clock }, config: { lifetimes } })
  return { ...made, sql, steps, reset, later: (ms: number) => void (now += ms) }
}

async function fill(
  { lane }: ReturnType<typeof counted>,
  count: number,
  tenant = 'tenant',
): Promise<string[]> {
  const sessions: string[] = []
  for (let seed = 1; seed <= count; seed++) {
    const [{ session }] = eventsOf(await ask(lane, asked(seed, { tenant })), 'session')
    sessions.push(session)
  }
  return sessions
}

test('all sessions of a tenant are listed and deleted in steps', async () => {
  const made = counted()
  await fill(made, 200)
  const [other] = await fill(made, 1, 'other')
  made.reset()
  const views = await made.lane.owned.listed('tenant', { limit: 1000 })
  expect(views).toHaveLength(200)
  expect(made.steps.rests).toBeGreaterThan(2)
  expect(made.steps.most).toBeLessThan(MOST)
  made.reset()
  expect(await made.lane.owned.removeAll('tenant')).toBe(200)
  expect(made.steps.rests).toBeGreaterThan(8)
  expect(made.steps.most).toBeLessThan(MOST)
  expect(made.lane.owned.list('tenant')).toEqual([])
  expect(made.lane.owned.list('other').map(({ id, storage }) => [id, storage.pages])).toEqual([[other, 3]])
})

test('what has lived its time is deleted in steps: pages first, then sessions', async () => {
  const made = counted()
  await fill(made, 200)
  made.later(1.5e8)
  made.reset()
  await made.lane.awake()
  expect(made.steps.rests).toBeGreaterThan(2)
  expect(made.steps.most).toBeLessThan(MOST)
  expect(made.sql.exec('SELECT id FROM kv_runs').toArray()).toEqual([])
  expect(made.lane.owned.list('tenant')).toHaveLength(200)
  made.later(1e8)
  made.reset()
  await made.lane.awake()
  expect(made.steps.rests).toBeGreaterThan(2)
  expect(made.steps.most).toBeLessThan(MOST)
  expect(made.lane.owned.list('tenant')).toEqual([])
  expect(made.sql.exec('SELECT session FROM turns').toArray()).toEqual([])
})

test('one session costs as much beside many as beside few', async () => {
  const made = counted()
  const costs: number[] = []
  for (const count of [3, 200]) {
    const sessions = await fill(made, count)
    made.reset()
    let statements = 0
    const before = made.lane.sessions.use.rowsRead
    await made.lane.owned.listed('tenant', { limit: 2 })
    await made.lane.owned.remove('tenant', sessions[0])
    statements += made.steps.statements
    costs.push(statements + made.lane.sessions.use.rowsRead - before)
    await made.lane.owned.removeAll('tenant')
  }
  expect(costs[1]).toBeLessThanOrEqual(costs[0] + 2)
})

test('a request that needs room waits for it in steps, and others are served', async () => {
  const made = counted()
  const conversation = [{ role: 'user', content: 'x' }]
  const messages = [{ role: 'user', content: 'Hi' }]
  const chat = { prompt: { kind: 'chat' as const, messages }, conversation }
  // One session of many kept answers.
  const [{ session }] = eventsOf(await ask(made.lane, asked(1, chat)), 'session')
  for (let turn = 0; turn < 150; turn++) await ask(made.lane, asked(1, { ...chat, session }))
  const { ledger } = made.lane.sessions
  const full = { tenantBytes: 1e9, tenantSessions: 1, laneBytes: 1e9 }
  const { lane } = laneOn({ ...laneStorage(), sql: made.sql }, { config: { budget: full } })
  expect(ledger.totals.of('tenant').sessions).toBe(1)
  made.reset()
  const [event] = eventsOf(await ask(lane, asked(2)), 'session')
  expect(made.steps.most).toBeGreaterThan(0)
  expect(lane.owned.list('tenant').map(({ id }) => id)).toEqual([event.session])
})

test('is due next for pages, or for the turn where that is earlier or the pages are gone', async () => {
  const turns = new TurnStore(nodeSql())
  const due = (pages: number, now: number): Promise<number | undefined> => {
    const parts = { turns, lifetimes: { pages }, now: () => now, rest: () => Promise.resolve() }
    return new Deletion({ ...parts, isRunning: () => false }).expired()
  }
  const inserted = (session: string, expiresAt: number) => {
    const details = { session, turn: 't', createdAt: 1000, expiresAt, model: 'm', echo: undefined }
    const prompt = { ids: [1, 2], truncatedTokens: 0, kind: 'ids' as const, tools: false }
    const record = newRecord(request({ store: true }), prompt, details)
    turns.insert(record, undefined)
    return record
  }
  expect(await due(100, 0)).toBeUndefined()
  const made = inserted('a', 9000)
  expect(await due(100, 1000)).toBe(9000)
  turns.update(made, [1])
  expect(await due(100_000, 1000)).toBe(9000)
  expect(await due(100, 1000)).toBe(1100)
  expect(await due(100, 1099)).toBe(1100)
  // They went at that time: it is no reason to come again.
  expect(await due(100, 1100)).toBe(9000)
  inserted('b', 5000)
  expect(await due(100_000, 1000)).toBe(5000)
})
