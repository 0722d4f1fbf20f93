// Where a session's pages lie: in memory and storage, reused, shared, out of whose sight, and never another tenant's.

import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import { emptySequence, type Sequence } from '../../src/engine/sequence.ts'
import type { Model } from '../../src/graph/model.ts'
import { viewsOf } from '../../src/graph/views.ts'
import { memoryReport } from '../../src/lane/session-memory.ts'
import type { Lane } from '../../src/lane/lane.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import type { MemoryReport } from '../../src/protocol/memory.ts'
import { ask, eventsOf, laneOn, laneStorage } from '../helpers/mock-lane.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const idsOf = (length: number, from = 31) => Array.from({ length }, (_, i) => (i * 7 + from) % 251)
const asked = (ids: number[], changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    tenant: 'a',
    sessionKey: 'k',
    prompt: { kind: 'ids', ids },
    store: true,
    maxTokens: 10,
    ignoreEos: true,
    ...changes,
  })

async function sessionOf(lane: Lane, of: GenerateRequest): Promise<string> {
  return eventsOf(await ask(lane, of), 'session')[0].session
}

/** Pages, one by one, as letters: memory, storage, reused, shared, in sight of the first view. */
const pagesOf = ({ runs }: MemoryReport): string[] =>
  runs.flatMap(({ count, memory, storage, reused, shared, inSight }) =>
    Array<string>(count).fill(
      (memory ? 'm' : '') +
        (storage ? 's' : '') +
        (reused ? 'r' : '') +
        (shared || '') +
        (inSight[0] ? '' : '-'),
    ),
  )

describe('a session', () => {
  test('of 100 tokens has its six full pages in both, and the one it writes in memory', async () => {
    const { lane } = laneOn(laneStorage())
    const id = await sessionOf(lane, asked(idsOf(90)))
    const report = await lane.memory('a', id)
    expect(report).toMatchObject({ id, tokens: 100, reused: 0, pageTokens: 16 })
    expect(pagesOf(report)).toEqual([...Array<string>(6).fill('ms'), 'm'])
    expect(report.runs).toHaveLength(2)
    expect(report.views).toEqual([{ layers: MOCK_SPEC.layers, window: undefined, sinks: 0, outOfSight: 0 }])
    expect(report.pool).toEqual({ pages: 64, used: 7, session: 7, template: 0 })
    expect(report.isolate).toMatchObject({ weights: 0, heap: 11e6, limit: 128e6 })
    const { weights, pool, scratch } = report.isolate ?? { weights: 0, pool: 0, scratch: 0 }
    expect([pool > 0, weights + pool + scratch]).toEqual([true, 65536])
  })

  test('that goes on says what the last turn found computed', async () => {
    const { lane } = laneOn(laneStorage())
    const first = await ask(lane, asked(idsOf(40)))
    const answer = eventsOf(first, 'text').flatMap(({ ids }) => ids)
    const { session: id } = eventsOf(first, 'session')[0]
    await ask(lane, asked([...idsOf(40), ...answer, 1, 2, 3]))
    const report = await lane.memory('a', id)
    // The 50th id was chosen and never run.
    expect(report).toMatchObject({ tokens: 63, reused: 49 })
    expect(pagesOf(report)).toEqual(['msr', 'msr', 'msr', 'mr'])
  })

  test('of a lane whose model is gone lies in storage, and asking loads nothing', async () => {
    const storage = laneStorage()
    const id = await sessionOf(laneOn(storage).lane, asked(idsOf(40)))
    const { lane, models } = laneOn(storage)
    const report = await lane.memory('a', id)
    expect(pagesOf(report)).toEqual(['s', 's', 's', ''])
    expect([report.pool, report.isolate, models.length]).toEqual([undefined, undefined, 0])
  })

  test('and its fork share pages, before the fork answers and behind', async () => {
    const { lane } = laneOn(laneStorage())
    const id = await sessionOf(lane, asked(idsOf(40), { maxTokens: 30 }))
    const { id: fork } = lane.owned.fork('a', id, '0')
    const before = await lane.memory('a', fork)
    expect(pagesOf(before)).toEqual(['ms1', 'ms1', 'ms1', 'ms1', 'm1'])
    expect(before.pool).toMatchObject({ used: 5, session: 0 })
    await ask(lane, asked(idsOf(45), { session: fork, sessionKey: fork }))
    expect(pagesOf(await lane.memory('a', fork)).slice(0, 2)).toEqual(['msr1', 'msr1'])
    expect(pagesOf(await lane.memory('a', id)).slice(0, 2)).toEqual(['ms1', 'ms1'])
  })

  test('of another tenant, and none at all, are one and the same', async () => {
    const { lane } = laneOn(laneStorage())
    const id = await sessionOf(lane, asked(idsOf(40)))
    const said = (tenant: string, of: string) =>
      lane.memory(tenant, of).catch((error: unknown) => String(error))
    expect(await said('b', id)).toContain('there is no such session')
    expect(await said('b', id)).toBe(await said('a', 'sess_0_none'))
  })

  test('counts no sequence of another tenant, and shows none of its pages', async () => {
    const { lane } = laneOn(laneStorage())
    const id = await sessionOf(lane, asked(idsOf(40)))
    const other = await sessionOf(lane, asked(idsOf(40), { tenant: 'b' }))
    expect(pagesOf(await lane.memory('b', other))).toEqual(['ms', 'ms', 'ms', 'm'])
    expect((await lane.memory('a', id)).pool).toEqual({ pages: 64, used: 8, session: 4, template: 0 })
    const { id: fork } = lane.owned.fork('b', other, '0')
    expect(pagesOf(await lane.memory('b', fork))).toEqual(['ms1', 'ms1', 'ms1', 'm1'])
  })

  test('has nothing in memory where another tenant has the same ids there', async () => {
    const storage = laneStorage()
    const id = await sessionOf(laneOn(storage).lane, asked(idsOf(40), { tenant: 'b' }))
    const { lane } = laneOn(storage)
    await sessionOf(lane, asked(idsOf(40)))
    const report = await lane.memory('b', id)
    expect(pagesOf(report)).toEqual(['s', 's', 's', ''])
    expect(report.pool).toEqual({ pages: 64, used: 4, session: 0, template: 0 })
  })

  test('under a window keeps its sinks in sight, and says how much is between', async () => {
    const { lane } = laneOn(laneStorage(), { config: { windows: [32], sinks: 4 } })
    const id = await sessionOf(lane, asked(idsOf(120)))
    const report = await lane.memory('a', id)
    const { window, sinks, outOfSight } = lane.owned.view(lane.owned.find('a', id)).window
    expect(report.views).toMatchObject([{ window, sinks, outOfSight }])
    // The query that chose the last of 130 ids stood at position 128 and saw from 97 on.
    expect([window, sinks, outOfSight]).toEqual([32, 4, 93])
    expect(pagesOf(report).map((page) => page.includes('-'))).toEqual([
      false,
      ...Array<boolean>(5).fill(true),
      ...Array<boolean>(3).fill(false),
    ])
  })
})

describe('a report', () => {
  const engineOf = (sequences: Sequence[], pageCount = 4096) =>
    ({
      load: { pageCount, pagesFree: 1000 },
      sequencesFor: () => sequences,
    }) as unknown as Engine<Model>
  const held = (length: number): Sequence => ({
    ...emptySequence('a'),
    ids: idsOf(length),
    length,
    pages: Array.from({ length: Math.ceil(length / 16) }, (_, page) => page),
    session: 's',
  })
  const spec = { ...MOCK_SPEC, layers: 6 }
  const report = (sequence: Sequence, others: Sequence[] = [], changes = {}) =>
    memoryReport(
      {
        session: 's',
        tokens: sequence.length + 1,
        reused: 0,
        stored: 0,
        sequence,
        length: sequence.length,
        ...changes,
      },
      'a',
      viewsOf(spec, { window: 64, sinks: 4, byDepth: [64, 32, 16] }),
      engineOf([sequence, ...others]),
    )

  test('of windows by depth has a row for each, and pages that some of them see', () => {
    const { views, runs } = report(held(160))
    expect(views).toEqual([
      { layers: 2, window: 64, sinks: 4, outOfSight: 92 },
      { layers: 2, window: 32, sinks: 4, outOfSight: 124 },
      { layers: 2, window: 16, sinks: 4, outOfSight: 140 },
    ])
    expect(runs.map(({ count, inSight }) => [count, ...inSight])).toEqual([
      [1, true, true, true],
      [5, false, false, false],
      [2, true, false, false],
      [1, true, true, false],
      [1, true, true, true],
    ])
  })

  test('of 32,768 positions is some runs', () => {
    const sequence = held(32_768)
    for (let page = 10; page < 1900; page++) sequence.pages[page] = undefined
    const told = report(sequence, [], { reused: 30_000, stored: 2048 })
    expect(told.runs.reduce((sum, { count }) => sum + count, 0)).toBe(2048)
    expect(JSON.stringify(told).length).toBeLessThan(1500)
  })

  test('tells the pages of the template from those of the session that begins with it', () => {
    const template = { ...held(40), session: undefined, tenant: undefined }
    const { pool, runs } = report(held(100), [template])
    expect(pool).toEqual({ pages: 4096, used: 3096, session: 4, template: 3 })
    expect(runs.map(({ count, shared }) => [count, shared]).slice(0, 4)).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      [1, 0],
    ])
  })
})
