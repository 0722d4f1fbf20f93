// These tests write turns and read them again: nothing of a request is lost, borders of time and size are where they are said to be.

import { beforeEach, describe, expect, test } from 'vitest'
import { ROW_BYTES } from '../../src/lib/limits.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { goesOnFrom, isTryOf } from '../../src/storage/turn-header.ts'
import { newRecord, type TurnRecord } from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

let sql: Sql
let store: TurnStore

beforeEach(() => {
  sql = nodeSql()
  store = new TurnStore(sql)
})

type Changes = { request?: Partial<GenerateRequest>; prompt?: Partial<TurnRecord['prompt']> } & Partial<
  Pick<TurnRecord, 'session' | 'turn' | 'createdAt' | 'expiresAt'>
>

function record({ request: asked, prompt, ...details }: Changes = {}): TurnRecord {
  const session = details.session ?? 'sess_0_a'
  return newRecord(
    request({ store: true, ...asked }),
    { ids: [1, 2, 70_000], truncatedTokens: 0, kind: 'ids', tools: false, ...prompt },
    {
      session,
      turn: `${session.slice('sess_'.length)}_t`,
      createdAt: 1000,
      expiresAt: 9000,
      model: 'm',
      echo: undefined,
      ...details,
    },
  )
}

const inserted = (changes: Changes = {}): TurnRecord => {
  const made = record(changes)
  store.insert(made, undefined)
  return made
}

/** Ids of a session's turns as its headers list them, which are all that there are. */
function stored(session = 'sess_0_a'): string[] {
  const listed = store.bySession('tenant', session).map(({ turn }) => turn)
  const rows = sql.exec('SELECT turn FROM turns WHERE session = ?', session).toArray()
  expect(rows.map(({ turn }) => turn).sort()).toEqual(listed.toSorted())
  return listed
}

describe('a row', () => {
  test('gives back all of its record, seed and penalties too', () => {
    const messages = [{ role: 'user', content: 'Hi', name: 'ann' }]
    const made = inserted({
      request: {
        prompt: { kind: 'chat', messages },
        conversation: messages,
        sampling: {
          temperature: 0.7,
          topK: 5,
          topP: 0.9,
          minP: 0.1,
          repetitionPenalty: 1.1,
          presencePenalty: -1,
          frequencyPenalty: 0.5,
          seed: 4_294_967_295,
          logitBias: [[7, -100]],
        },
        stop: ['\n', 'end'],
        topLogprobs: 0,
        background: true,
        reply: { kind: 'chat', deep: [1, null, 'x'] },
      },
      prompt: { truncatedTokens: 3, kind: 'chat', tools: true },
    })
    const { logprobs: _, ...kept } = made
    expect(store.turn('tenant', made.turn)).toMatchObject(kept)
    Object.assign(made, {
      state: 'done',
      usedAt: 2000,
      expiresAt: 12_000,
      generated: [0, 131_071, 5],
      cachedTokens: 2,
      end: {
        type: 'finish',
        reason: 'length',
        usage: { promptTokens: 3, cachedTokens: 2, completionTokens: 3 },
        window: { window: 64, sinks: 4, outOfSight: 1 },
      },
    })
    store.update(made, [5, 6])
    const { logprobs: _none, ...later } = made
    expect(store.turn('tenant', made.turn)).toMatchObject(later)
    expect(store.bySession('tenant', made.session)[0].isKept).toBe(true)
  })

  test('of another version is deleted at opening', () => {
    for (const change of [-1, 1]) {
      inserted()
      sql.exec('UPDATE turns SET version = version + ?', change)
      sql.exec("UPDATE ledger SET versions = 'of older code'")
      store = new TurnStore(sql)
      expect(store.newest('tenant', 'sess_0_a')).toBeUndefined()
      expect(stored()).toEqual([])
    }
  })

  test('may have as many bytes as fit, with all that the answer may come to, and not one more', () => {
    const bytesOf = (text: string, maxTokens: number) => ({ request: { stop: [text], maxTokens } })
    const refusal = expect.objectContaining({ code: 'invalid_request', param: 'store' }) as Error
    // Grown letter by letter to the border, from a row whose size the refusal tells.
    const told = (() => {
      try {
        store.insert(record(bytesOf('x'.repeat(ROW_BYTES), 8)), undefined)
      } catch (error) {
        return Number(/: (\d+) bytes/.exec((error as Error).message)?.[1])
      }
      return 0
    })()
    const most = ROW_BYTES - (told - ROW_BYTES)
    expect(() => store.insert(record(bytesOf('x'.repeat(most + 1), 8)), undefined)).toThrow(refusal)
    expect(() => store.insert(record(bytesOf('x'.repeat(most), 9)), undefined)).toThrow(refusal)
    expect(() => store.insert(record(bytesOf('x'.repeat(most - 1) + 'é', 8)), undefined)).toThrow(refusal)
    expect(stored()).toEqual([])
    store.insert(record(bytesOf('x'.repeat(most), 8)), undefined)
    expect(stored()).toHaveLength(1)
  })
})

describe('time', () => {
  test('is over for a turn when it expires', () => {
    inserted()
    store.removeExpired(8999)
    expect(stored()).toHaveLength(1)
    store.removeExpired(9000)
    expect(stored()).toEqual([])
  })

  test('is over next for the turn that expires first', () => {
    expect(store.nextExpiry()).toBeUndefined()
    const made = inserted()
    expect(store.nextExpiry()).toBe(9000)
    inserted({ session: 'sess_0_b', expiresAt: 5000 })
    expect(store.nextExpiry()).toBe(5000)
    store.update({ ...made, expiresAt: 4000 }, [])
    expect(store.nextExpiry()).toBe(4000)
  })

  test('orders the turns of a session and of a key, the newest first', () => {
    for (const [i, createdAt] of [2000, 3000, 1000].entries()) inserted({ turn: `0_a_${i}`, createdAt })
    const order = ['0_a_1', '0_a_0', '0_a_2']
    expect(stored()).toEqual(order)
    expect(store.newest('tenant', 'sess_0_a')?.turn).toBe(order[0])
    expect(store.byKey('tenant', 'session').map(({ turn }) => turn)).toEqual(order)
  })

  test('of pages: those of turns used after it are kept', () => {
    const made = inserted()
    store.update({ ...made, state: 'done', usedAt: 5000 }, [7, 8])
    const givenUp = (until: number) => store.ledger.withPages('tenant', until, 9).map(({ run }) => run)
    expect(givenUp(4999)).toEqual([])
    expect(givenUp(5000)).toEqual([8])
    expect(store.ledger.oldestPages()).toBe(5000)
  })
})

describe('tenants', () => {
  test('find nothing of each other by any of their keys and ids', () => {
    const made = inserted()
    expect(store.turn('other', made.turn)).toBeUndefined()
    expect(store.newest('other', made.session)).toBeUndefined()
    expect(store.byKey('other', 'session')).toEqual([])
    expect(store.bySession('other', made.session)).toEqual([])
    expect(store.hasKey('other', 'session')).toBe(false)
    expect(store.ledger.sessions('other')).toEqual([])
    expect(store.ledger.withPages('other', Number.MAX_SAFE_INTEGER, 9)).toEqual([])
  })
})

describe('unfinished', () => {
  test('are turns in the background that run, and no others', () => {
    const made = inserted({ request: { background: true } })
    inserted({ session: 'sess_0_b' })
    expect(store.unfinished().map(({ session }) => session)).toEqual(['sess_0_a'])
    for (const state of ['paused', 'done', 'failed', 'cancelled'] as const) {
      store.update({ ...made, state }, [])
      expect([store.unfinished(), store.hasUnfinished()]).toEqual([[], false])
    }
  })

  test('a new turn may take the place of the one before, and of no other', () => {
    inserted({ turn: '0_a_1' })
    inserted({ turn: '0_a_2' })
    const [before] = store.bySession('tenant', 'sess_0_a').filter(({ turn }) => turn === '0_a_1')
    store.insert(record({ turn: '0_a_3' }), before)
    expect(stored().sort()).toEqual(['0_a_2', '0_a_3'])
  })
})

describe('a header', () => {
  const header = () => store.bySession('tenant', 'sess_0_a')[0]

  test('is of a try by body, model and a state that can go on', () => {
    const made = inserted({ request: { bodyHash: 'b' } })
    const asked = request({ bodyHash: 'b' })
    expect(isTryOf(header(), asked, 'm')).toBe(true)
    expect(isTryOf(header(), request({ bodyHash: 'c' }), 'm')).toBe(false)
    expect(isTryOf(header(), asked, 'n')).toBe(false)
    const open = { running: true, paused: true, done: true, failed: false, cancelled: false } as const
    for (const [state, goesOn] of Object.entries(open)) {
      store.update({ ...made, state: state as TurnRecord['state'] }, [])
      expect(isTryOf(header(), asked, 'm'), state).toBe(goesOn)
    }
  })

  test('is gone on from by ids that begin with all of its prompt', () => {
    inserted()
    for (const ids of [
      [1, 2, 70_000],
      [1, 2, 70_000, 9],
    ])
      expect(goesOnFrom(header(), ids)).toBe(true)
    for (const ids of [[1, 2], [], [1, 2, 4464], [0, 2, 70_000], [1, 2, 9, 70_000]])
      expect(goesOnFrom(header(), ids)).toBe(false)
  })
})
