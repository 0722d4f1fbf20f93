// The count of rows by tenant: virtual time follows those who are owed rows, and nobody is far ahead or behind for long.

import { beforeEach, expect, test } from 'vitest'
import { FairShare, QUANTUM } from '../../src/engine/fair-share.ts'

let fair: FairShare
const set = (...tenants: string[]): Set<string> => new Set(tenants)

/** Charges until the tenant's count is `rows`, which is more than it has. */
const chargeTo = (tenant: string, rows: number): void => fair.charge(tenant, rows - fair.served(tenant))

beforeEach(() => {
  fair = new FairShare()
})

test('who comes first is a quantum behind, and is charged for its own rows alone', () => {
  expect(fair.served('a')).toBe(-QUANTUM)
  fair.charge('a', 10)
  fair.charge('a', 5)
  fair.charge('b', 1)
  expect([fair.served('a'), fair.served('b'), fair.served('c')]).toEqual([
    15 - QUANTUM,
    1 - QUANTUM,
    -QUANTUM,
  ])
  expect(fair.total).toBe(16)
})

test('virtual time is the least count of those who are owed rows: who idled is a quantum in front of it', () => {
  chargeTo('a', 1000)
  chargeTo('b', 600)
  chargeTo('idle', 100)
  fair.advance(set('a', 'b'), set('a', 'b'))
  expect(fair.served('new')).toBe(600 - QUANTUM)
  expect(fair.served('idle')).toBe(600 - QUANTUM)
  expect([fair.served('a'), fair.served('b')]).toEqual([1000, 600])
})

test('where nobody is owed rows virtual time is the largest count of those who run', () => {
  chargeTo('a', 1000)
  chargeTo('b', 600)
  chargeTo('idle', 5000)
  fair.advance(set('a', 'b'), set())
  expect(fair.served('new')).toBe(1000 - QUANTUM)
  expect(fair.served('b')).toBe(1000 - QUANTUM)
  expect(fair.served('idle')).toBe(5000)
})

test('who has enough does not hold virtual time back', () => {
  chargeTo('a', 1000)
  chargeTo('b', 600)
  fair.advance(set('a', 'b'), set('a'))
  expect(fair.served('new')).toBe(1000 - QUANTUM)
})

test('virtual time never goes back', () => {
  chargeTo('a', 1000)
  fair.advance(set('a'), set('a'))
  fair.charge('b', 1)
  fair.advance(set('a', 'b'), set('b'))
  expect(fair.served('new')).toBe(1000 - QUANTUM)
  expect(fair.served('b')).toBe(1001 - QUANTUM)
})

test('what a tenant is owed beyond sixteen quanta is forgotten', () => {
  chargeTo('a', 17 * QUANTUM)
  fair.charge('b', 1)
  fair.advance(set('a', 'b'), set('b'))
  // Virtual time is a quantum, 16 behind the tenant in front, and who comes back is one in front of that.
  expect(fair.served('b')).toBe(0)
  expect(fair.served('new')).toBe(0)
  chargeTo('a', 20 * QUANTUM)
  fair.advance(set('a', 'b'), set('b'))
  expect(fair.served('b')).toBe(3 * QUANTUM)
})

test('a count that is forgotten is begun anew from where virtual time is, not from nought', () => {
  chargeTo('a', 100)
  chargeTo('b', 1000)
  fair.advance(set('b'), set('b'))
  fair.charge('a', 8)
  expect(fair.served('a')).toBe(1000 - QUANTUM + 8)
})
