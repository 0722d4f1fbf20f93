// The run ledger by rows: who needs which run, which ones a sweep takes, and what each tenant is charged for them.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Ledger } from '../../src/storage/ledger.ts'
import { STEP, type RunLedger } from '../../src/storage/run-ledger.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { nodeSql } from '../helpers/node-sql.ts'

/** What a run is charged beside its bytes. */
const OWN = 256

let sql: Sql
let now: number
let ledger: Ledger
let runs: RunLedger

beforeEach(() => {
  sql = nodeSql()
  now = 1000
  ledger = new Ledger(sql, () => now)
  ;({ runs } = ledger)
  void ledger.totals // its tables: runs that were there before would be strays
})

function write(
  id: number,
  { tenant = 'a', parent, bytes = 10 }: { tenant?: string; parent?: number; bytes?: number } = {},
): void {
  sql.exec(
    "INSERT OR REPLACE INTO kv_runs (id, head, version, count, names, checksum, bytes) VALUES (?, 'h', 1, 1, '', '', x'00')",
    id,
  )
  runs.written({ id, tenant, parent, bytes })
}

const kept = (): number[] =>
  sql
    .exec('SELECT id FROM kv_runs ORDER BY id')
    .toArray()
    .map(({ id }) => Number(id))
const refs = (): Record<string, number> => {
  runs.enter()
  const rows = sql.exec('SELECT id, refs FROM run_use').toArray()
  return Object.fromEntries(rows.map(({ id, refs }) => [String(id), Number(refs)]))
}
const bytesOf = (tenant: string): number => ledger.totals.of(tenant).bytes

/** Before the runs are entered and after. */
const times: [string, () => void][] = [
  ['that is not entered yet', () => undefined],
  ['that was entered', () => runs.enter()],
]

describe.each(times)('a run %s', (_, enter) => {
  test('is needed by turns and by the run that goes on from it', () => {
    write(1)
    enter()
    write(2, { parent: 1 })
    enter()
    runs.hold(2)
    runs.hold(2)
    expect(refs()).toEqual({ 1: 1, 2: 2 })
    runs.release(2)
    expect(refs()).toEqual({ 1: 1, 2: 1 })
    expect(bytesOf('a')).toBe(2 * (10 + OWN))
  })

  test('whose row is written again is charged once, to who wrote it last', () => {
    write(1)
    write(2)
    write(3, { parent: 1 })
    enter()
    now = 2000
    write(3, { tenant: 'b', parent: 2, bytes: 70 })
    expect(refs()).toEqual({ 1: 0, 2: 1, 3: 0 })
    expect([bytesOf('a'), bytesOf('b')]).toEqual([2 * (10 + OWN), 70 + OWN])
    const rows = sql.exec('SELECT tenant, parent, bytes, freed FROM run_use WHERE id = 3').toArray()
    expect(rows).toEqual([{ tenant: 'b', parent: 2, bytes: 70 + OWN, freed: 2000 }])
  })

  test('keeps who needs it when its row is written again', () => {
    write(1)
    runs.hold(1)
    enter()
    write(1, { bytes: 20 })
    expect(refs()).toEqual({ 1: 1 })
    expect(bytesOf('a')).toBe(20 + OWN)
  })

  test('that is damaged is charged nothing, until it is written again', () => {
    write(1)
    write(2)
    runs.hold(1)
    enter()
    runs.damaged(1)
    expect(bytesOf('a')).toBe(10 + OWN)
    runs.damaged(1)
    expect(bytesOf('a')).toBe(10 + OWN)
    expect(refs()).toEqual({ 1: 1, 2: 0 })
    write(1, { bytes: 30 })
    expect(bytesOf('a')).toBe(40 + 2 * OWN)
    expect(refs()).toEqual({ 1: 1, 2: 0 })
    expect(new Ledger(sql).totals.bytes).toBe(40 + 2 * OWN)
  })

  test('that a turn gave up goes with the next sweep, one that no turn has named after its time', () => {
    write(1)
    write(2)
    enter()
    runs.hold(1)
    runs.enter()
    runs.release(1)
    expect(runs.sweep()).toBe(false)
    expect(kept()).toEqual([2])
    expect(runs.sweep(999)).toBe(false)
    expect(kept()).toEqual([2])
    runs.sweep(1000)
    expect(kept()).toEqual([])
    expect(ledger.totals.tenants).toEqual([])
  })
})

test('of a run that is not there nothing is charged', () => {
  runs.damaged(5)
  runs.hold(5)
  runs.release(5)
  runs.hold(undefined)
  runs.release(undefined)
  expect(ledger.totals.bytes).toBe(0)
  expect(refs()).toEqual({})
})

test('one that nobody needs is not given up a second time', () => {
  write(1)
  runs.enter()
  runs.release(1)
  expect(refs()).toEqual({ 1: 0 })
  expect(sql.exec('SELECT freed FROM run_use').toArray()).toEqual([{ freed: 1000 }])
})

test('one that two turns need stays when one goes', () => {
  write(1)
  runs.hold(1)
  runs.hold(1)
  runs.enter()
  runs.release(1)
  runs.sweep(1e9)
  expect(kept()).toEqual([1])
  expect(sql.exec('SELECT freed FROM run_use').toArray()).toEqual([{ freed: 1000 }])
})

describe('a sweep', () => {
  test('takes a chain from its end, run by run, and leaves what others need', () => {
    write(1)
    write(2, { parent: 1 })
    write(3, { parent: 2 })
    write(4, { parent: 1 })
    for (const id of [3, 4]) runs.hold(id)
    runs.enter()
    runs.release(3)
    expect(runs.sweep()).toBe(false)
    expect(kept()).toEqual([1, 4])
    runs.release(4)
    runs.sweep()
    expect(kept()).toEqual([])
    expect(ledger.totals.bytes).toBe(0)
  })

  test('says to whoever listens that runs were deleted, and only then', () => {
    const onDeleted = vi.fn()
    runs.onDeleted = onDeleted
    write(1)
    expect(runs.sweep()).toBe(false)
    expect(onDeleted).not.toHaveBeenCalled()
    runs.sweep(1000)
    expect(onDeleted).toHaveBeenCalledTimes(1)
  })

  test('deletes 64 runs at a time, the oldest first', () => {
    for (let id = 1; id <= STEP.rows; id++) write(id)
    runs.enter()
    now = 900
    write(500)
    const onDeleted = vi.fn()
    runs.onDeleted = onDeleted
    expect(runs.sweep(2000)).toBe(true)
    expect(kept()).toHaveLength(1)
    expect(kept()).not.toContain(500)
    expect(onDeleted).toHaveBeenCalledTimes(1)
    expect(runs.sweep(2000)).toBe(false)
    expect(kept()).toEqual([])
  })

  test('deletes 8 MB at a time, or one that is larger', () => {
    const half = STEP.bytes / 2 - OWN
    for (const id of [1, 2, 3]) write(id, { bytes: half })
    expect(runs.sweep(2000)).toBe(true)
    expect(kept()).toHaveLength(1)
    runs.sweep(2000)
    for (const id of [4, 5, 6]) write(id, { bytes: half - 1 })
    runs.sweep(2000)
    expect(kept()).toEqual([])
  })
})

test('the next run that is due is the oldest that no turn has named', () => {
  expect(runs.oldestUnnamed()).toBeUndefined()
  now = 3000
  write(1)
  expect(runs.oldestUnnamed()).toBe(3000)
  now = 2000
  write(2)
  expect(runs.oldestUnnamed()).toBe(2000)
  now = 1000
  write(3)
  runs.hold(3)
  expect(runs.oldestUnnamed()).toBe(2000)
})
