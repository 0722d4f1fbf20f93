// A turn's record and its row: what is computed again to be told, and what a row is charged as it grows, ends and is copied.

import { beforeEach, describe, expect, test } from 'vitest'
import type { GenerateRequest, TokenLogprob } from '../../src/protocol/generation.ts'
import { Ledger, TURN_BYTES } from '../../src/storage/ledger.ts'
import { STEP } from '../../src/storage/run-ledger.ts'
import type { Sql } from '../../src/storage/sql.ts'
import {
  choiceSeed,
  idsOf,
  isStored,
  isToldByCopy,
  lacksLogprobs,
  newRecord,
  unstored,
  type TurnRecord,
} from '../../src/storage/turn-record.ts'
import { TurnStore } from '../../src/storage/turn-store.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const prompt = { ids: [1, 2, 3], truncatedTokens: 0, kind: 'ids' as const, tools: false }
const logprob: TokenLogprob = { token: 'a', logprob: -1, bytes: [97], top: [] }
const END: TurnRecord['end'] = { type: 'error', code: 'engine_failure', message: 'broken' }

function recordOf(
  asked: Partial<GenerateRequest> = {},
  changes: Partial<TurnRecord> = {},
  turn = 't',
): TurnRecord {
  const details = {
    session: 'sess_0_a',
    turn: `0_a_${turn}`,
    createdAt: 1,
    expiresAt: 9,
    model: 'm',
    echo: undefined,
  }
  return { ...newRecord(request({ store: true, ...asked }), prompt, details), ...changes }
}

describe('a record', () => {
  test('lacks log probabilities where they were asked for and it has ids without them', () => {
    const lacks = (topLogprobs: number | undefined, generated: number[], logprobs: TokenLogprob[]) =>
      lacksLogprobs(recordOf({ topLogprobs }, { generated, logprobs }))
    expect([lacks(0, [1], []), lacks(5, [1, 2], [])]).toEqual([true, true])
    expect([lacks(undefined, [1], []), lacks(0, [], []), lacks(0, [1], [logprob])]).toEqual([
      false,
      false,
      false,
    ])
  })

  test('is told by a copy where it has ended and lacks them', () => {
    const told = (topLogprobs: number | undefined, end: TurnRecord['end']) =>
      isToldByCopy(recordOf({ topLogprobs }, { generated: [1], end }))
    expect([told(0, END), told(0, undefined), told(undefined, END)]).toEqual([true, false, false])
  })

  test('has the conversation of a chat alone', () => {
    const messages = [{ role: 'user', content: 'q' }]
    const chat = recordOf({ prompt: { kind: 'chat', messages }, conversation: messages })
    expect([chat.conversation, chat.request]).toEqual([
      messages,
      expect.not.objectContaining({ conversation: messages }),
    ])
    expect(recordOf({ conversation: messages }).conversation).toBeUndefined()
  })

  test('of a turn that is not stored has no names and no times', () => {
    const record = unstored(request(), prompt, 'said')
    expect(record).toMatchObject({
      session: '',
      turn: '',
      createdAt: 0,
      usedAt: 0,
      expiresAt: 0,
      echo: 'said',
    })
    expect([isStored(record), isStored(recordOf()), record.state]).toEqual([false, true, 'running'])
    expect(idsOf({ ...record, generated: [7, 8] })).toEqual([1, 2, 3, 7, 8])
  })
})

test('the seeds of answers begin with the one that was asked for', () => {
  expect([0, 1, 2].map((answer) => choiceSeed(11, answer))).toEqual([11, 2_654_435_780, 1_013_904_253])
  expect(choiceSeed(2 ** 32 - 1, 1)).toBe(2_654_435_768)
})

describe('a row is charged', () => {
  let sql: Sql
  let ledger: Ledger
  let store: TurnStore
  beforeEach(() => {
    sql = nodeSql()
    ledger = new Ledger(sql)
    store = new TurnStore(sql, ledger)
  })
  const bytes = () => ledger.totals.of('tenant').bytes
  /** What the row itself holds. */
  const held = (turn = '0_a_t') => {
    const columns = ['prompt', 'generated', 'facts', 'conversation', 'runs']
    const sum = columns.map((name) => `coalesce(octet_length(${name}), 0)`).join(' + ')
    return Number(sql.exec(`SELECT ${sum} AS bytes FROM turns WHERE turn = ?`, turn).toArray()[0]['bytes'])
  }
  const insert = (...args: Parameters<typeof recordOf>): TurnRecord => {
    const record = recordOf(...args)
    store.insert(record, undefined)
    return record
  }

  test('as long as it may get while its turn is open, and what it is when that has ended', () => {
    const record = insert({ maxTokens: 50 })
    // The list of its runs comes with the first update.
    expect(bytes()).toBe(held() - 2 + 200 + TURN_BYTES)
    for (const state of ['running', 'paused'] as const) {
      Object.assign(record, { state, generated: [5, 6, 7] })
      store.update(record, [])
      expect(bytes()).toBe(held() + 4 * 47 + TURN_BYTES)
    }
    for (const state of ['done', 'failed', 'cancelled'] as const) {
      record.state = state
      store.update(record, [])
      expect(bytes()).toBe(held() + TURN_BYTES)
    }
  })

  test('no less for an answer that is longer than it was to be, or of no number', () => {
    const record = insert({ maxTokens: 1 })
    record.generated = [5, 6, 7]
    store.update(record, [])
    expect(bytes()).toBe(held() + TURN_BYTES)
    store.removeTurn(record)
    expect(bytes()).toBe(0)
    insert({ maxTokens: undefined })
    expect(bytes()).toBe(held() - 2 + TURN_BYTES)
  })

  test('for a copy by itself, of which its maker is told before it is there', () => {
    const source = insert({ maxTokens: 50 })
    const told: number[] = []
    const copy = recordOf({ maxTokens: 50 }, {}, 'copy')
    const refuse = (): never => {
      throw new Error('no room')
    }
    expect(() => store.insertFork(copy, source, [], refuse)).toThrow('no room')
    expect(store.turn('tenant', copy.turn)).toBeUndefined()
    const before = bytes()
    store.insertFork(copy, source, [], (more) => told.push(more))
    expect(told).toEqual([bytes() - before])
    expect(told[0]).toBeGreaterThanOrEqual(held(copy.turn) - 2 + 200 + TURN_BYTES)
  })

  test('for a copy of a wide turn what both do not share', () => {
    const stop = ['x'.repeat(50_000)]
    const source = insert({ stop, maxTokens: 50 }, { generated: [4, 5] })
    const copy = recordOf({ stop, maxTokens: 50 }, { generated: [4, 5, 6] }, 'copy')
    const told: number[] = []
    const refuse = (): never => {
      throw new Error('no room')
    }
    expect(() => store.insertFork(copy, source, [8, 9], refuse)).toThrow('no room')
    const before = bytes()
    store.insertFork(copy, source, [8, 9], (more) => told.push(more))
    expect(told).toEqual([bytes() - before])
    // 47 tokens may still come; four bytes stand in the place of the prompt.
    expect(told[0]).toBe(held(copy.turn) - 4 + 4 * 47 + TURN_BYTES)
    expect(told[0]).toBeLessThan(10_000)
    expect(ledger.entry(copy)?.run).toBe(9)
    expect(store.turn('tenant', copy.turn)).toMatchObject({ generated: [4, 5, 6], request: { stop } })
  })

  test('nothing any more when it is gone, and an update of it writes nothing', () => {
    const record = insert()
    store.removeTurn(record)
    store.update(record, [])
    expect([bytes(), sql.exec('SELECT 1 FROM turns').toArray()]).toEqual([0, []])
  })

  test('its time is written where it changed', () => {
    const record = insert()
    const expires = () => Number(sql.exec('SELECT expires FROM turns').toArray()[0]['expires'])
    sql.exec('UPDATE turns SET expires = 5')
    store.update(record, [])
    expect(expires()).toBe(5)
    record.expiresAt = 77
    store.update(record, [])
    expect(expires()).toBe(77)
    sql.exec('UPDATE turns SET expires = 5')
    store.update(record, [])
    expect(expires()).toBe(5)
  })

  test('turns of a session go a step at a time, the oldest first', () => {
    for (let i = 0; i < STEP.rows + 1; i++) insert({}, { createdAt: i }, `t${i}`)
    expect(store.oldestKept('sess_0_a')).toEqual({ session: 'sess_0_a', turn: '0_a_t0' })
    expect(store.removeOf('sess_0_a')).toBe(true)
    expect(store.bySession('tenant', 'sess_0_a').map(({ turn }) => turn)).toEqual([`0_a_t${STEP.rows}`])
    expect(store.oldestKept('sess_0_a')).toBeUndefined()
    expect([store.removeOf('sess_0_a'), bytes()]).toEqual([false, 0])
  })

  test('turns whose time is over go until a step has its bytes', () => {
    const wide = STEP.bytes / 8
    for (let i = 0; i < 10; i++) insert({ stop: ['x'.repeat(wide)] }, { expiresAt: i }, `t${i}`)
    expect(store.removeExpired(20)).toBe(true)
    expect(store.nextExpiry()).toBe(8)
    expect(store.removeExpired(8)).toBe(false)
    expect(store.nextExpiry()).toBe(9)
  })

  test('turns that go on unread are found, of one session or of any', () => {
    expect(store.hasUnfinished()).toBe(false)
    insert()
    expect([store.hasUnfinished(), store.hasUnfinished('sess_0_a')]).toEqual([false, false])
    const record = insert({ background: true }, {}, 'b')
    expect([store.hasUnfinished(), store.hasUnfinished('sess_0_a'), store.hasUnfinished('sess_0_b')]).toEqual(
      [true, true, false],
    )
    expect(store.unfinished().map(({ turn }) => turn)).toEqual([record.turn])
    record.state = 'done'
    store.update(record, [])
    expect(store.hasUnfinished()).toBe(false)
  })
})
