// These tests ask how many pages an isolate gives the pool, and what it refuses.

import { expect, test } from 'vitest'
import { poolPages } from '../../src/lane/memory-plan.ts'
import { LINEAR_BYTES } from '../../src/lib/limits.ts'

test('a model that leaves room gets more pages, up to eight sequences', () => {
  expect(poolPages({ totalBytes: 111e6, pageBytes: 195840, pageCount: 70 })).toBe(70)
  expect(poolPages({ totalBytes: 94e6, pageBytes: 100_000, pageCount: 70 })).toBe(110)
  expect(poolPages({ totalBytes: 5e6, pageBytes: 10_000, pageCount: 70 })).toBe(560)
})

test('a plan that is too large is out_of_memory', () => {
  const plan = { totalBytes: 124e6, pageBytes: 195840, pageCount: 134 }
  expect(() => poolPages(plan)).toThrow(expect.objectContaining({ code: 'out_of_memory' }))
})

test('a plan of exactly what an isolate has room for is taken, one byte more is not', () => {
  const plan = { totalBytes: LINEAR_BYTES, pageBytes: 100_000, pageCount: 70 }
  expect(poolPages(plan)).toBe(70)
  expect(() => poolPages({ ...plan, totalBytes: LINEAR_BYTES + 1 })).toThrow('lower WINDOW')
})

test('a reserve is taken from both, and named', () => {
  expect(poolPages({ totalBytes: 86e6, pageBytes: 100_000, pageCount: 70 }, 0, 8e6)).toBe(110)
  const plan = { totalBytes: LINEAR_BYTES - 8e6, pageBytes: 100_000, pageCount: 70 }
  expect(poolPages(plan, 0, 8e6)).toBe(70)
  expect(() => poolPages({ ...plan, totalBytes: plan.totalBytes + 1 }, 0, 8e6)).toThrow(
    'an isolate has room for 104000000 beside 8000000 of RESERVE_MB',
  )
})

test('a budget bounds the pages, but never below one sequence', () => {
  const plan = { totalBytes: 5e6, pageBytes: 10_000, pageCount: 70 }
  expect(poolPages(plan, 3_009_999)).toBe(300)
  expect(poolPages(plan, 10e9)).toBe(560)
  expect(poolPages(plan, 1)).toBe(70)
})
