// These tests compare the ledger with the rows that it charges: after each of many uses, after a restart, and for rows of older code.

import { describe, expect, test } from 'vitest'
import type { Lane } from '../../src/lane/lane.ts'
import { Ledger, TURN_BYTES } from '../../src/storage/ledger.ts'
import type { PagedIds } from '../../src/engine/vault.ts'
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
    const [{ id }] = kept.sql
      .exec(
        'INSERT INTO kv_runs SELECT id + 1, head, version, count, names, checksum, bytes FROM kv_runs LIMIT 1 RETURNING id',
      )
      .toArray()
    // As the object lists what it has not entered; the real list is in the test below.
    kept.sql.exec('UPDATE ledger SET entering = ?', JSON.stringify([Number(id)]))
    const { lane } = laneOn(kept)
    await lane.awake()
    expect(number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')).toBe(runs)
  })

  test('looks for such runs by a list, and at no others', async () => {
    const queries: string[] = []
    const kept = laneStorage((query) => void queries.push(query))
    const first = laneOn(kept)
    await ask(first.lane, asked())
    const runs = number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')
    // The engine saves pages that leave memory, and then the object is lost.
    const page = Array.from({ length: 64 }, (_, i) => i)
    const sequence = { tenant: 'tenant', ids: page, length: 64, pages: [0, 1, 2, 3], shape: [], saved: 0 }
    first.lane.sessions.pages.save(sequence as unknown as PagedIds, first.models[0])
    expect(number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')).toBe(runs + 1)
    const { lane } = laneOn(kept)
    queries.length = 0
    const before = first.lane.sessions.ledger.totals.bytes
    expect(lane.sessions.ledger.totals.bytes).toBe(before)
    expect(lane.sessions.ledger.totals.of('').bytes).toBeGreaterThan(1000)
    const looked = queries.filter((query) => query.includes('kv_runs'))
    expect(looked).toEqual([expect.stringContaining('json_each(?)')])
    const plan = kept.sql.exec(`EXPLAIN QUERY PLAN ${looked[0]}`, '[]').toArray()
    expect(
      plan.map(({ detail }) => String(detail)).filter((detail) => /SCAN (kv_runs|run_use)/.test(detail)),
    ).toEqual([])
    await lane.awake()
    expect(number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')).toBe(runs)
    check(kept.sql, lane)
    queries.length = 0
    expect(laneOn(kept).lane.sessions.ledger.totals.of('').bytes).toBe(0)
    expect(queries.filter((query) => /FROM kv_runs/.test(query)).length).toBeLessThanOrEqual(1)
  })

  test('of a ledger without that list looks through all rows, once', async () => {
    const kept = laneStorage()
    await ask(laneOn(kept).lane, asked())
    kept.sql.exec('ALTER TABLE ledger DROP COLUMN entering')
    kept.sql.exec(
      'INSERT INTO kv_runs SELECT id + 1, head, version, count, names, checksum, bytes FROM kv_runs LIMIT 1',
    )
    const runs = number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')
    const { lane } = laneOn(kept)
    await lane.awake()
    expect(number(kept.sql, 'SELECT COUNT(*) FROM kv_runs')).toBe(runs - 1)
    expect(number(kept.sql, "SELECT COUNT(*) FROM pragma_table_info('ledger')")).toBe(2)
    check(kept.sql, lane)
  })
})

describe('an object after one of older code, which knows no ledger', () => {
  /** What that code does when it starts. */
  const started = (sql: Sql): void => {
    sql.exec('CREATE INDEX IF NOT EXISTS turns_by_key ON turns (tenant, key)')
    sql.exec('DELETE FROM turns WHERE version <> 2')
    sql.exec('DELETE FROM kv_runs WHERE version <> 1')
  }

  test('charges the turns and runs that it wrote, and no longer what it deleted', async () => {
    const kept = laneStorage()
    const first = laneOn(kept)
    const [{ session }] = eventsOf(await ask(first.lane, asked()), 'session')
    await ask(first.lane, asked({ tenant: 'other', prompt: { kind: 'ids', ids: ids(2) } }))
    const { sql } = kept
    started(sql)
    // A turn of a new session with a run of its own; one that grows; one that is deleted with its runs.
    sql.exec(
      `INSERT INTO kv_runs SELECT id + 1, head, version, count, names, checksum, bytes FROM kv_runs
      WHERE id IN (SELECT value FROM turns, json_each(turns.runs) WHERE tenant = 'tenant') LIMIT 1`,
    )
    sql.exec(
      `INSERT INTO turns SELECT session || 'x', turn || 'x', version, tenant, 'new', state, background, created, used, expires,
      (SELECT json_array(id) FROM kv_runs WHERE id - 1 IN (SELECT id FROM kv_runs)), prompt, generated, facts, conversation
      FROM turns WHERE session = ?`,
      session,
    )
    sql.exec('UPDATE turns SET generated = zeroblob(4000), used = used + 5 WHERE session = ?', session)
    sql.exec("DELETE FROM turns WHERE tenant = 'other'")
    const { lane } = laneOn(kept)
    expect(lane.sessions.ledger.totals.of('tenant').sessions).toBe(2)
    expect(lane.sessions.ledger.totals.of('other').sessions).toBe(0)
    expect(
      lane.owned
        .list('tenant')
        .map(({ id }) => id)
        .sort(),
    ).toEqual([session, `${session}x`])
    check(sql, lane)
    // Runs of what was deleted belong to nobody; those of the new turn are its own.
    const runs = number(sql, 'SELECT COUNT(*) FROM kv_runs')
    await lane.awake()
    expect(number(sql, 'SELECT COUNT(*) FROM kv_runs')).toBeLessThan(runs)
    expect(number(sql, 'SELECT COUNT(*) FROM kv_runs WHERE id - 1 IN (SELECT id FROM kv_runs)')).toBe(1)
    check(sql, lane)
    await lane.owned.removeAll('tenant')
    expect(number(sql, 'SELECT COUNT(*) FROM kv_runs')).toBe(0)
  })

  test('keeps what forks share, as long as one of them is there', async () => {
    const kept = laneStorage()
    const reply = 'x'.repeat(30_000)
    const { lane } = laneOn(kept)
    const [{ session }] = eventsOf(await ask(lane, asked({ reply })), 'session')
    const [one, two] = [0, 1].map(() => lane.owned.fork('tenant', session, '0').id)
    started(kept.sql)
    kept.sql.exec('DELETE FROM turns WHERE session = ?', two)
    const next = laneOn(kept)
    expect(number(kept.sql, 'SELECT COUNT(*) FROM shared_parts')).toBe(1)
    expect(next.lane.owned.find('tenant', one).request.reply).toBe(reply)
    check(kept.sql, next.lane)
    await next.lane.owned.removeAll('tenant')
    expect(number(kept.sql, 'SELECT COUNT(*) FROM shared_parts')).toBe(0)
    expect(next.lane.sessions.ledger.totals.tenants).toEqual([])
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
