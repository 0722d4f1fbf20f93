// A lane's places: who gets one, which unread stream ends for it, and what its reader is told.

import { beforeEach, describe, expect, test } from 'vitest'
import { UNREAD_MS } from '../../src/lane/drivers.ts'
import { Places, type Place } from '../../src/lane/places.ts'

let ended: string[]
let told: unknown[]
beforeEach(() => {
  ended = []
  told = []
})

/** A stream by its name, of the tenant that the name begins with. */
function stream(name: string, unreadFor = 0): Place {
  const stop = (reason: unknown): Promise<void> => {
    ended.push(name)
    told.push(reason)
    return Promise.resolve()
  }
  return { tenant: name[0], driver: { unreadFor: () => unreadFor, stop } }
}

async function filled(limit: number, streams: readonly Place[]): Promise<Places> {
  const places = new Places(limit)
  for (const place of streams) expect(await places.take(place)).toBe(true)
  return places
}

describe('where a place is free', () => {
  test('nobody ends, however long it was not read', async () => {
    const places = await filled(2, [stream('a1', 9 * UNREAD_MS), stream('a2')])
    expect(ended).toEqual([])
    expect(places.takenBy('a')).toBe(2)
  })

  test('a request that ended has left its own place, once', async () => {
    const [first, second] = [stream('a1'), stream('a2')]
    const places = await filled(2, [first, second])
    places.leave(first)
    places.leave(first)
    expect(places.takenBy('a')).toBe(1)
    expect(await places.take(stream('a3'))).toBe(true)
    expect(await places.take(stream('a4'))).toBe(false)
  })
})

test('a request of several answers has as many places, and needs one', async () => {
  const many = { ...stream('a1'), answers: 3 }
  const places = await filled(2, [many])
  expect(places.takenBy('a')).toBe(3)
  expect(await places.take(stream('a2'))).toBe(false)
  expect(await places.take(stream('b1'))).toBe(true)
  places.leave(many)
  expect(places.takenBy('a')).toBe(0)
  expect(await places.take(stream('a3'))).toBe(true)
})

describe('where all are taken', () => {
  test('who has them all is turned away, and holds no more than before', async () => {
    const places = await filled(2, [stream('a1'), stream('a2')])
    expect(await places.take(stream('a3'))).toBe(false)
    expect(places.takenBy('a')).toBe(2)
    expect(await places.take(stream('b1'))).toBe(true)
    expect([places.takenBy('a'), places.takenBy('b')]).toEqual([2, 1])
  })

  test('an unread stream ends when its time is over, not before, and is told why', async () => {
    const early = await filled(1, [stream('a1', UNREAD_MS - 1)])
    expect(await early.take(stream('a2'))).toBe(false)
    expect(ended).toEqual([])
    const late = await filled(1, [stream('a3', UNREAD_MS)])
    expect(await late.take(stream('a4'))).toBe(true)
    expect(ended).toEqual(['a3'])
    expect(told).toMatchObject([{ code: 'overloaded' }])
    expect((told[0] as Error).message).toContain('10 s')
    expect(late.takenBy('a')).toBe(1)
  })

  test('the stream that was not read for longest ends, and only as many as are needed', async () => {
    const streams = [
      stream('a1', 2 * UNREAD_MS),
      stream('b1', 4 * UNREAD_MS),
      stream('a2', 3 * UNREAD_MS),
      stream('b2'),
    ]
    const places = await filled(4, streams)
    expect(await places.take(stream('c1'))).toBe(true)
    expect(ended).toEqual(['b1'])
    expect(await places.take(stream('d1'))).toBe(true)
    expect(ended).toEqual(['b1', 'a2'])
  })

  test('unread streams end until the new request fits within the limit', async () => {
    let unreadFor = 0
    const later = (name: string, more: number): Place => {
      const { tenant, driver } = stream(name)
      return { tenant, driver: { ...driver, unreadFor: () => unreadFor + more } }
    }
    const places = await filled(2, [later('a1', 1), later('a2', 0), later('b1', 2)])
    unreadFor = UNREAD_MS
    expect(await places.take(stream('c1'))).toBe(true)
    expect(ended).toEqual(['b1', 'a1'])
    expect([places.takenBy('a'), places.takenBy('b'), places.takenBy('c')]).toEqual([1, 0, 1])
  })

  test('a stream stays for who holds more than its tenant, and goes for who holds as much', async () => {
    const streams = [stream('a1'), stream('a2'), stream('b1', UNREAD_MS), stream('b2', UNREAD_MS)]
    const places = await filled(4, streams)
    expect(await places.take(stream('a3'))).toBe(true)
    expect(ended).toEqual(['b1'])
    // Now it holds three, and the other one.
    expect(await places.take(stream('a4'))).toBe(false)
    expect(ended).toEqual(['b1'])
    expect(places.takenBy('b')).toBe(1)
  })

  test('the new request has its place only when the one before has stopped', async () => {
    let stopped = (): void => undefined
    const slow: Place = {
      tenant: 'a',
      driver: { unreadFor: () => UNREAD_MS, stop: () => new Promise((resolve) => (stopped = resolve)) },
    }
    const places = await filled(1, [slow])
    let hasPlace = false
    const taking = places.take(stream('b1')).then((taken) => (hasPlace = taken))
    await new Promise((resolve) => setImmediate(resolve))
    expect(hasPlace).toBe(false)
    expect(places.takenBy('b')).toBe(0)
    stopped()
    await taking
    expect(hasPlace).toBe(true)
  })
})
