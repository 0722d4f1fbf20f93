// The Durable Object of a lane, outside workerd: its calls as values, its alarm, and what it reads of the assets.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Isolate } from '../../src/lane/isolate.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import type { Outcome } from '../../src/protocol/calls.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import type { Sql } from '../../src/storage/sql.ts'
import { CONFIG, eventsOf, idsOf } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { request } from '../helpers/request.ts'

// The platform's own module, of which the class alone is used.
vi.mock('cloudflare:workers', () => ({
  DurableObject: class {
    ctx: unknown
    env: unknown
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx
      this.env = env
    }
  },
}))
vi.stubGlobal('scheduler', { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) })
const { LaneBase } = await import('../../src/lane/object.ts')

// workers-types leave out the constructor, which workerd forbids at run time.
const { Module } = WebAssembly as unknown as { Module: new (bytes: Uint8Array) => WebAssembly.Module }
const wasm = (name: string) =>
  new Module(readFileSync(new URL(`../../build/islet.${name}.wasm`, import.meta.url)))
const modules = { quads: wasm('quads'), relaxed: wasm('relaxed'), plain: wasm('plain') }
const asked = (changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({ model: 'tiny', store: true, ignoreEos: true, maxTokens: 4, ...changes })

let logged: string[]
beforeEach(() => {
  logged = []
  vi.spyOn(console, 'error').mockImplementation((line: string) => void logged.push(line))
})

/** An object on this storage, in an isolate of its own; `set` has the alarms that it asked for. */
function objectOn(sql: Sql = nodeSql(), { alarm = null as number | null, refusesAlarms = false } = {}) {
  const set: number[] = []
  const fetched: string[] = []
  const state = {
    id: { toString: () => 'object' },
    storage: {
      sql,
      setAlarm: (time: number) => {
        set.push(time)
        return refusesAlarms ? Promise.reject(new Error('no alarm')) : Promise.resolve()
      },
      getAlarm: () => Promise.resolve(alarm),
    },
    blockConcurrencyWhile: (work: () => Promise<void>) => (begun = work()),
  }
  let begun = Promise.resolve()
  const assets = {
    fetch(url: URL) {
      fetched.push(url.pathname)
      const file = url.pathname.slice('/models/tiny/'.length)
      return Promise.resolve(new Response(readFileSync(join(TINY_FOLDER, file))))
    },
  }
  const config = { ...CONFIG, model: 'tiny', windows: [512] }
  const object = new LaneBase(
    state as unknown as DurableObjectState,
    {},
    {
      config,
      assets,
      modules,
      isolate: new Isolate(),
    },
  )
  return { object, set, fetched, ready: () => begun }
}

async function read(stream: ReadableStream<Uint8Array>): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(stream)) events.push(event)
  return events
}
const valueOf = <T>(outcome: Outcome<T>): T => {
  if ('value' in outcome) return outcome.value
  throw new Error(outcome.error.message)
}
const NOTHING = { error: { type: 'error', code: 'not_found' } }
const messages = [{ role: 'user', content: 'What is the lamp for?' }]
const kept = { prompt: { kind: 'chat' as const, messages }, conversation: messages }

describe('the object of a lane', () => {
  test('answers, reads on, and shows, copies, deletes what it keeps', async () => {
    const { object } = objectOn()
    const events = await read(object.generate(asked(kept), 'weur-0'))
    const [{ session, turn }] = eventsOf(events, 'session')
    expect(session).toMatch(/^sess_weur-0_[0-9a-f]{32}$/)
    expect(idsOf(await read(object.resume('tenant', session)))).toEqual(idsOf(events))
    expect(valueOf(await object.session('tenant', session))).toMatchObject({
      id: session,
      completionTokens: 4,
    })
    expect(valueOf(await object.turn('tenant', turn))).toMatchObject({
      turn,
      state: 'done',
      conversation: messages,
    })
    expect(valueOf(await object.cancelTurn('tenant', turn))).toMatchObject({ turn, state: 'done' })
    const copy = valueOf(await object.fork('tenant', session))
    expect(copy.id).toMatch(/^sess_weur-0_[0-9a-f]{32}$/)
    expect((await object.sessions('tenant', { limit: 9 })).map(({ id }) => id).sort()).toEqual(
      [copy.id, session].sort(),
    )
    expect(await object.remove('tenant', copy.id)).toEqual({ value: null })
    expect(await object.removeTurn('tenant', turn)).toEqual({ value: null })
    expect(await object.session('tenant', session)).toMatchObject(NOTHING)
    await read(object.generate(asked(), '0'))
    expect([await object.removeAll('tenant'), await object.sessions('tenant', { limit: 9 })]).toEqual([1, []])
    expect(object.health()).toMatchObject({ state: 'ready', model: 'tiny', window: { window: 512 } })
  })

  test('tells errors as values, and reads no model for an id of nothing', async () => {
    const { object, fetched } = objectOn()
    const outcomes = [
      object.session('tenant', 'sess_0_a'),
      object.fork('tenant', 'sess_0_a'),
      object.remove('tenant', 'sess_0_a'),
      object.turn('tenant', '0_a_b'),
      object.removeTurn('tenant', '0_a_b'),
      object.cancelTurn('tenant', '0_a_b'),
    ]
    for (const outcome of outcomes) expect(await outcome).toMatchObject(NOTHING)
    expect([fetched, logged]).toEqual([[], []])
  })

  test('logs a fault of its own, of which the caller hears no more than that', async () => {
    const sql = nodeSql()
    const { object } = objectOn(sql)
    sql.exec('DROP TABLE turns')
    expect(await object.session('tenant', 'sess_0_a')).toMatchObject({ error: { code: 'internal_error' } })
    expect(JSON.parse(logged[0])).toMatchObject({
      code: 'internal_error',
      message: expect.stringContaining('no such table') as string,
    })
  })

  test('sets its alarm, and none later than one that was set before', async () => {
    const first = objectOn()
    await read(first.object.generate(asked(), '0'))
    await vi.waitFor(() => expect(first.set.length).toBeGreaterThan(0))
    const next = objectOn(undefined, { alarm: 1 })
    await next.ready()
    await read(next.object.generate(asked(), '0'))
    expect(next.set).toEqual([])
    await next.object.alarm()
    expect(next.set.length).toBeGreaterThan(0)
  })

  test('goes on without an alarm that storage refuses, and logs it', async () => {
    const { object } = objectOn(undefined, { refusesAlarms: true })
    expect((await read(object.generate(asked(), '0'))).at(-1)?.type).toBe('finish')
    await vi.waitFor(() => expect(logged).toHaveLength(1))
    expect(JSON.parse(logged[0])).toEqual({ code: 'storage_lost', message: 'Error: no alarm' })
  })

  test('that was reset for its memory halves the window of the next load', async () => {
    const sql = nodeSql()
    const { object } = objectOn(sql)
    await object.memoryReset()
    expect(logged).toHaveLength(1)
    const next = objectOn(sql).object
    expect(next.health()).toMatchObject({ state: 'loading', window: { window: 256 } })
  })
})
