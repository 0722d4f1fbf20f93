// A run store gives back what it was given by name, and nothing that is damaged, of another name, or old.

import { beforeEach, describe, expect, test } from 'vitest'
import { runId } from '../../src/cache/chain.ts'
import { RunStore } from '../../src/chain/run-store.ts'
import { SentBuffers } from '../../src/chain/sent-buffers.ts'
import { plainRows, rowsOf } from '../../src/chain/messages.ts'
import type { Row } from '../../src/graph/model.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { MockModel } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'

const NAMES = ['a', 'b', 'c'].map((letter, i) => `${letter}${i}`.padEnd(32, '0'))

let time: number
let sql: Sql
let store: RunStore
let model: MockModel

beforeEach(() => {
  time = 1000
  sql = nodeSql()
  store = new RunStore(sql, () => time)
  model = new MockModel()
  for (const page of [0, 1, 2]) model.pages.write(page, new Uint8Array(model.pages.pageBytes).fill(page + 1))
})

const restored = (names = NAMES.slice(0, 2), pages: (number | undefined)[] = [5, 6]): boolean =>
  store.restore(model.staging, names, pages)

describe('a run', () => {
  beforeEach(() => store.save(model.staging, NAMES.slice(0, 2), [0, 1]))

  test('comes back into other pages, those that are wanted', () => {
    expect(restored([...NAMES.slice(0, 2)], [5, undefined])).toBe(true)
    expect(model.pages.read(5)).toEqual(model.pages.read(0))
    expect(model.pages.read(6)).not.toEqual(model.pages.read(1))
    expect(store.use).toEqual({ runs: 1, bytes: 2 * model.pages.pageBytes })
  })

  test('of other pages behind the same first is none, and goes', () => {
    expect(restored([NAMES[0], NAMES[2]])).toBe(false)
    expect(store.use.runs).toBe(0)
  })

  test('that is damaged is none, and goes', () => {
    sql.exec('UPDATE stage_runs SET bytes = ?', new Uint8Array(2 * model.pages.pageBytes))
    expect([restored(), store.use.runs]).toEqual([false, 0])
  })

  test('that is not there is none', () => {
    store.drop([runId(NAMES[0])])
    expect(restored()).toBe(false)
  })

  test('that was not used goes, and when the next is due is told', () => {
    time = 2000
    expect(restored()).toBe(true)
    expect(store.collect(2000)).toBe(2000)
    expect(store.collect(2001)).toBeUndefined()
  })
})

test('rows are the same behind the way, but for their ids', () => {
  const [one, two] = [[3, undefined, 4], [7]]
  const shape = { ntk: 2, prefix: 0, mask: 0 }
  const rows: Row[] = [
    { id: 9, position: 40, pages: one, yields: 'logits', shape },
    { id: 8, position: 41, pages: one, yields: 'hidden', shape },
    { id: 7, position: 2, pages: two, yields: 'nothing' },
  ]
  const plain = plainRows(rows)
  expect(plain.sequences).toHaveLength(2)
  expect(rowsOf(structuredClone(plain))).toEqual(rows.map((row) => ({ ...row, id: -1 })))
})

test('what was sent is let go once as many others were as may be under way', () => {
  const sent = new SentBuffers()
  const all = Array.from({ length: 6 }, () => new Float32Array(4))
  for (const logits of all) sent.sent({ logits })
  expect(all.map(({ length }) => length)).toEqual([0, 0, 4, 4, 4, 4])
})
