// These tests compare the rows that a lane counts, read and written, with the host's own count.

import { expect, test, vi } from 'vitest'
import type { Sql } from '../../src/storage/sql.ts'
import { countedSql, noStorageUse, timed } from '../../src/storage/storage-use.ts'

test('rows are counted once, those that come while they are read too', () => {
  const use = noStorageUse()
  const asked: unknown[][] = []
  const sql: Sql = {
    exec(...args) {
      asked.push(args)
      const cursor = {
        rowsRead: 1,
        rowsWritten: 2,
        toArray() {
          cursor.rowsRead = 5
          return [{ n: 1 }]
        },
      }
      return cursor
    },
  }
  const counted = countedSql(sql, use)
  counted.exec('INSERT ?', 7)
  expect(use).toMatchObject({ rowsRead: 1, rowsWritten: 2 })
  expect(counted.exec('SELECT').toArray()).toEqual([{ n: 1 }])
  expect(use).toMatchObject({ rowsRead: 6, rowsWritten: 4 })
  expect(asked).toEqual([['INSERT ?', 7], ['SELECT']])
})

test('a host that does not count leaves zeros', () => {
  const use = noStorageUse()
  countedSql({ exec: () => ({ toArray: () => [] }) }, use)
    .exec('SELECT')
    .toArray()
  expect(use).toEqual(noStorageUse())
})

test('the time of work that throws counts too', () => {
  const use = noStorageUse()
  let now = 100
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 7))
  expect(timed(use, 'findMs', () => 3)).toBe(3)
  const fail = (): never => {
    throw new Error('full')
  }
  expect(() => timed(use, 'saveMs', fail)).toThrow('full')
  vi.restoreAllMocks()
  expect(use).toMatchObject({ findMs: 7, saveMs: 7, restoreMs: 0 })
})
