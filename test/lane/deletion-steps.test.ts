// The steps of a deletion, by rows: what is due and nothing else, and the host has its turn between.

import { beforeEach, describe, expect, test } from 'vitest'
import { Deletion } from '../../src/lane/deletion.ts'
import { STEP } from '../../src/storage/run-ledger.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { newRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

let sql: Sql
let turns: TurnStore
let now: number
let rests: number
let running: string | undefined
let deletion: Deletion

beforeEach(() => {
  sql = nodeSql()
  turns = new TurnStore(sql)
  now = 1000
  rests = 0
  running = undefined
  deletion = new Deletion({
    turns,
    lifetimes: { pages: 500 },
    now: () => now,
    rest: async () => void rests++,
    isRunning: ({ turn }) => turn === running,
  })
})

function insert(session: string, turn: string, { tenant = 'tenant', expiresAt = 1e9 } = {}): void {
  const details = { session, turn, createdAt: now, expiresAt, model: 'm', echo: undefined }
  const prompt = { ids: [1, 2], truncatedTokens: 0, kind: 'ids' as const, tools: false }
  turns.insert(newRecord(request({ store: true, tenant }), prompt, details), undefined)
}

/** A stored turn whose pages are in a run of their own. */
function withPages(id: number, tenant = 'tenant'): void {
  insert(`s${id}`, `t${id}`, { tenant })
  sql.exec(
    "INSERT INTO kv_runs (id, head, version, count, names, checksum, bytes) VALUES (?, 'h', 1, 1, '', '', ?)",
    id,
    new Uint8Array(10),
  )
  const { ledger } = turns
  ledger.runs.written({ id, tenant, parent: undefined, bytes: 10 })
  const entry = ledger.entry({ session: `s${id}`, turn: `t${id}` })
  if (entry === undefined) throw new Error('no entry')
  ledger.updated(entry, { ...entry, run: id }, false)
}

const count = (table: string): number => sql.exec(`SELECT 1 FROM ${table}`).toArray().length

describe('a session', () => {
  test('is deleted in steps of 64 turns, between which the host has its turn', async () => {
    for (let turn = 0; turn < STEP.rows + 1; turn++) insert('s', `t${turn}`)
    insert('other', 't')
    await deletion.session('s')
    expect(rests).toBe(1)
    expect(sql.exec('SELECT session FROM turns').toArray()).toEqual([{ session: 'other' }])
  })

  test('of few turns shares a step with others: the host has its turn after each 16', async () => {
    for (let session = 0; session < 40; session++) insert(`s${session}`, 't')
    const after: number[] = []
    for (let session = 0; session < 40; session++) {
      await deletion.session(`s${session}`)
      after.push(rests)
    }
    expect([after[14], after[15], after[30], after[31], after[39]]).toEqual([0, 1, 1, 2, 2])
  })

  test('leaves its runs to a sweep, which takes all of them in steps', async () => {
    for (let id = 1; id <= STEP.rows + 6; id++) withPages(id)
    for (let id = 1; id <= STEP.rows + 6; id++) await deletion.session(`s${id}`)
    expect(count('kv_runs')).toBe(STEP.rows + 6)
    rests = 0
    await deletion.sweep()
    expect(count('kv_runs')).toBe(0)
    expect(rests).toBe(1)
  })
})

describe('what has lived its time', () => {
  test('pages go when they were not used for their lifetime, but not those of a turn that runs', async () => {
    withPages(1)
    withPages(2)
    now = 1499
    expect(await deletion.expired()).toBe(1500)
    expect(count('kv_runs')).toBe(2)
    running = 't1'
    now = 1500
    await deletion.expired()
    expect(sql.exec('SELECT id FROM kv_runs').toArray()).toEqual([{ id: 1 }])
    expect(count('turns')).toBe(2)
    running = undefined
    expect(await deletion.expired()).toBe(1e9)
    expect(count('kv_runs')).toBe(0)
  })

  test('pages go of every tenant, in steps', async () => {
    for (let id = 1; id <= STEP.rows; id++) withPages(id, 'a')
    withPages(1000, 'b')
    now = 2000
    await deletion.expired()
    expect(count('kv_runs')).toBe(0)
    // After the 64 of the one tenant, and after 64 runs.
    expect(rests).toBe(2)
  })

  test('turns go at their time and not before', async () => {
    insert('s', 'early', { expiresAt: 3000 })
    insert('s', 'late', { expiresAt: 3001 })
    now = 2999
    expect(await deletion.expired()).toBe(3000)
    expect(count('turns')).toBe(2)
    now = 3000
    expect(await deletion.expired()).toBe(3001)
    expect(sql.exec('SELECT turn FROM turns').toArray()).toEqual([{ turn: 'late' }])
  })

  test('a run that no turn has named goes a lifetime of pages after it was written', async () => {
    turns = new TurnStore(sql)
    const parts = { lifetimes: { pages: 500 }, now: () => now, rest: async () => void rests++ }
    const ledger = turns.ledger
    deletion = new Deletion({ ...parts, turns, isRunning: () => false })
    sql.exec(
      "INSERT INTO kv_runs (id, head, version, count, names, checksum, bytes) VALUES (7, 'h', 1, 1, '', '', x'00')",
    )
    ledger.runs.written({ id: 7, tenant: 'tenant', parent: undefined, bytes: 1 })
    ledger.runs.enter()
    sql.exec('UPDATE run_use SET freed = 900')
    now = 1399
    expect(await deletion.expired()).toBe(1400)
    expect(count('kv_runs')).toBe(1)
    now = 1400
    expect(await deletion.expired()).toBeUndefined()
    expect(count('kv_runs')).toBe(0)
  })
})
