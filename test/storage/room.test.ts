// Room step by step: whose pages and sessions go for what is asked, in which order, and what is never touched.

import { beforeEach, describe, expect, test } from 'vitest'
import { Ledger, TURN_BYTES } from '../../src/storage/ledger.ts'
import { Room, type Budget } from '../../src/storage/room.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { newRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

let sql: Sql
let now: number
let ledger: Ledger
let turns: TurnStore
let driven: string[]
let running: string[]
let evicted: string[]

beforeEach(() => {
  sql = nodeSql()
  now = 1000
  ledger = new Ledger(sql, () => now)
  turns = new TurnStore(sql, ledger)
  ;[driven, running, evicted] = [[], [], []]
})

function room(budget: Partial<Budget>): Room {
  return new Room({
    ledger,
    turns,
    budget: { tenantBytes: 1e9, tenantSessions: 1e4, laneBytes: 1e9, ...budget },
    isDriven: (session) => driven.includes(session),
    isRunning: ({ turn }) => running.includes(turn),
    evicted: (session) => void evicted.push(session),
  })
}

type Some = { tenant?: string; background?: boolean; pages?: number; turn?: string }

/** A stored turn of a session, used after those before it; its pages, if any, are charged `pages` bytes. */
function stored(
  session: string,
  { tenant = 'a', background = false, pages, turn = session }: Some = {},
): number {
  const details = { session, turn, createdAt: ++now, expiresAt: 1e9, model: 'm', echo: undefined }
  const prompt = { ids: [1], truncatedTokens: 0, kind: 'ids' as const, tools: false }
  const before = ledger.totals.of(tenant).bytes
  turns.insert(newRecord(request({ store: true, tenant, background }), prompt, details), undefined)
  const bytes = ledger.totals.of(tenant).bytes - before
  if (pages === undefined) return bytes
  const id = now
  sql.exec(
    "INSERT INTO kv_runs (id, head, version, count, names, checksum, bytes) VALUES (?, 'h', 1, 1, '', '', x'00')",
    id,
  )
  ledger.runs.written({ id, tenant, parent: undefined, bytes: pages - 256 })
  const entry = ledger.entry({ session, turn })
  if (entry === undefined) throw new Error('no entry')
  ledger.updated(entry, { ...entry, run: id }, true)
  return bytes
}

const sessions = (tenant = 'a'): string[] =>
  ledger
    .sessions(tenant)
    .map(({ session }) => session)
    .reverse()
const withPages = (tenant = 'a'): string[] =>
  ledger.withPages(tenant, 1e12, 1000).map(({ session }) => session)
const bytesOf = (tenant = 'a'): number => ledger.totals.of(tenant).bytes
const need = (bytes: number, more: { sessions?: number; keep?: string; tenant?: string } = {}) => ({
  tenant: 'a',
  bytes,
  sessions: 0,
  ...more,
})

describe('there is room', () => {
  test('to the last byte and the last session, and not beyond', () => {
    stored('s1')
    stored('s2')
    const left = 5000
    const exact = room({ tenantBytes: bytesOf() + left, tenantSessions: 3 })
    expect(exact.admit(need(left, { sessions: 1 }))).toBe(true)
    expect(sessions()).toEqual(['s1', 's2'])
    const full = room({ tenantSessions: 2 })
    expect(full.admit(need(0))).toBe(true)
    expect(full.admit(need(0, { sessions: 1 }))).toBe(true)
    expect(sessions()).toEqual(['s2'])
  })

  test('after a step only if that step was enough', () => {
    for (const session of ['s1', 's2', 's3']) stored(session)
    const made = room({ tenantSessions: 2 })
    expect(made.admit(need(1, { sessions: 1 }))).toBe(false)
    expect(made.admit(need(1, { sessions: 1 }))).toBe(true)
    expect(sessions()).toEqual(['s3'])
    expect(evicted).toEqual(['s1', 's2'])
  })

  test('never for more than all of the budget, whichever is less', () => {
    for (const made of [room({ tenantBytes: 4000 }), room({ laneBytes: 4000 })]) {
      expect(made.admit(need(4000))).toBe(true)
      expect(() => made.admit(need(4001))).toThrow(
        expect.objectContaining({ code: 'invalid_request', param: 'store' }),
      )
    }
  })
})

describe('what goes', () => {
  test('is pages first where bytes are short, those used longest ago', () => {
    const row = stored('s1', { pages: 1000 })
    stored('s2', { pages: 1000 })
    const made = room({ tenantBytes: 2 * row + 2000 })
    expect(made.admit(need(1000))).toBe(true)
    expect(withPages()).toEqual(['s2'])
    expect(made.admit(need(2000))).toBe(true)
    expect(withPages()).toEqual([])
    expect(sessions()).toEqual(['s1', 's2'])
    expect(made.admit(need(2001))).toBe(true)
    expect(sessions()).toEqual(['s2'])
  })

  test('is a session where sessions are short, and no pages of others', () => {
    stored('s1', { pages: 1000 })
    stored('s2', { pages: 1000 })
    expect(room({ tenantSessions: 2 }).admit(need(10, { sessions: 1 }))).toBe(true)
    expect(sessions()).toEqual(['s2'])
    expect(withPages()).toEqual(['s2'])
    expect(sql.exec('SELECT id FROM kv_runs').toArray()).toHaveLength(1)
  })

  test('is nothing of a turn that runs, a session that somebody drives or one that goes on by itself', () => {
    stored('driven')
    stored('unfinished', { background: true })
    stored('kept')
    stored('idle')
    driven.push('driven')
    const made = room({ tenantSessions: 4 })
    expect(made.admit(need(10, { sessions: 1, keep: 'kept' }))).toBe(true)
    expect(sessions()).toEqual(['driven', 'unfinished', 'kept'])
    stored('again')
    driven.push('again')
    expect(() => made.admit(need(10, { sessions: 1, keep: 'kept' }))).toThrow(
      expect.objectContaining({ code: 'overloaded' }),
    )
    expect(sessions()).toEqual(['driven', 'unfinished', 'kept', 'again'])
  })

  test('is not the pages of a turn that runs', () => {
    const row = stored('s1', { pages: 1000 })
    stored('s2', { pages: 1000 })
    running.push('s1')
    const made = room({ tenantBytes: 2 * row + 2000 })
    expect(made.admit(need(1000))).toBe(true)
    expect(withPages()).toEqual(['s1'])
  })

  test('is the oldest turn of the session that goes on, where there is nothing else, but not its last', () => {
    const row = stored('s', { turn: 't1' })
    stored('s', { turn: 't2' })
    const made = room({ tenantBytes: 2 * row })
    expect(made.admit(need(row, { keep: 's' }))).toBe(true)
    expect(sql.exec('SELECT turn FROM turns').toArray()).toEqual([{ turn: 't2' }])
    expect(() => made.admit(need(2 * row, { keep: 's' }))).toThrow(
      expect.objectContaining({ code: 'overloaded' }),
    )
    stored('s', { turn: 't3' })
    running.push('t2')
    expect(() => made.admit(need(row, { keep: 's' }))).toThrow(
      expect.objectContaining({ code: 'overloaded' }),
    )
    expect(sessions()).toEqual(['s'])
  })

  test('is the pages of that turn with it', () => {
    const row = stored('s', { turn: 't1', pages: 1000 })
    stored('s', { turn: 't2' })
    // What runs keeps its pages; the session is driven, and goes on.
    driven.push('s')
    const made = room({ tenantBytes: 2 * row + 1000, tenantSessions: 0 })
    expect(() => made.admit(need(10))).toThrow(expect.objectContaining({ code: 'overloaded' }))
    expect(made.admit(need(10, { keep: 's' }))).toBe(false)
    expect(sql.exec('SELECT turn FROM turns').toArray()).toEqual([{ turn: 't2' }])
    expect(bytesOf()).toBe(row)
    expect(sql.exec('SELECT id FROM kv_runs').toArray()).toEqual([])
  })

  test('is of the tenant with most where the lane is full, else of the tenant that asks', () => {
    const row = stored('small', { tenant: 'a', pages: 300 })
    stored('large', { tenant: 'b', pages: 5000 })
    const made = room({ laneBytes: ledger.totals.bytes })
    expect(made.admit(need(10))).toBe(true)
    expect(withPages('a')).toEqual(['small'])
    expect(withPages('b')).toEqual([])
    expect(room({ tenantBytes: row + 300 }).admit(need(10))).toBe(true)
    expect(withPages('a')).toEqual([])
    expect(sessions('b')).toEqual(['large'])
  })

  test('is what is free already, before any pages', () => {
    const row = stored('s1', { pages: 1000 })
    stored('s2', { pages: 1000 })
    const entry = ledger.entry({ session: 's2', turn: 's2' })
    if (entry === undefined) throw new Error('no entry')
    ledger.giveUpPages(entry)
    expect(room({ tenantBytes: 2 * row + 2000 }).admit(need(1000))).toBe(true)
    expect(withPages()).toEqual(['s1'])
  })

  test('is the pages of 16 turns in one step, where they share their runs', () => {
    stored('s0', { pages: 10_000 })
    const run = ledger.entry({ session: 's0', turn: 's0' })?.run
    for (let i = 1; i < 20; i++) {
      stored(`s${i}`)
      const entry = ledger.entry({ session: `s${i}`, turn: `s${i}` })
      if (entry !== undefined) ledger.updated(entry, { ...entry, run }, true)
    }
    const made = room({ tenantBytes: bytesOf() })
    expect(made.admit(need(1))).toBe(false)
    expect(withPages()).toHaveLength(4)
    expect(made.admit(need(1))).toBe(true)
    expect(withPages()).toHaveLength(0)
    expect(sessions()).toHaveLength(20)
  })
})

describe('for pages', () => {
  test('there is room up to seven eighths of the budget, whichever is less', () => {
    const row = stored('s')
    for (const budget of [{ tenantBytes: 80_000 }, { laneBytes: 80_000 }]) {
      const made = room(budget)
      expect(made.forPages('a', 70_000 - row)).toBe(true)
      expect(made.forPages('a', 70_001 - row)).toBe(false)
    }
    expect(sessions()).toEqual(['s'])
  })

  test('pages go in two steps at most, and never a session', () => {
    let row = 0
    for (const session of ['s1', 's2', 's3']) row = stored(session, { pages: 4000 })
    const made = room({ tenantBytes: 8 * (3 * row + 12_000) })
    const left = 7 * (3 * row + 12_000) - bytesOf()
    expect(made.forPages('a', left)).toBe(true)
    expect(withPages()).toEqual(['s1', 's2', 's3'])
    expect(made.forPages('a', left + 4001)).toBe(true)
    expect(withPages()).toEqual(['s3'])
    expect(made.forPages('a', left + 1e6)).toBe(false)
    expect(withPages()).toEqual([])
    expect(sessions()).toEqual(['s1', 's2', 's3'])
    expect(row).toBeGreaterThan(TURN_BYTES)
  })

  test('one write gives up the pages of two steps, not of three', () => {
    for (const session of ['s1', 's2', 's3']) stored(session, { pages: 4000 })
    const made = room({ tenantBytes: bytesOf() })
    expect(made.forPages('a', 1e6)).toBe(false)
    expect(withPages()).toEqual(['s3'])
  })
})
