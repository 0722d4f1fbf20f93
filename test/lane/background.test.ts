// Work beside requests: which turns run unread and in what order, when the alarm comes again, and who writes what is due.

import { describe, expect, test } from 'vitest'
import { Alarm } from '../../src/lane/alarm.ts'
import { Background } from '../../src/lane/background.ts'
import { Sessions } from '../../src/lane/sessions.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import type { TurnRecord } from '../../src/storage/turn-record.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const MINUTE = 60_000
const LIFETIMES = { pages: 60 * MINUTE, sessions: 24 * 60 * MINUTE, turns: 48 * 60 * MINUTE }
const settled = () => new Promise((resolve) => setImmediate(resolve))
const driver = { stop: () => Promise.resolve() }

/** A lane's sessions without its engine: runs end when a test says so. */
function bed(lifetimes = LIFETIMES) {
  const clock = { time: 1000, waits: [] as { ms: number; end: () => void }[] }
  let ids = 0
  const parts = {
    now: () => clock.time,
    wait: (ms: number) => new Promise<void>((end) => clock.waits.push({ ms, end })),
    lifetimes,
    rest: () => Promise.resolve(),
    log: (entry: Record<string, unknown>) => void logged.push(entry),
  }
  const logged: Record<string, unknown>[] = []
  const sessions = new Sessions({
    ...parts,
    id: 'lane',
    sql: nodeSql(),
    newId: () => `r${++ids}`,
    budget: { tenantBytes: 1e9, tenantSessions: 1e4, laneBytes: 1e9 },
    engine: () => undefined,
  })
  sessions.useModel(['model'], MOCK_SPEC, { window: undefined, sinks: 0 })
  const wakes: number[] = []
  const runs: { record: TurnRecord; end(isWhole?: boolean): Promise<void>; fail(error: Error): void }[] = []
  const alarm = new Alarm((time) => wakes.push(time))
  const background = new Background({
    sessions,
    alarm,
    clock: parts,
    lifetimes,
    async run(record) {
      let end: () => void = () => undefined
      let fail: (error: Error) => void = () => undefined
      const run = new Promise<void>((resolve, reject) => ([end, fail] = [resolve, reject]))
      const own = { stop: () => Promise.resolve(end()) }
      const ended = async (isWhole = true): Promise<void> => {
        if (isWhole) record.end = { type: 'error', code: 'engine_failure', message: 'ended' }
        end()
        await settled()
      }
      await sessions.enter(record, own)
      runs.push({ record, end: ended, fail })
      await run.finally(() => sessions.leave(record, own))
    },
    log: parts.log,
  })
  let keys = 0
  /** A turn that was begun and that nobody drives. */
  const begun = async (changes: Partial<GenerateRequest> = {}): Promise<TurnRecord> => {
    const asked = request({ store: true, background: true, sessionKey: `k${++keys}`, ...changes })
    const prompt = { ids: [1, 2], truncatedTokens: 0, kind: 'ids' as const, tools: false }
    const record = await sessions.begin(asked, { prompt, echo: undefined }, '0')
    await sessions.enter(record, driver)
    sessions.leave(record, driver)
    return record
  }
  const pass = async (ms: number): Promise<number[]> => {
    clock.time += ms
    const ended = clock.waits.splice(0)
    for (const { end } of ended) end()
    await settled()
    return ended.map((wait) => wait.ms)
  }
  const turns = () => runs.map(({ record }) => record.turn)
  return { clock, sessions, alarm, background, wakes, runs, turns, begun, pass, logged }
}

describe('the alarm rings', () => {
  test('and nothing is there: it is not set again', async () => {
    const { background, wakes } = bed()
    await background.awake()
    expect(wakes).toEqual([])
  })

  test('and turns run unread, two at a time, tenants in turns, while it is set to find them again', async () => {
    const { background, begun, runs, turns, wakes, clock } = bed()
    const a = [await begun({ tenant: 'a' }), await begun({ tenant: 'a' }), await begun({ tenant: 'a' })]
    const b = await begun({ tenant: 'b' })
    await begun({ background: false })
    const awake = background.awake()
    await settled()
    expect(wakes).toEqual([clock.time + 30_000])
    expect(runs).toHaveLength(2)
    for (let i = 0; i < 4; i++) await runs[i].end()
    await awake
    expect(turns().toSorted()).toEqual([...a, b].map(({ turn }) => turn).toSorted())
    expect(turns().slice(0, 2)).toContain(b.turn)
  })

  test('and what has lived its time goes; it rings again for the next, ten minutes later at least', async () => {
    const { background, begun, sessions, wakes, alarm, clock } = bed()
    const record = await begun({ background: false })
    await background.awake()
    expect(wakes).toEqual([record.expiresAt])
    clock.time = record.expiresAt - MINUTE
    await background.awake()
    expect(wakes).toEqual([record.expiresAt, clock.time + 10 * MINUTE])
    clock.time = record.expiresAt
    alarm.forget()
    await background.awake()
    expect(wakes).toHaveLength(2)
    expect(sessions.newest('tenant', record.session)).toBeUndefined()
  })

  test('and a turn that stopped before its end goes on at once, behind the others of the queue', async () => {
    const { background, begun, runs, turns, wakes, clock } = bed()
    for (let i = 0; i < 4; i++) await begun()
    const awake = background.awake()
    await settled()
    clock.time += 5
    await runs[0].end(false)
    // The platform gives no more time: nobody else of the queue begins either.
    expect(runs).toHaveLength(2)
    await runs[1].end()
    await awake
    expect([runs.length, wakes.at(-1)]).toEqual([2, clock.time])
    const again = background.awake()
    await settled()
    expect(turns().slice(2)).not.toContain(turns()[1])
    for (let i = 2; i < 5; i++) await runs[i].end()
    await again
    expect(new Set(turns()).size).toBe(4)
  })

  test('and a turn that somebody reads, ended or deleted meanwhile is passed over', async () => {
    const { background, begun, runs, turns, sessions } = bed()
    const records = [await begun(), await begun(), await begun(), await begun(), await begun()]
    const awake = background.awake()
    await settled()
    const waiting = records.filter(({ turn }) => !turns().includes(turn))
    await sessions.enter(waiting[0], driver)
    await sessions.deletion.session(waiting[1].session)
    waiting[2].end = { type: 'error', code: 'engine_failure', message: 'ended' }
    await sessions.enter(waiting[2], driver)
    sessions.leave(waiting[2], driver)
    for (const run of runs) await run.end()
    await awake
    expect(runs).toHaveLength(2)
  })

  test('and a turn that a reader took over is no reason to stop', async () => {
    const { background, begun, runs, sessions, wakes, clock } = bed()
    for (let i = 0; i < 3; i++) await begun()
    const awake = background.awake()
    await settled()
    await sessions.enter(runs[0].record, driver)
    await settled()
    expect(runs).toHaveLength(3)
    await runs[1].end()
    await runs[2].end()
    clock.time += 7
    await awake
    // It runs for its reader, and is looked after should the object die.
    expect(wakes.at(-1)).not.toBe(clock.time)
    expect(sessions.goOnUnread).toBe(true)
  })
})

describe('a turn begins', () => {
  test('and is found by the alarm should its object die, if it goes on unread', async () => {
    const { background, begun, wakes, clock } = bed()
    background.begun(await begun({ background: false }))
    expect(wakes).toEqual([])
    background.begun(await begun())
    expect(wakes).toEqual([clock.time + 30_000])
  })

  test('and what is due is written every 250 ms by one writer, until nothing will be', async () => {
    const { background, begun, sessions, pass, clock } = bed()
    const record = await begun({ background: false })
    await sessions.enter(record, driver)
    background.begun(record)
    background.begun(record)
    for (let i = 0; i < 3; i++) expect(await pass(250)).toEqual([250])
    sessions.leave(record, driver)
    expect(await pass(250)).toEqual([250])
    expect(clock.waits).toEqual([])
    background.begun(record)
    expect(await pass(250)).toEqual([250])
  })

  test('and a fault of the writer is logged, and the next turn has one again', async () => {
    const { background, begun, sessions, pass, logged, clock } = bed()
    const record = await begun({ background: false })
    const { tick } = sessions
    sessions.tick = () => {
      throw new Error('odd')
    }
    background.begun(record)
    await pass(250)
    expect(logged).toEqual([{ code: 'internal_error', message: 'Error: odd' }])
    sessions.tick = tick
    background.begun(record)
    expect(clock.waits).toHaveLength(1)
  })
})

describe('a reader leaves', () => {
  test('a turn that goes on: the alarm comes at once', async () => {
    const { background, begun, wakes, clock } = bed()
    background.left(await begun())
    expect(wakes).toEqual([clock.time])
  })

  test('another: the alarm comes when its pages or the turn have lived their time', async () => {
    const far = bed()
    far.background.left(await far.begun({ background: false }))
    expect(far.wakes).toEqual([far.clock.time + LIFETIMES.pages])
    const ended = bed()
    const record = await ended.begun()
    ended.background.left({ ...record, state: 'done' })
    expect(ended.wakes).toEqual([ended.clock.time + LIFETIMES.pages])
    const brief = bed({ ...LIFETIMES, pages: MINUTE })
    brief.background.left(await brief.begun({ background: false }))
    expect(brief.wakes).toEqual([brief.clock.time + 10 * MINUTE])
    const short = bed({ ...LIFETIMES, sessions: MINUTE })
    short.background.left(await short.begun({ background: false }))
    expect(short.wakes).toEqual([short.clock.time + MINUTE])
  })

  test('a turn that goes on gets its place among those that run already, unless it is one of these', async () => {
    const { background, begun, runs, turns, sessions } = bed()
    await begun()
    const awake = background.awake()
    await settled()
    background.left(runs[0].record)
    const late = await begun()
    background.left(late)
    await runs[0].end()
    expect(turns()).toEqual([runs[0].record.turn, late.turn])
    await runs[1].end()
    await awake
    expect([runs.length, sessions.goOnUnread]).toEqual([2, false])
  })
})
