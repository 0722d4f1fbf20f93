// These tests ask how many pages an isolate gives the pool, and what it refuses.

import { expect, test } from 'vitest'
import { poolPages } from '../../src/lane/memory-plan.ts'

test('a model that leaves room gets more pages, up to eight sequences', () => {
  expect(poolPages({ totalBytes: 111e6, pageBytes: 195840, pageCount: 70 })).toBe(70)
  expect(poolPages({ totalBytes: 100e6, pageBytes: 100_000, pageCount: 70 })).toBe(110)
  expect(poolPages({ totalBytes: 5e6, pageBytes: 10_000, pageCount: 70 })).toBe(560)
})

test('a plan that is too large is out_of_memory', () => {
  const plan = { totalBytes: 124e6, pageBytes: 195840, pageCount: 134 }
  expect(() => poolPages(plan)).toThrow(expect.objectContaining({ code: 'out_of_memory' }))
})
