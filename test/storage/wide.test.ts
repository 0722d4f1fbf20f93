// These tests keep large turns, and count the bytes that looking for others beside them reads.

import { describe, expect, test } from 'vitest'
import type { Sql } from '../../src/storage/sql.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, textOf } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 60 }, (_, i) => (i * 7 + 31) % 251) }
/** Four stop strings of 460,000 letters: 1.84 MB. */
const stop = Array.from({ length: 4 }, (_, i) => String(i).repeat(460_000))
const messages = [{ role: 'user', content: 'Hi' }]
const conversation = [{ role: 'user', content: 'x'.repeat(1_000_000) }]
const chat = { prompt: { kind: 'chat' as const, messages }, conversation }
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt, store: true, maxTokens: 3, ignoreEos: true, ...changes })

const number = (sql: Sql, query: string): number =>
  Number(Object.values(sql.exec(query).toArray()[0])[0] ?? 0)

/** Bytes of a row of `turns`: to find the place of one SQLite may read all of any other. */
const WIDEST = `SELECT MAX(octet_length(prompt) + coalesce(octet_length(generated), 0) + octet_length(facts) +
  coalesce(octet_length(conversation), 0)) FROM turns`

/** Storage that counts the bytes of the values that it gives. */
function counted() {
  const plain = nodeSql()
  const read = { bytes: 0 }
  const sizeOf = (value: unknown): number =>
    typeof value === 'string' ? value.length : value instanceof ArrayBuffer ? value.byteLength : 8
  const sql: Sql = {
    exec(query, ...values) {
      const rows = plain.exec(query, ...values).toArray()
      for (const row of rows) for (const value of Object.values(row)) read.bytes += sizeOf(value)
      return { toArray: () => rows }
    },
  }
  return { kept: { ...laneStorage(), sql }, read }
}

describe('turns with megabytes of text', () => {
  test('have short rows, and are looked up and listed by these', async () => {
    const { kept, read } = counted()
    const { lane } = laneOn(kept)
    for (let i = 0; i < 8; i++)
      await ask(lane, asked({ stop, prompt: { kind: 'ids', ids: [i, ...prompt.ids] } }))
    for (let i = 0; i < 4; i++) await ask(lane, asked({ ...chat, sessionKey: `kept-${i}` }))
    expect(number(kept.sql, 'SELECT COUNT(*) FROM turns')).toBe(12)
    expect(number(kept.sql, WIDEST)).toBeLessThan(4000)
    read.bytes = 0
    expect(lane.sessions.turns.byKey('tenant', 'session')).toHaveLength(8)
    expect(read.bytes).toBeLessThan(8 * 1000)
    read.bytes = 0
    const views = await lane.owned.listed('tenant', { limit: 20 })
    expect(views).toHaveLength(12)
    expect(read.bytes).toBeLessThan(12 * 3000)
    // A list says what a look at the session does.
    for (const view of views) expect(lane.owned.view(lane.owned.find('tenant', view.id))).toEqual(view)
  })

  test('are read again whole, by this object and the next, also while they grow', async () => {
    const kept = laneStorage()
    const made = laneOn(kept)
    const wide = { stop, sessionKey: 'first', bodyHash: 'first' }
    const first = await ask(made.lane, asked(wide))
    const [{ session, turn }] = eventsOf(await ask(made.lane, asked({ ...chat, stop: ['end'] })), 'session')
    for (const { lane } of [made, laneOn(kept)]) {
      const record = lane.sessions.find('tenant', eventsOf(first, 'session')[0].session)
      expect(record.request.stop).toEqual(stop)
      expect(record.prompt.ids).toEqual(prompt.ids)
      expect(record.generated).toEqual(idsOf(first))
      expect(lane.sessions.find('tenant', session)).toMatchObject({ state: 'done', conversation })
      expect((await lane.turn('tenant', turn)).conversation).toEqual(conversation)
    }
    const again = await ask(laneOn(kept).lane, asked({ ...wide, retry: true }))
    expect(textOf(again)).toBe(textOf(first))
  })

  test('are charged once, give their text to forks but no conversation, and leave nothing', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const reply = 'y'.repeat(20_000)
    const [{ session }] = eventsOf(await ask(lane, asked({ ...chat, reply })), 'session')
    const { totals } = lane.sessions.ledger
    const one = totals.of('tenant').bytes
    expect(one).toBeGreaterThan(1_020_000)
    expect(one).toBeLessThan(1_100_000)
    const copy = lane.owned.fork('tenant', session, '0')
    expect(totals.of('tenant').bytes - one).toBeLessThan(4000)
    const next = laneOn(kept)
    expect(next.lane.sessions.ledger.totals.bytes).toBe(totals.bytes)
    await next.lane.owned.remove('tenant', session)
    const record = next.lane.sessions.find('tenant', copy.id)
    expect(record.request.reply).toBe(reply)
    expect(record.conversation).toBeUndefined()
    await next.lane.owned.removeAll('tenant')
    expect(number(kept.sql, 'SELECT COUNT(*) FROM shared_parts')).toBe(0)
    expect(next.lane.sessions.ledger.totals.tenants).toEqual([])
  })

  test('of older code, whose rows are wide, are listed with a pause after each', async () => {
    const kept = laneStorage()
    let rests = 0
    const clock = { now: () => performance.now(), wait: async () => void rests++ }
    const { lane } = laneOn(kept, { parts: { clock } })
    for (let i = 0; i < 5; i++) await ask(lane, asked({ sessionKey: `key-${i}` }))
    kept.sql.exec("UPDATE turns SET facts = json_set(facts, '$.request.reply', ?)", 'x'.repeat(1_800_000))
    rests = 0
    expect(await lane.owned.listed('tenant', { limit: 9 })).toHaveLength(5)
    expect(rests).toBeGreaterThanOrEqual(4)
  })
})
