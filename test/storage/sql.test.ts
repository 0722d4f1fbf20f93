// These tests bind values in their places, and lose a storage that fails.

import { expect, test } from 'vitest'
import { IsletError } from '../../src/lib/errors.ts'
import { bound, insertRow } from '../../src/storage/sql.ts'
import { StorageGuard } from '../../src/storage/storage-guard.ts'
import { nodeSql } from '../helpers/node-sql.ts'

test('values of a statement are bound and never become its text', () => {
  const hostile = "'); DROP TABLE t; --"
  expect(bound`UPDATE t SET a = ${hostile}, b = ${null} WHERE c = ${1}`).toEqual([
    'UPDATE t SET a = ?, b = ? WHERE c = ?',
    hostile,
    null,
    1,
  ])
  expect(bound`SELECT 1`).toEqual(['SELECT 1'])
})

test('a row is inserted by the names of its columns, in whatever order', () => {
  const sql = nodeSql()
  sql.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB)')
  insertRow(sql, 'INSERT INTO t', { c: Uint8Array.of(1, 2), a: 1, b: 'one' })
  insertRow(sql, 'INSERT INTO t', { b: null, a: 2 })
  insertRow(sql, 'INSERT OR REPLACE INTO t', { a: 2, b: 'two' })
  const rows = sql.exec(...bound`SELECT a, b, length(c) AS c FROM t WHERE a > ${0} ORDER BY a`).toArray()
  expect(rows).toEqual([
    { a: 1, b: 'one', c: 2 },
    { a: 2, b: 'two', c: null },
  ])
})

test('storage that fails is lost once, for all that share the guard, and an error of ours is no loss', () => {
  const told: unknown[] = []
  const guard = new StorageGuard((error) => told.push(error))
  const refused = new IsletError('not_found', 'there is no such session')
  expect(guard.attempt(() => 1)).toBe(1)
  expect(() =>
    guard.attempt(() => {
      throw refused
    }),
  ).toThrow(refused)
  expect([guard.lost, told]).toEqual([false, []])

  const full = new Error('the disk is full')
  const fails = (): never => {
    throw full
  }
  // The inner loss is told by the outer one no second time.
  expect(guard.attempt(() => guard.attempt(fails) ?? fails())).toBeUndefined()
  expect([guard.lost, told]).toEqual([true, [full]])
  expect(guard.attempt(() => 1)).toBeUndefined()
})
