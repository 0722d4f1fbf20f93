// Totals of what tenants store, and who has most.

import { expect, test } from 'vitest'
import { Totals } from '../../src/storage/totals.ts'

test('the largest is the tenant with most bytes, the first of several', () => {
  const totals = new Totals()
  expect(totals.largest()).toBeUndefined()
  for (const [tenant, bytes] of [
    ['a', 5],
    ['b', 9],
    ['c', 9],
    ['d', 2],
  ] as const)
    totals.add(tenant, bytes)
  expect(totals.largest()).toBe('b')
  totals.add('b', -8)
  expect(totals.largest()).toBe('c')
  expect(totals.bytes).toBe(17)
})

test('a tenant is there as long as it has bytes or sessions', () => {
  const totals = new Totals()
  totals.add('a', 0, 1)
  totals.add('b', 3)
  totals.add('b', -3)
  expect(totals.tenants).toEqual(['a'])
  totals.add('a', 0, -1)
  expect(totals.tenants).toEqual([])
  expect(totals.of('a')).toEqual({ sessions: 0, bytes: 0 })
})
