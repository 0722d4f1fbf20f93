// A ledger that is made of rows: those of older code, those that it wrote beside a ledger, and runs whose writer was lost.

import { beforeEach, describe, expect, test } from 'vitest'
import { Ledger, TURN_BYTES } from '../../src/storage/ledger.ts'
import { RUN_BYTES } from '../../src/storage/run-ledger.ts'
import { openLedger, openTables, RUN_VERSION, TURN_VERSION } from '../../src/storage/schema.ts'
import type { Sql, SqlValue } from '../../src/storage/sql.ts'
import { halvedWindows, sqlWindowStore } from '../../src/storage/window-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'

let sql: Sql
beforeEach(() => {
  sql = nodeSql()
  openTables(sql)
})

const FACTS = { model: 'm', request: { bodyHash: 'b' } }
const length = (text: string): number => new TextEncoder().encode(text).length

/** A row as older code wrote it; gives what it is charged. */
function turnRow(
  session: string,
  {
    turn = 't',
    tenant = 'a',
    used = 5,
    runs = [] as number[],
    facts = FACTS as object,
    version = TURN_VERSION,
  } = {},
  [generated, conversation]: [Uint8Array | null, string | null] = [null, null],
): number {
  const text = [JSON.stringify(facts), JSON.stringify(runs)]
  const values: Record<string, SqlValue> = { session, turn, version, tenant, used, generated, conversation }
  sql.exec(
    `INSERT INTO turns (${Object.keys(values).join()}, facts, runs, key, state, background, created, expires, prompt)
    VALUES (${Object.keys(values).fill('?').join()}, ?, ?, 'k', 'done', 0, 1, 9, x'0100000002000000')`,
    ...Object.values(values),
    ...text,
  )
  return length(text.join('')) + 8 + (generated?.length ?? 0) + length(conversation ?? '') + TURN_BYTES
}

/** A run of five bytes and names; gives what it is charged. */
function runRow(id: number, version = RUN_VERSION): number {
  sql.exec(
    "INSERT INTO kv_runs (id, head, version, count, names, checksum, bytes) VALUES (?, 'h', ?, 1, 'nam', '', x'0102')",
    id,
    version,
  )
  return 5 + RUN_BYTES
}

const rowsOf = (table: string, columns = '*') => sql.exec(`SELECT ${columns} FROM ${table}`).toArray()
const refs = () =>
  Object.fromEntries(rowsOf('run_use').map(({ id, refs }) => [Number(id), Number(refs)])) as Record<
    string,
    number
  >
const totals = (tenant = 'a') => new Ledger(sql).totals.of(tenant)
const isThere = (name: string): boolean =>
  sql.exec('SELECT 1 FROM sqlite_master WHERE name = ?', name).toArray().length > 0

describe('rows without a ledger', () => {
  test('are entered with all that they are charged', () => {
    const bytes =
      turnRow('s1') +
      turnRow('s1', { turn: 't2', used: 7 }, [new Uint8Array(12), null]) +
      turnRow('s2', { used: 3 }, [null, '中'])
    const other = turnRow('s3', { tenant: 'b' })
    expect(totals()).toEqual({ sessions: 2, bytes })
    expect(totals('b')).toEqual({ sessions: 1, bytes: other })
    expect(rowsOf('session_use')).toMatchObject([
      { session: 's1', tenant: 'a', used: 7 },
      { session: 's2', tenant: 'a', used: 3 },
      { session: 's3', tenant: 'b', used: 5 },
    ])
    expect(rowsOf('turn_use')[0]).toMatchObject({
      session: 's1',
      turn: 't',
      model: 'm',
      body: 'b',
      run: null,
      part: null,
    })
  })

  test('hold the runs that they name, each run the one before it', () => {
    const runs = [1, 2, 3, 4].reduce((sum, id) => sum + runRow(id), 0)
    const turns =
      turnRow('s1', { runs: [1, 2] }) + turnRow('s2', { runs: [1, 2, 3] }) + turnRow('s3', { runs: [4] })
    expect(totals()).toEqual({ sessions: 3, bytes: turns + runs })
    expect(refs()).toEqual({ 1: 1, 2: 2, 3: 1, 4: 1 })
    expect(rowsOf('run_use', 'id, tenant, parent')).toEqual([
      { id: 1, tenant: 'a', parent: null },
      { id: 2, tenant: 'a', parent: 1 },
      { id: 3, tenant: 'a', parent: 2 },
      { id: 4, tenant: 'a', parent: null },
    ])
    expect(rowsOf('turn_use', 'run').map(({ run }) => run)).toEqual([2, 3, 4])
  })

  test('hold no run behind one that is gone', () => {
    runRow(1)
    runRow(3)
    turnRow('s', { runs: [1, 2, 3] })
    totals()
    expect(rowsOf('turn_use', 'run')).toEqual([{ run: 1 }])
    // What nobody holds belongs to nobody.
    expect(rowsOf('run_use', 'id, tenant, refs')).toEqual([
      { id: 1, tenant: 'a', refs: 1 },
      { id: 3, tenant: '', refs: 0 },
    ])
  })

  test('are entered a batch at a time, none twice, however many a session has', () => {
    let bytes = 0
    for (let i = 0; i < 600; i++) bytes += turnRow(`s${i % 5}`, { turn: `t${i}` })
    expect(totals()).toEqual({ sessions: 5, bytes })
    expect(rowsOf('turn_use')).toHaveLength(600)
  })

  test('of exactly one batch are all, and so are none', () => {
    for (let i = 0; i < 256; i++) turnRow(`s${i}`)
    expect(totals().sessions).toBe(256)
    sql = nodeSql()
    expect(new Ledger(sql).totals.tenants).toEqual([])
  })
})

describe('runs that nobody names', () => {
  test('are of no tenant, and go with the next sweep', () => {
    const bytes = runRow(8)
    const ledger = new Ledger(sql)
    expect(ledger.totals.of('')).toEqual({ sessions: 0, bytes })
    expect(rowsOf('run_use')).toMatchObject([{ id: 8, tenant: '', parent: null, refs: 0, bytes, freed: 0 }])
    ledger.runs.sweep()
    expect([rowsOf('kv_runs'), ledger.totals.bytes]).toEqual([[], 0])
  })

  test('are looked for among those alone that their writer had listed', () => {
    const ledger = new Ledger(sql)
    void ledger.totals
    for (const id of [1, 2]) {
      const bytes = runRow(id) - RUN_BYTES
      if (id === 2) ledger.runs.written({ id, tenant: 'a', parent: undefined, bytes })
    }
    ledger.runs.list()
    expect(new Ledger(sql).totals.of('').bytes).toBe(5 + RUN_BYTES)
    expect(rowsOf('run_use', 'id')).toEqual([{ id: 2 }])
  })

  test('are not looked for where the list is empty', () => {
    void new Ledger(sql).totals
    runRow(1)
    expect(new Ledger(sql).totals.bytes).toBe(0)
  })

  test('are all looked for where older code has made the ledger, which kept no list', () => {
    void new Ledger(sql).totals
    sql.exec('ALTER TABLE ledger DROP COLUMN entering')
    const bytes = runRow(1)
    expect(new Ledger(sql).totals.of('')).toEqual({ sessions: 0, bytes })
    expect(sql.exec('SELECT entering FROM ledger').toArray()).toEqual([{ entering: null }])
  })
})

describe('shared parts', () => {
  const partRow = (id: number, tenant = 'a', bytes = 50): void => {
    sql.exec(
      "INSERT INTO shared_parts (id, tenant, refs, bytes, prompt, facts) VALUES (?, ?, 9, ?, x'01', '{}')",
      id,
      tenant,
      bytes,
    )
  }

  test('are counted anew where older code wrote beside the ledger, and go where nobody has them', () => {
    void new Ledger(sql).totals
    for (const id of [1, 2, 3]) partRow(id)
    partRow(4, 'b', 70)
    const facts = (shared: number) => ({ ...FACTS, shared })
    const bytes =
      turnRow('s1', { facts: facts(1) }) +
      turnRow('s2', { facts: facts(1) }) +
      turnRow('s3', { facts: facts(3) })
    const other = turnRow('s4', { tenant: 'b', facts: facts(4) })
    // As older code does when it starts.
    sql.exec('CREATE INDEX turns_by_key ON turns (tenant, key)')
    expect(totals()).toEqual({ sessions: 3, bytes: bytes + 2 * 50 })
    expect(rowsOf('shared_parts', 'id, refs')).toEqual([
      { id: 1, refs: 2 },
      { id: 3, refs: 1 },
      { id: 4, refs: 1 },
    ])
    expect(rowsOf('turn_use', 'part').map(({ part }) => part)).toEqual([1, 1, 3, 4])
    expect([totals('b').bytes, isThere('turns_by_key')]).toEqual([other + 70, false])
  })
})

describe('tables', () => {
  test('are made with rows of other versions gone, and rows of this one kept', () => {
    turnRow('old', { version: TURN_VERSION - 1 })
    turnRow('new')
    runRow(1, RUN_VERSION + 1)
    runRow(2)
    openTables(sql)
    expect(rowsOf('turns', 'session')).toEqual([{ session: 'new' }])
    expect(rowsOf('kv_runs', 'id')).toEqual([{ id: 2 }])
  })

  test('are not looked at beside a ledger of this code', () => {
    expect(openLedger(sql)).toEqual({ was: 'none', entering: undefined })
    turnRow('old', { version: TURN_VERSION - 1 })
    openTables(sql)
    expect(rowsOf('turns')).toHaveLength(1)
    expect(openLedger(sql)).toEqual({ was: 'current', entering: [] })
    sql.exec('UPDATE ledger SET entering = ?', '[7,8]')
    expect(openLedger(sql)).toEqual({ was: 'current', entering: [7, 8] })
  })

  test('of a ledger for other versions are made anew, its parts stay', () => {
    openLedger(sql)
    sql.exec("INSERT INTO session_use VALUES ('s', 'a', 1)")
    sql.exec(
      "INSERT INTO shared_parts (id, tenant, refs, bytes, prompt, facts) VALUES (1, 'a', 1, 1, x'', '')",
    )
    sql.exec("UPDATE ledger SET versions = 'turns 1'")
    expect(openLedger(sql)).toEqual({ was: 'stale', entering: undefined })
    expect([rowsOf('session_use'), rowsOf('shared_parts').length, rowsOf('ledger').length]).toEqual([
      [],
      1,
      1,
    ])
    expect(openLedger(sql).was).toBe('current')
    for (const index of ['turns_by_age', 'turns_of_session', 'turns_by_expiry', 'turns_unfinished'])
      expect(isThere(index), index).toBe(true)
  })
})

describe('the window that a lane fell back to', () => {
  test('is there after a restart, the last one alone', () => {
    expect(sqlWindowStore(sql).read()).toBeUndefined()
    const store = sqlWindowStore(sql)
    store.write({ configured: '512', windows: [256], note: 'one' })
    const last = { configured: '512', windows: [128], note: 'two' }
    store.write(last)
    expect([store.read(), sqlWindowStore(sql).read()]).toEqual([last, last])
    expect(rowsOf('fallback_window')).toHaveLength(1)
  })

  test('is half of each, 128 at least, and never more than it was', () => {
    expect(halvedWindows([1024, 257, 256, 200, 128, 100])).toEqual([512, 128, 128, 128, 128, 100])
  })
})
