// These tests compare the ledger with the rows that it charges: after each of many uses, after a restart, and for rows of older code.

import { describe, expect, test } from 'vitest'
import type { Lane } from '../../src/lane/lane.ts'
import { Ledger, TURN_BYTES } from '../../src/storage/ledger.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'
import { nodeSql } from '../helpers/node-sql.ts'

const ids = (seed: number, length = 40): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251)
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt: { kind: 'ids', ids: ids(1) }, store: true, maxTokens: 30, ignoreEos: true, ...changes })

const number = (sql: Sql, query: string): number =>
  Number(Object.values(sql.exec(query).toArray()[0])[0] ?? 0)

/** What must be true whenever no turn runs. */
function check(sql: Sql, { sessions }: Lane): void {
  const { totals } = sessions.ledger
  sessions.ledger.runs.enter()
  const rows = number(
    sql,
    `SELECT SUM(octet_length(prompt) + coalesce(octet_length(generated), 0) + octet_length(facts) +
    coalesce(octet_length(conversation), 0) + octet_length(runs) + ${TURN_BYTES}) FROM turns`,
  )
  const shared = number(
    sql,
    'SELECT SUM(octet_length(prompt) + coalesce(octet_length(generated), 0) + octet_length(facts)) FROM shared_parts',
  )
  const pages = number(sql, 'SELECT SUM(length(bytes) + length(names) + 256) FROM kv_runs')
  const charged = number(sql, 'SELECT SUM(bytes) FROM turn_use')
  // Forks are charged a little more or less than their rows: letters for bytes.
  expect(Math.abs(charged - rows)).toBeLessThan(0.02 * rows + 10)
  expect(number(sql, 'SELECT SUM(bytes) FROM shared_parts')).toBe(shared)
  expect(number(sql, 'SELECT SUM(bytes) FROM run_use')).toBe(pages)
  expect(totals.bytes).toBe(charged + shared + pages)
  expect(totals.tenants.reduce((sum, tenant) => sum + totals.of(tenant).sessions, 0)).toBe(
    number(sql, 'SELECT COUNT(DISTINCT session) FROM turns'),
  )
  // Each run is needed by as many as it says.
  const wrong = sql
    .exec(
      `SELECT id FROM run_use r WHERE refs <> (SELECT COUNT(*) FROM run_use WHERE parent = r.id) +
      (SELECT COUNT(*) FROM turn_use WHERE run = r.id)`,
    )
    .toArray()
  expect(wrong).toEqual([])
  // A new look at the same rows comes to the same.
  expect(new Ledger(sql).totals.bytes).toBe(totals.bytes)
}

test('what is charged is what is there, whatever is done', async () => {
  const kept = laneStorage()
  const { lane } = laneOn(kept)
  const messages = [{ role: 'user', content: 'Hi' }]
  const first = await ask(lane, asked())
  check(kept.sql, lane)
  const [{ session }] = eventsOf(first, 'session')
  // The next turn takes the row of the one before, and its pages.
  await ask(lane, asked({ prompt: { kind: 'ids', ids: [...ids(1), ...idsOf(first), 3] } }))
  check(kept.sql, lane)
  expect(number(kept.sql, 'SELECT COUNT(*) FROM turns')).toBe(1)
  // Another that begins alike shares runs.
  const alike = await ask(
    lane,
    asked({ sessionKey: 'alike', prompt: { kind: 'ids', ids: [...ids(1), 9, 9] } }),
  )
  check(kept.sql, lane)
  const chat = { prompt: { kind: 'chat' as const, messages }, conversation: messages }
  const response = await ask(lane, asked({ ...chat, sessionKey: 'kept' }))
  await ask(lane, asked({ ...chat, sessionKey: 'kept', session: eventsOf(response, 'session')[0].session }))
  check(kept.sql, lane)
  expect(number(kept.sql, 'SELECT COUNT(*) FROM turns')).toBe(4)
  const copy = lane.owned.fork('tenant', session, '0')
  check(kept.sql, lane)
  await lane.owned.remove('tenant', session)
  check(kept.sql, lane)
  await lane.owned.removeTurn('tenant', eventsOf(response, 'session')[0].turn)
  check(kept.sql, lane)
  await lane.owned.remove('tenant', eventsOf(alike, 'session')[0].session)
  check(kept.sql, lane)
  expect(lane.owned.find('tenant', copy.id).generated).toHaveLength(30)
  expect(await lane.owned.removeAll('tenant')).toBe(2)
  for (const table of ['turns', 'kv_runs', 'run_use', 'turn_use', 'session_use', 'shared_parts'])
    expect(number(kept.sql, `SELECT COUNT(*) FROM ${table}`)).toBe(0)
  expect(lane.sessions.ledger.totals.tenants).toEqual([])
})

describe('an object after another', () => {
  test('enters the rows of older code, once', async () => {
    const kept = laneStorage()
    const first = laneOn(kept)
    await ask(first.lane, asked())
    await ask(first.lane, asked({ tenant: 'other', prompt: { kind: 'ids', ids: ids(2) } }))
    first.lane.sessions.ledger.runs.enter()
    const before = first.lane.sessions.ledger.totals
    // As older code leaves it.
    for (const table of ['ledger', 'session_use', 'turn_use', 'run_use', 'shared_parts'])
      kept.sql.exec(`DROP TABLE ${table}`)
    const { lane } = laneOn(kept)
    for (const tenant of ['tenant', 'other'])
      expect(lane.sessions.ledger.totals.of(tenant)).toEqual(before.of(tenant))
    check(kept.sql, lane)
    await lane.owned.removeAll('tenant')
    await lane.owned.removeAll('other')
    expect(number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')).toBe(0)
  })

  test('deletes runs that the one before wrote and could not enter', async () => {
    const kept = laneStorage()
    const first = laneOn(kept)
    await ask(first.lane, asked())
    const runs = number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')
    kept.sql.exec(
      'INSERT INTO kv_runs SELECT id + 1, head, version, count, names, checksum, bytes FROM kv_runs LIMIT 1',
    )
    const { lane } = laneOn(kept)
    await lane.awake()
    expect(number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')).toBe(runs)
  })
})

test('an object that starts beside a ledger looks at no row', async () => {
  const asked1 = asked()
  const queries: string[] = []
  const sql = nodeSql((query) => void queries.push(query))
  const kept = { ...laneStorage(), sql }
  await ask(laneOn(kept).lane, asked1)
  queries.length = 0
  laneOn(kept)
  expect(queries.filter((query) => /\b(turns|kv_runs)\b/.test(query))).toEqual([])
})
