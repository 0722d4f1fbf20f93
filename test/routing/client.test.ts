// Which object a call goes to, what of its answer comes back, and calls that go to all of them.

import { describe, expect, test } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { LaneOptions } from '../../src/routing/client.ts'
import { rendezvousOrder } from '../../src/routing/rendezvous.ts'
import { fakeLanes, readAll, streamOf } from '../helpers/fake-lanes.ts'
import { request } from '../helpers/request.ts'

const start: GenerationEvent = { type: 'start', promptTokens: 3, cachedTokens: 0, truncatedTokens: 0 }
const answers = (count: number) => Array.from({ length: count }, () => () => streamOf([start]))
const DIGEST = 'ab'.repeat(32)

describe('keys', () => {
  const first = (key: string, count: number): number => rendezvousOrder(key, count, 1)[0]

  test('a key stays on its lane, and lanes share the keys', () => {
    const lanes = Array.from({ length: 400 }, (_, i) => first(`key-${i}`, 4))
    expect(lanes).toEqual(Array.from({ length: 400 }, (_, i) => first(`key-${i}`, 4)))
    for (const lane of [0, 1, 2, 3])
      expect(lanes.filter((other) => other === lane).length).toBeGreaterThan(60)
  })

  test('one lane more moves only keys that go to it', () => {
    for (let i = 0; i < 400; i++) {
      const [before, after] = [first(`key-${i}`, 4), first(`key-${i}`, 5)]
      if (before !== after) expect(after).toBe(4)
    }
  })

  test('the order has every lane once, and shares the second places too', () => {
    const seconds = Array.from({ length: 400 }, (_, i) => rendezvousOrder(`key-${i}`, 4, 4))
    for (const order of seconds) expect([...order].sort()).toEqual([0, 1, 2, 3])
    for (const lane of [0, 1, 2, 3])
      expect(seconds.filter((order) => order[1] === lane).length).toBeGreaterThan(60)
  })

  test('an object for each session, of one tenant', async () => {
    const { lanes, objectsOf, calls } = fakeLanes(answers(2), { lanes: 'session' })
    await readAll(lanes.generate(request({ tenant: 'a', sessionKey: 'k' })))
    await readAll(lanes.generate(request({ tenant: 'b', sessionKey: 'k' })))
    const objects = objectsOf('generate')
    expect(new Set(objects).size).toBe(2)
    for (const [i, object] of objects.entries()) {
      expect(object).toMatch(/^lane-s[0-9a-f]{64}$/)
      expect(calls[i].args[1]).toBe(object.slice('lane-'.length))
    }
  })

  test('lanes of the region of the request', async () => {
    const { lanes, calls } = fakeLanes(answers(1), { regions: ['weur', 'oc'], region: 'oc' })
    await readAll(lanes.generate(request()))
    expect(calls[0]).toMatchObject({ object: 'lane-oc-0', region: 'oc', args: [request(), 'oc-0'] })
  })

  test('an object for each session is made in the region of who asks first, and found from anywhere', async () => {
    const objects = []
    for (const region of ['weur', 'oc'] as const) {
      const options: Partial<LaneOptions> = { lanes: 'session', regions: ['weur', 'oc'], region }
      const { lanes, calls } = fakeLanes(answers(1), options)
      await readAll(lanes.generate(request()))
      expect(calls[0].region).toBe(region)
      objects.push(calls[0].object)
    }
    expect(objects[0]).toBe(objects[1])
  })
})

describe('ids', () => {
  test.each([
    ['sess_0_abc', 'lane-0', undefined],
    ['sess_7_abc', 'lane-7', undefined],
    ['sess_weur-12_abc', 'lane-weur-12', 'weur'],
    ['sess_apac-ne-0_abc', 'lane-apac-ne-0', 'apac-ne'],
    [`sess_s${DIGEST}_abc`, `lane-s${DIGEST}`, undefined],
  ])('%s goes where it says, whatever the lanes are now', async (id, object, region) => {
    const { lanes, calls } = fakeLanes(answers(3))
    await readAll(lanes.generate(request({ session: id })))
    await readAll(lanes.generate(request({ sessionKey: id })))
    await readAll(lanes.resume('t', id))
    expect(calls).toMatchObject([
      { object, region, args: [{ session: id }, object.slice('lane-'.length)] },
      { object, region, args: [{ session: id }, object.slice('lane-'.length)] },
      { object, region, method: 'resume', args: ['t', id] },
    ])
  })

  test.each([
    '',
    'sess_',
    'sess_0',
    'sess_0_',
    'sess_00_a',
    'sess_-1_a',
    'sess_mars-0_a',
    'sess_0_a_b',
    'sess_0_a\n',
    'sess_sab_a',
    'sess_12345_a',
    `sess_0_${'a'.repeat(65)}`,
    '0_a',
    '0_a_b_c',
    'lane-0_a_b',
  ])('%j is none', async (id) => {
    const { lanes, calls } = fakeLanes([])
    const none = { code: 'not_found' }
    await expect(lanes.session('t', id)).rejects.toMatchObject(none)
    await expect(lanes.fork('t', id)).rejects.toMatchObject(none)
    await expect(lanes.remove('t', id)).rejects.toMatchObject(none)
    await expect(lanes.turn('t', id)).rejects.toMatchObject(none)
    await expect(lanes.removeTurn('t', id)).rejects.toMatchObject(none)
    await expect(lanes.cancelTurn('t', id)).rejects.toMatchObject(none)
    await expect(readAll(lanes.resume('t', id))).rejects.toMatchObject(none)
    await expect(readAll(lanes.generate(request({ session: id })))).rejects.toMatchObject(none)
    expect(calls).toEqual([])
  })

  test('a key that is no id is a key', async () => {
    const { lanes, requests } = fakeLanes(answers(1))
    await readAll(lanes.generate(request({ sessionKey: 'sess_mine' })))
    expect(requests()[0].session).toBeUndefined()
  })

  test('calls of sessions and turns', async () => {
    const value = (object: string, tenant: unknown, id: unknown) => ({ value: { object, tenant, id } })
    const names = ['session', 'fork', 'remove', 'turn', 'removeTurn', 'cancelTurn'] as const
    const { lanes, objectsOf } = fakeLanes([], {}, Object.fromEntries(names.map((name) => [name, value])))
    const here = { object: 'lane-oc-3', tenant: 't' }
    expect(await lanes.session('t', 'sess_oc-3_a')).toEqual({ ...here, id: 'sess_oc-3_a' })
    expect(await lanes.fork('t', 'sess_oc-3_a')).toEqual({ ...here, id: 'sess_oc-3_a' })
    expect(await lanes.remove('t', 'sess_oc-3_a')).toBeUndefined()
    expect(await lanes.turn('t', 'oc-3_a_b')).toEqual({ ...here, id: 'oc-3_a_b' })
    expect(await lanes.removeTurn('t', 'oc-3_a_b')).toBeUndefined()
    expect(await lanes.cancelTurn('t', 'oc-3_a_b')).toEqual({ ...here, id: 'oc-3_a_b' })
    for (const name of names) expect(objectsOf(name)).toEqual(['lane-oc-3'])
  })

  test('errors keep code, message and param; codes that nobody knows are ours', async () => {
    const failing = (code: string) =>
      fakeLanes([], {}, { fork: () => ({ error: { type: 'error', code, message: 'm', param: 'p' } }) }).lanes
    const known = { name: 'IsletError', code: 'conflict', message: 'm', param: 'p' }
    await expect(failing('conflict').fork('t', 'sess_0_a')).rejects.toMatchObject(known)
    await expect(failing('odd').fork('t', 'sess_0_a')).rejects.toMatchObject({ code: 'internal_error' })
  })

  test('an object that is lost or has too much to do', async () => {
    const throwing = (error: Error) =>
      fakeLanes([], {}, { turn: () => Promise.reject(error) }).lanes.turn('t', '0_a_b')
    await expect(throwing(new Error('lost'))).rejects.toMatchObject({ code: 'lane_lost' })
    const overloaded = Object.assign(new Error('too much'), { overloaded: true })
    await expect(throwing(overloaded)).rejects.toMatchObject({ code: 'overloaded' })
  })
})

describe('all lanes', () => {
  test('sessions of all regions, newest use first, a few objects at a time', async () => {
    let [now, most, made] = [0, 0, 0]
    const sessions = async (object: string) => {
      const usedAt = (made++ * 7) % 10
      most = Math.max(most, ++now)
      await Promise.resolve()
      now--
      return [{ id: object, usedAt }]
    }
    const { lanes, objectsOf } = fakeLanes([], { lanes: 5, regions: ['weur', 'oc'] }, { sessions })
    const views = await lanes.sessions('t', { limit: 100 })
    expect(views.map(({ usedAt }) => usedAt)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    const all = ['weur', 'oc'].flatMap((region) => [0, 1, 2, 3, 4].map((lane) => `lane-${region}-${lane}`))
    expect(objectsOf('sessions').sort()).toEqual(all.sort())
    expect(most).toBe(6)
  })

  test('a page of them behind one, which is asked for first', async () => {
    const pages: object[] = []
    const { lanes } = fakeLanes(
      [],
      { lanes: 2 },
      {
        session: () => ({ value: { id: 'sess_1_x', usedAt: 7 } }),
        sessions: (object: string, ...args: unknown[]) => {
          pages.push(args[1] as object)
          return [6, 5].map((usedAt) => ({ id: object, usedAt }))
        },
      },
    )
    const views = await lanes.sessions('t', { limit: 3, after: 'sess_1_x' })
    expect(views.map(({ id, usedAt }) => [id, usedAt])).toEqual([
      ['lane-0', 6],
      ['lane-1', 6],
      ['lane-0', 5],
    ])
    expect(pages).toEqual([0, 1].map(() => ({ limit: 3, after: { id: 'sess_1_x', usedAt: 7 } })))
  })

  test('everything of a tenant goes, on the other lanes also when one fails', async () => {
    const removeAll = (object: string) => {
      if (object === 'lane-1') throw new Error('lost')
      return 2
    }
    const failing = fakeLanes([], { lanes: 9 }, { removeAll })
    await expect(failing.lanes.removeAll('t')).rejects.toMatchObject({ code: 'lane_lost' })
    expect(failing.objectsOf('removeAll')).toHaveLength(9)
    expect(await fakeLanes([], { lanes: 9 }, { removeAll: () => 2 }).lanes.removeAll('t')).toBe(18)
  })

  test('cannot be told where each session has an object', async () => {
    const { lanes } = fakeLanes([], { lanes: 'session' })
    const refused = { code: 'unsupported_value', message: expect.stringContaining('cannot be listed') }
    await expect(lanes.sessions('t', { limit: 100 })).rejects.toMatchObject(refused)
    await expect(lanes.removeAll('t')).rejects.toMatchObject(refused)
  })

  test('health is that of the first lane near to the request', async () => {
    const health = () => ({ state: 'ready' })
    const { lanes, objectsOf } = fakeLanes([], { lanes: 4, regions: ['oc'], region: 'oc' }, { health })
    expect(await lanes.health()).toEqual({ state: 'ready' })
    expect(objectsOf('health')).toEqual(['lane-oc-0'])
  })
})

describe('tokens', () => {
  const task = { kind: 'decode' as const, ids: [1] }
  const asked = { requestId: 'r', tenant: 't', sessionKey: 'k', model: 'm', task }
  const piece: GenerationEvent = { type: 'tokens', text: 'a' }
  const end: GenerationEvent = { type: 'tokens', text: 'b', last: true }
  const lostAfter = (events: GenerationEvent[]) => () => streamOf(events, new Error('lost'))

  test('are asked for again where the lane was lost before any came', async () => {
    const { lanes, objectsOf } = fakeLanes([lostAfter([]), () => streamOf([piece, end])])
    expect(await readAll(lanes.tokens(asked))).toEqual([piece, end])
    expect(objectsOf('tokens')).toHaveLength(2)
  })

  test('of two lanes are not put together', async () => {
    const { lanes } = fakeLanes([lostAfter([piece]), () => streamOf([piece, end])])
    await expect(readAll(lanes.tokens(asked))).rejects.toMatchObject({ code: 'lane_lost' })
  })

  test('go to another lane where the first is full, and a loss behind the last concerns nobody', async () => {
    const full: GenerationEvent = { type: 'error', code: 'overloaded', message: 'full', movable: true }
    const { lanes, objectsOf } = fakeLanes([() => streamOf([full]), lostAfter([piece, end])], { lanes: 3 })
    expect(await readAll(lanes.tokens(asked))).toEqual([piece, end])
    expect(new Set(objectsOf('tokens')).size).toBe(2)
  })
})

describe('conversations', () => {
  const entry = { tenant: 't', sessionKey: 'k', model: 'm', conversation: [], reply: null }

  test('begin in a lane of their key, and are kept and found where their id says', async () => {
    const made = { keepConversation: () => ({ value: 'sess_5_abc' }), turn: () => ({ value: 'a turn' }) }
    const { lanes, calls, objectsOf } = fakeLanes([], { lanes: 8 }, made)
    for (let i = 0; i < 12; i++) await lanes.keepConversation({ ...entry, sessionKey: `k${i}` })
    expect(new Set(objectsOf('keepConversation')).size).toBeGreaterThan(3)
    for (const { object, args } of calls) expect(args[1]).toBe(object.slice('lane-'.length))
    await lanes.keepConversation({ ...entry, session: 'sess_5_abc' })
    expect(objectsOf('keepConversation').at(-1)).toBe('lane-5')
    await lanes.turn('t', 'conv_5_abc')
    expect(calls.at(-1)).toMatchObject({ object: 'lane-5', method: 'turn', args: ['t', 'conv_5_abc'] })
  })

  test('have ids of which no other call is asked', async () => {
    const { lanes } = fakeLanes([], { lanes: 8 })
    for (const id of ['conv_', 'conv_x', 'conv_9999999_a', 'conv_sess_0_a'])
      await expect(lanes.turn('t', id)).rejects.toMatchObject({ code: 'not_found' })
    for (const call of ['removeTurn', 'cancelTurn', 'session', 'remove', 'fork'] as const)
      await expect(lanes[call]('t', 'conv_0_abc')).rejects.toMatchObject({ code: 'not_found' })
  })
})
