// These tests open the SQLite of an object that older code wrote and find its turns, pages and window again.
// The rows and the script that made them are in test/fixtures/stored-object.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ask, eventsOf, idsOf, textOf } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import {
  CONFIGURED,
  dump,
  HALVED,
  LATER_MS,
  NAMES,
  readOn,
  REQUESTS,
  restored,
  tinyLane,
  type Name,
  type StoredObject,
} from '../helpers/stored-object.ts'

const stored = JSON.parse(
  readFileSync(new URL('../fixtures/stored-object/rows.json', import.meta.url), 'utf8'),
) as StoredObject
const { left, told } = stored

/** The object that comes after the one of the rows. */
function next() {
  const sql = restored(stored)
  return { sql, ...tinyLane(sql, 'new', { afterMs: LATER_MS }) }
}

/** An answer of today's code, of an object that had nothing and under the same window. */
async function undisturbed(name: Name) {
  const { lane } = tinyLane(nodeSql(), 'alone', { config: { windows: [HALVED] } })
  return await ask(lane, REQUESTS[name])
}

describe('an object that older code has written', () => {
  test('has the same tables, and its rows stay as they are', () => {
    const { sql, lane } = next()
    expect(lane.sessions).toBeDefined()
    expect(dump(sql)).toEqual({ schema: stored.schema, tables: stored.tables })
    const made = nodeSql()
    tinyLane(made, 'made')
    expect(dump(made).schema).toEqual(stored.schema)
  })

  test('lists its sessions, with their pages', async () => {
    const { lane } = next()
    const sessions = (await lane.ready()).list('tenant')
    expect(sessions).toMatchObject([
      { id: left.background.session, state: 'running', completionTokens: 3, storage: { pages: 1 } },
      { id: left.kept.session, state: 'done', completionTokens: 24, storage: { pages: 2 } },
      { id: left.paused.session, state: 'paused', completionTokens: 9, storage: { pages: 2 } },
      { id: left.finished.session, state: 'done', completionTokens: 48, storage: { pages: 11 } },
    ])
    expect((await lane.ready()).list('other')).toEqual([])
  })

  test('tells the finished answer again, without an engine', async () => {
    const { lane, loaded } = next()
    const events = await readOn(lane, left.finished.session)
    expect(textOf(events)).toBe(told.finished.text)
    expect(idsOf(events)).toEqual(told.finished.ids)
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'length' })
    expect(loaded).toEqual([])
  })

  test('goes on with the paused answer by its stored pages, as if nothing had come between', async () => {
    const { lane } = next()
    const events = await readOn(lane, left.paused.session)
    expect(textOf(events)).toBe(told.paused.text)
    expect(idsOf(events)).toEqual(told.paused.ids)
    const whole = await undisturbed('paused')
    expect(idsOf(events)).toEqual(idsOf(whole))
    expect(textOf(events)).toBe(textOf(whole))
    expect(lane.health().storage?.pagesRestored).toBe(2)
    expect((await lane.ready()).list('tenant')[0]).toMatchObject({ id: left.paused.session, state: 'done' })
  })

  test('answers more in the finished session, behind its pages', async () => {
    const { lane } = next()
    const { prompt } = lane.sessions!.find('tenant', left.finished.session)
    const ids = [...prompt.ids, ...told.finished.ids, 5, 6, 7]
    const more = {
      ...REQUESTS.finished,
      session: left.finished.session,
      prompt: { kind: 'ids' as const, ids },
    }
    const events = await ask(lane, more)
    expect(eventsOf(events, 'session')[0].session).toBe(left.finished.session)
    expect(eventsOf(events, 'start')[0].cachedTokens).toBe(176)
    // Those that the window still sees: the first for the sinks, and the last.
    expect(lane.health().storage?.pagesRestored).toBe(9)
    const cold = tinyLane(nodeSql(), 'alone', { config: { windows: [HALVED] } })
    expect(idsOf(events)).toEqual(idsOf(await ask(cold.lane, { ...more, session: undefined })))
  })

  test('has the kept answer with its conversation', async () => {
    const { lane } = next()
    const view = await lane.turn('tenant', left.kept.turn)
    expect(view).toMatchObject({
      session: left.kept.session,
      state: 'done',
      reply: { kept: true },
      conversation: [{ role: 'user', content: 'What is the lamp for?' }],
    })
    expect(textOf(view.events)).toBe(told.kept.text)
    expect(idsOf(view.events)).toEqual(told.kept.ids)
  })

  test('goes on with the answer in the background when its alarm rings, and deletes nothing', async () => {
    const { sql, lane } = next()
    await lane.awake()
    const view = await lane.turn('tenant', left.background.turn)
    expect(view).toMatchObject({ state: 'done', conversation: REQUESTS.background.conversation })
    expect(textOf(view.events)).toBe(told.background.text)
    expect(idsOf(view.events)).toEqual(idsOf(await undisturbed('background')))
    const heads = (rows: Record<string, unknown>[]) => rows.map(({ head }) => head)
    expect(heads(dump(sql).tables['kv_runs'])).toEqual(
      expect.arrayContaining(heads(stored.tables['kv_runs'])),
    )
    expect((await lane.ready()).list('tenant').length).toBe(NAMES.length)
  })

  test('holds what is written today, to the byte', async () => {
    const sql = nodeSql()
    const config = { windows: [HALVED] }
    await ask(tinyLane(sql, 'old', { config, isFrozen: true }).lane, REQUESTS.finished)
    const { turns, kv_runs: runs } = dump(sql).tables
    // Times apart, whose rows are the clock's.
    const untimed = ({ created: _, used: __, expires: ___, ...row }: (typeof turns)[number]) => row
    expect(turns.map(untimed)).toEqual(
      stored.tables['turns'].filter(({ key }) => key === 'finished').map(untimed),
    )
    expect(runs.map(({ count }) => count).sort()).toEqual([2, 3, 3, 3])
    expect(stored.tables['kv_runs']).toEqual(expect.arrayContaining(runs))
  })

  test('works in the window that was halved', async () => {
    const { lane, loaded, logged } = next()
    const events = await readOn(lane, left.paused.session)
    expect(loaded).toEqual([HALVED])
    expect(eventsOf(events, 'finish')[0].window).toMatchObject({ window: HALVED, sinks: 4 })
    expect(lane.health()).toMatchObject({
      window: { window: HALVED, sinks: 4 },
      note: expect.stringContaining(`${HALVED} instead of ${CONFIGURED}`),
    })
    expect(logged).toEqual([])
  })
})
