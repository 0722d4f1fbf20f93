// The page pool: who holds what, and what is refused.

import { expect, test } from 'vitest'
import { PagePool } from '../../src/cache/page-pool.ts'

test('pages are given once, and again after their last holder let go', () => {
  const pool = new PagePool(3)
  const pages = [pool.take(), pool.take(), pool.take()]
  expect(new Set(pages)).toEqual(new Set([0, 1, 2]))
  expect(pool.take()).toBeUndefined()
  pool.share(1)
  expect(pool.isShared(1)).toBe(true)
  pool.release(1)
  expect(pool.free).toBe(0)
  pool.release(1)
  expect(pool.take()).toBe(1)
})

test('a page that nobody holds is neither shared nor given back', () => {
  const pool = new PagePool(1)
  expect(() => pool.share(0)).toThrow('free')
  expect(() => pool.release(0)).toThrow('twice')
})

test('a page is shared while it has two holders', () => {
  const pool = new PagePool(2)
  pool.take()
  expect(pool.isShared(0)).toBe(false)
  pool.share(0)
  pool.share(0)
  pool.release(0)
  expect([pool.isShared(0), pool.free]).toEqual([true, 1])
  pool.release(0)
  expect([pool.isShared(0), pool.free]).toEqual([false, 1])
  pool.release(0)
  expect(pool.free).toBe(2)
})

test('the longest run of free pages is the first of several', () => {
  const pool = new PagePool(9)
  expect(pool.freeRun()).toEqual({ first: 0, count: 9 })
  for (let i = 0; i < 9; i++) pool.take()
  expect(pool.freeRun().count).toBe(0)
  for (const page of [0, 2, 3, 6, 7, 8]) pool.release(page)
  expect(pool.freeRun()).toEqual({ first: 6, count: 3 })
  pool.release(1)
  expect(pool.freeRun()).toEqual({ first: 0, count: 4 })
  pool.take()
  expect(pool.freeRun()).toEqual({ first: 1, count: 3 })
})
