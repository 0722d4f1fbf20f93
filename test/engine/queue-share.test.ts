// A queue's places by tenant: any free one will do, and of a full queue each tenant may have an equal share.

import { describe, expect, test } from 'vitest'
import { hasPlace } from '../../src/engine/queue-share.ts'

const holders = (counts: Record<string, number>): string[] =>
  Object.entries(counts).flatMap(([tenant, count]) => Array.from({ length: count }, () => tenant))

describe('a queue that is not full', () => {
  test('has a place for anybody, also for who has all the others', () => {
    expect(hasPlace([], 'a', 1)).toBe(true)
    expect(hasPlace(holders({ a: 3 }), 'a', 4)).toBe(true)
    expect(hasPlace(holders({ a: 3 }), 'b', 4)).toBe(true)
    expect(hasPlace(holders({ a: 3, b: 1 }), 'a', 5), 'beyond its share').toBe(true)
  })
})

describe('a full queue', () => {
  test('turns away who has all of it', () => {
    expect(hasPlace(holders({ a: 4 }), 'a', 4)).toBe(false)
  })

  test.each<{ held: Record<string, number>; tenant: string; limit: number; may: boolean }>([
    { held: { a: 4 }, tenant: 'b', limit: 4, may: true },
    { held: { a: 4, b: 1 }, tenant: 'b', limit: 4, may: true },
    { held: { a: 4, b: 2 }, tenant: 'b', limit: 4, may: false },
    { held: { a: 4, b: 2 }, tenant: 'a', limit: 4, may: false },
    // The share is rounded down, with the tenant that asks among those who share.
    { held: { a: 3, b: 2 }, tenant: 'b', limit: 5, may: false },
    { held: { a: 5, b: 1 }, tenant: 'b', limit: 5, may: true },
    { held: { a: 8, b: 4, c: 1 }, tenant: 'c', limit: 8, may: true },
    { held: { a: 8, b: 4, c: 2 }, tenant: 'c', limit: 8, may: false },
    { held: { a: 8, b: 2 }, tenant: 'c', limit: 8, may: true },
  ])('of $limit places, $held are held: one more for $tenant is $may', ({ held, tenant, limit, may }) => {
    expect(hasPlace(holders(held), tenant, limit)).toBe(may)
  })

  test('has one for each tenant, though there are more of them than places', () => {
    expect(hasPlace(['a', 'b'], 'c', 2)).toBe(true)
    expect(hasPlace(['a', 'b', 'c'], 'c', 2)).toBe(false)
    expect(hasPlace(['a', 'b', 'c'], 'd', 2)).toBe(true)
  })
})
