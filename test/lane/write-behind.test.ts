// These tests check when pages and records become durable.
// Whole rows of pages do at the next tick, single pages within a second, the turn every two seconds and at its end.

import { expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import type { TurnRecord } from '../../src/storage/turn-record.ts'
import { Sessions } from '../../src/lane/sessions.ts'
import { argmax, MOCK_SPEC, MockModel } from '../helpers/mock-model.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const TICK = 250
const FULL = { window: undefined, sinks: 0 }
const driver = { stop: async () => undefined }
const prompt = Array.from({ length: 40 }, (_, i) => i)

async function begin(model = new MockModel()) {
  let now = 0
  let ids = 0
  const sql = nodeSql()
  const engine = new Engine(model)
  const sessions = new Sessions({
    id: 'lane',
    sql,
    now: () => now,
    newId: () => `r${++ids}`,
    lifetimes: { pages: 1e6, sessions: 1e6, turns: 1e6 },
    budget: { tenantBytes: 1e9, tenantSessions: 1e4, laneBytes: 1e9 },
    rest: () => Promise.resolve(),
    engine: () => engine,
    log: (entry) => expect(entry).toBeUndefined(),
  })
  sessions.useModel(['model'], MOCK_SPEC, FULL)
  const asked = request({ store: true, prompt: { kind: 'ids', ids: prompt } })
  const record = await sessions.begin(
    asked,
    { prompt: { ids: prompt, truncatedTokens: 0, kind: 'ids', tools: false }, echo: undefined },
    '0',
  )
  const turn = engine.open({
    tenant: asked.tenant,
    prompt,
    maxTokens: 400,
    choose: (logits) => ({ id: argmax(logits), stop: false }),
    vault: sessions.pages,
    session: record.session,
  })
  /** Computes up to that many positions. */
  const runTo = (positions: number): void => {
    while ((turn.sequence?.length ?? 0) < positions) {
      engine.step(sessions.pages)
      turn.taken = turn.produced
    }
    record.generated = turn.ids.slice(prompt.length)
  }
  const pages = (): number =>
    Number(sql.exec('SELECT SUM(count) AS pages FROM kv_runs').toArray()[0]['pages'] ?? 0)
  const rows = (): number => sql.exec('SELECT head FROM kv_runs').toArray().length
  const tick = (ms = TICK): boolean => {
    now += ms
    return sessions.tick()
  }
  const stored = (): TurnRecord => sessions.find(asked.tenant, record.session)
  /** Ids of the answer in the turn's row. */
  const durable = (): number =>
    Number(sql.exec('SELECT length(generated) AS bytes FROM turns').toArray()[0]['bytes'] ?? 0) / 4
  return { durable, sessions, record, runTo, pages, rows, tick, stored, sql, engine, turn }
}

test('a row of pages is written at the next tick, single pages within a second', async () => {
  const { runTo, pages, rows, tick } = await begin()
  runTo(3 * PAGE_POSITIONS + 2)
  expect(tick()).toBe(true)
  expect(pages()).toBe(0)
  // They grow, and do not thereby get younger.
  runTo(4 * PAGE_POSITIONS - 1)
  tick()
  tick()
  expect(pages()).toBe(3)
  runTo(11 * PAGE_POSITIONS)
  tick()
  expect([pages(), rows()]).toEqual([11, 3])
  expect(tick()).toBe(false)
})

test('the turn is there before its first token, then every two seconds, then at its end', async () => {
  const { sessions, record, runTo, tick, stored, durable } = await begin()
  expect(stored()).toMatchObject({ generated: [], prompt: { ids: prompt } })
  await sessions.enter(record, driver)
  runTo(60)
  const before = record.generated.length
  tick(1999)
  expect(durable()).toBe(0)
  tick(1)
  expect(durable()).toBe(before)
  runTo(80)
  tick(1000)
  expect(durable()).toBe(before)
  sessions.leave(record, driver)
  expect(stored()).not.toBe(record)
  expect(stored()).toMatchObject({ state: 'paused' })
  expect(durable()).toBe(record.generated.length)
})

test('an end is written also where no id has come since the last time', async () => {
  const { sessions, record, runTo, tick, sql } = await begin()
  const state = (): unknown => sql.exec('SELECT state FROM turns').toArray()[0]['state']
  await sessions.enter(record, driver)
  runTo(60)
  // Pages first, so that there is nothing left to write but the state.
  for (const ms of [TICK, 500, 2000]) tick(ms)
  expect(state()).toBe('running')
  sessions.leave(record, driver)
  expect(state()).toBe('paused')
})

/** How often the turn's row is written by `work`. */
function writes({ sql }: { sql: Sql }, work: () => void): number {
  const { exec } = sql
  let count = 0
  sql.exec = (query, ...values) => {
    if (query.startsWith('UPDATE turns')) count++
    return exec(query, ...values)
  }
  work()
  sql.exec = exec
  return count
}

test('a page that waits is written when it has waited for 400 ms, not before', async () => {
  const { runTo, pages, tick } = await begin()
  runTo(PAGE_POSITIONS + 2)
  tick(0)
  tick(399)
  expect(pages()).toBe(0)
  tick(1)
  expect(pages()).toBe(2)
  // What waits behind pages that are saved waits anew.
  runTo(3 * PAGE_POSITIONS)
  expect([tick(1000), pages()]).toEqual([true, 2])
  expect([tick(400), pages()]).toEqual([false, 3])
})

test('a row is written again where ids or pages came, or the state changed, and else is not', async () => {
  const bed = await begin()
  const { sessions, record, runTo, tick } = bed
  await sessions.enter(record, driver)
  // It was written when it was begun, before it ran.
  expect(writes(bed, () => tick(2000))).toBe(1)
  expect(writes(bed, () => tick(2000))).toBe(0)
  runTo(prompt.length + 3)
  expect(writes(bed, () => tick(1999))).toBe(0)
  expect(writes(bed, () => tick(1))).toBe(1)
  // Its pages come with the next tick.
  expect(writes(bed, () => tick(2000))).toBe(1)
  expect(writes(bed, () => tick(2000))).toBe(0)
  record.state = 'cancelled'
  expect(writes(bed, () => tick(2000))).toBe(1)
  sessions.leave(record, driver)
  expect(writes(bed, () => tick(2000))).toBe(0)
})

test('the end of a turn writes the pages of its own session, those of others wait', async () => {
  const { sessions, record, runTo, pages, turn } = await begin()
  await sessions.enter(record, driver)
  runTo(2 * PAGE_POSITIONS + 2)
  if (turn.sequence !== undefined) turn.sequence.session = 'sess_0_other'
  sessions.leave(record, driver)
  expect(pages()).toBe(0)
  await sessions.enter(record, driver)
  if (turn.sequence !== undefined) turn.sequence.session = record.session
  sessions.leave(record, driver)
  expect(pages()).toBe(2)
})

test('nobody’s turn ends twice, and no page of an engine that failed is written', async () => {
  let isBroken = false
  const model = new MockModel({
    onForward: () => {
      if (isBroken) throw new Error('trap')
    },
  })
  const { sessions, record, runTo, pages, tick, engine } = await begin(model)
  runTo(3 * PAGE_POSITIONS)
  isBroken = true
  engine.step(sessions.pages)
  expect(engine.failure).toBeDefined()
  tick(1000)
  tick(1000)
  expect(pages()).toBe(0)
  await sessions.enter(record, driver)
  sessions.leave(record, driver)
  expect(() => sessions.leave(record, driver)).not.toThrow()
})

test('while a step is on its way pages wait for a later tick', async () => {
  const { sessions, runTo, pages, tick, engine } = await begin()
  runTo(5 * PAGE_POSITIONS)
  const step = engine.plan(sessions.pages)
  expect([step === undefined, tick(1000), tick(1000), pages()]).toEqual([false, true, true, 0])
  if (step !== undefined) engine.fail(step, new Error('lost'))
})

test('something will be due while a turn runs, and nothing once storage is lost', async () => {
  const { sessions, record, tick } = await begin()
  expect(tick()).toBe(false)
  await sessions.enter(record, driver)
  expect(tick()).toBe(true)
  sessions.leave(record, driver)
  expect(tick()).toBe(false)
})
