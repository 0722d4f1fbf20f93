// These tests check when pages and records become durable.
// Whole rows of pages do at the next tick, single pages within a second, the turn every two seconds and at its end.

import { expect, test } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import type { TurnRecord } from '../../src/storage/turn-record.ts'
import { Sessions } from '../../src/lane/sessions.ts'
import { argmax, MOCK_SPEC, MockModel } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const TICK = 250
const FULL = { window: undefined, sinks: 0 }
const prompt = Array.from({ length: 40 }, (_, i) => i)

async function begin() {
  let now = 0
  let ids = 0
  const sql = nodeSql()
  const engine = new Engine(new MockModel())
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
    { ids: prompt, truncatedTokens: 0, kind: 'ids', tools: false },
    undefined,
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
  return { durable, sessions, record, runTo, pages, rows, tick, stored, sql }
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
  const driver = { stop: async () => undefined }
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
  const driver = { stop: async () => undefined }
  await sessions.enter(record, driver)
  runTo(60)
  // Pages first, so that there is nothing left to write but the state.
  for (const ms of [TICK, 500, 2000]) tick(ms)
  expect(state()).toBe('running')
  sessions.leave(record, driver)
  expect(state()).toBe('paused')
})
