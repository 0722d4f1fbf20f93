// What becomes of a turn: who may go on with it, copy it, cancel it, and how long it lives.

import { describe, expect, test, vi } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, mockLane, type MockLane } from '../helpers/mock-lane.ts'
import { readOn } from '../helpers/lane-readers.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const ids = Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251)
const messages = [{ role: 'user', content: 'Hi' }]
const kept = { prompt: { kind: 'chat' as const, messages }, conversation: messages }
const asked = (changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({ prompt: { kind: 'ids', ids }, store: true, maxTokens: 40, ignoreEos: true, ...changes })
const sessionOf = (events: readonly GenerationEvent[]) => eventsOf(events, 'session')[0]

/** A reader that has read three texts and stays, and its session. */
async function begun({ lane }: Pick<MockLane, 'lane'>, changes: Partial<GenerateRequest> = {}) {
  const reader = decodeEvents(lane.generate(asked(changes)))
  const events: GenerationEvent[] = []
  while (eventsOf(events, 'text').length < 3) events.push((await reader.next()).value as GenerationEvent)
  const leave = async (): Promise<void> => {
    await reader.return(undefined)
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  }
  return { reader, leave, events, ...sessionOf(events) }
}

describe('the queue', () => {
  test('takes as many requests as it may, one by one again when they end or leave', async () => {
    const { lane } = mockLane({ config: { queue: 2 } })
    for (let i = 0; i < 3; i++) expect((await ask(lane, asked({ maxTokens: 2 }))).at(-1)?.type).toBe('finish')
    const readers = [await begun({ lane }, { sessionKey: 'a' }), await begun({ lane }, { sessionKey: 'b' })]
    expect(await ask(lane, asked({ sessionKey: 'c' }))).toMatchObject([{ code: 'overloaded', movable: true }])
    await readers[0].reader.return(undefined)
    await vi.waitFor(async () =>
      expect((await ask(lane, asked({ maxTokens: 2 }))).at(-1)?.type).toBe('finish'),
    )
    await readers[1].leave()
  })
})

describe('a session that answers', () => {
  test('is not gone on with by a second request, which begins another', async () => {
    const { lane } = laneOn(laneStorage())
    const first = await begun({ lane })
    const second = await ask(lane, asked())
    expect(sessionOf(second).session).not.toBe(first.session)
    for await (const event of first.reader) first.events.push(event)
    for (const events of [first.events, second]) expect(idsOf(events)).toEqual(greedyAlone(ids, 40))
  })

  test('is not copied', async () => {
    const { lane } = laneOn(laneStorage())
    const { session, leave } = await begun({ lane })
    const conflict = expect.objectContaining({ code: 'conflict' }) as Error
    expect(() => lane.owned.fork('tenant', session, '0')).toThrow(conflict)
    await leave()
    expect(lane.owned.fork('tenant', session, '0').id).not.toBe(session)
  })

  test('is stopped by the last of several readers, whose ending leaves it alone', async () => {
    const { lane } = laneOn(laneStorage())
    const first = await begun({ lane })
    const second = decodeEvents(lane.resume('tenant', first.session))
    while ((await second.next()).value?.type !== 'text');
    const told: GenerationEvent[] = []
    for await (const event of first.reader) told.push(event)
    expect(told.at(-1)).toMatchObject({ code: 'conflict' })
    expect(lane.sessions.isDriven(first.session)).toBe(true)
    expect(lane.sessions.find('tenant', first.session).state).toBe('running')
    await second.return(undefined)
  })
})

describe('a session that is named', () => {
  test('goes on with any prompt', async () => {
    const { lane } = laneOn(laneStorage())
    const { session } = sessionOf(await ask(lane, asked()))
    const other = await ask(lane, asked({ session, prompt: { kind: 'ids', ids: ids.toReversed() } }))
    expect(sessionOf(other).session).toBe(session)
    expect(lane.owned.list('tenant')).toHaveLength(1)
  })

  test('finds its model by the letters of its id, in any case', async () => {
    const { lane } = laneOn(laneStorage())
    expect((await ask(lane, asked({ model: 'MOCK' }))).at(-1)?.type).toBe('finish')
    expect((await ask(lane, asked({ model: 'mocks' }))).at(-1)).toMatchObject({ code: 'model_not_found' })
  })
})

describe('a turn whose object died', () => {
  test('is paused, or runs on where it goes on unread', async () => {
    for (const [background, state] of [
      [false, 'paused'],
      [true, 'running'],
    ] as const) {
      const storage = laneStorage()
      const { session } = await begun(laneOn(storage), { ...kept, background })
      expect(laneOn(storage).lane.sessions.find('tenant', session).state).toBe(state)
    }
  })
})

describe('a turn by its own id', () => {
  test('is found where it is kept', async () => {
    const { lane } = laneOn(laneStorage())
    const plain = sessionOf(await ask(lane, asked()))
    const response = sessionOf(await ask(lane, asked({ ...kept, sessionKey: 'other' })))
    expect(lane.owned.find('tenant', response.turn)).toMatchObject({ turn: response.turn })
    const notFound = expect.objectContaining({ code: 'not_found' }) as Error
    expect(() => lane.owned.find('tenant', plain.turn)).toThrow(notFound)
  })

  test('is cancelled once, for good; one that has ended stays as it is', async () => {
    const { lane } = laneOn(laneStorage())
    const { turn, session, events, reader } = await begun({ lane }, kept)
    expect(await lane.cancelTurn('tenant', turn)).toMatchObject({ state: 'cancelled' })
    for await (const event of reader) events.push(event)
    expect(events.at(-1)).toMatchObject({ code: 'conflict' })
    for (const id of [turn, session])
      expect(await readOn({ lane }, id)).toMatchObject([{ type: 'error', code: 'conflict' }])
    expect(await lane.turn('tenant', turn)).toMatchObject({ state: 'cancelled' })
    const done = sessionOf(await ask(lane, asked({ ...kept, sessionKey: 'other' })))
    expect(await lane.cancelTurn('tenant', done.turn)).toMatchObject({ state: 'done' })
    expect(lane.owned.find('tenant', done.turn)).toMatchObject({ state: 'done' })
  })

  test('that failed says so', async () => {
    const storage = laneStorage()
    let fails = false
    const onForward = (): void => {
      if (fails) throw new Error('broken')
    }
    const { lane } = laneOn(storage, { model: { onForward } })
    const { turn, reader } = await begun({ lane }, kept)
    fails = true
    for await (const _ of reader);
    expect(await lane.turn('tenant', turn)).toMatchObject({ state: 'failed' })
    expect(await laneOn(storage).lane.turn('tenant', turn)).toMatchObject({ state: 'failed' })
  })

  test('that was told whole before it ended is done when it has', async () => {
    const storage = laneStorage()
    const { lane } = laneOn(storage)
    const { session } = sessionOf(await ask(lane, asked({ maxTokens: 3 })))
    storage.sql.exec(`UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end')`)
    const next = laneOn(storage)
    const again = await readOn(next, session)
    expect(idsOf(again)).toHaveLength(3)
    expect(next.models.flatMap(({ steps }) => steps)).toEqual([])
    expect(laneOn(storage).lane.sessions.find('tenant', session).state).toBe('done')
  })
})

describe('a copy', () => {
  test('is a session of its own: key, times, and none that goes on unread', async () => {
    let now = 1000
    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    const storage = laneStorage()
    const lifetimes = { pages: 10_000, sessions: 20_000, turns: 50_000 }
    const { lane } = laneOn(storage, { config: { lifetimes }, parts: { clock: { now: () => now, wait } } })
    const { session, leave } = await begun({ lane }, { ...kept, background: true })
    await leave()
    expect(lane.sessions.find('tenant', session).expiresAt).toBe(51_000)
    now = 3000
    const copy = lane.owned.fork('tenant', session, '0')
    expect(copy).toMatchObject({ createdAt: 3000, usedAt: 3000, expiresAt: 23_000 })
    const rows = storage.sql.exec('SELECT key, background FROM turns WHERE session = ?', copy.id).toArray()
    expect(rows).toEqual([{ key: copy.id, background: 0 }])
    // The key of the source finds the source alone.
    expect(lane.sessions.turns.byKey('tenant', 'session').map((turn) => turn.session)).toEqual([session])
  })
})

describe('what is not stored', () => {
  test('is not in storage either when others drive its pages out of memory', async () => {
    const storage = laneStorage()
    const { lane } = laneOn(storage, { model: { pageCount: 10 } })
    for (const first of [0, 1, 2, 3]) {
      const prompt = { kind: 'ids' as const, ids: ids.with(0, first) }
      const events = await ask(lane, asked({ store: false, prompt }))
      expect(idsOf(events)).toEqual(greedyAlone(prompt.ids, 40))
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(storage.sql.exec('SELECT head FROM kv_runs').toArray()).toEqual([])
  })
})

describe('the limit on CPU time', () => {
  test('ends one answer of an engine, and the next one has a limit of its own', async () => {
    const { lane, models } = laneOn(laneStorage())
    const events: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(asked()))) {
      events.push(event)
      if (event.type === 'text' && idsOf(events).length > 5) models[0].signal.value = 24
      if (event.type === 'finish') expect(models[0].signal.value).toBe(0)
    }
    expect(events.at(-1)).toMatchObject({ stopped: 'cpu_limit' })
    const rest = await readOn({ lane }, sessionOf(events).session)
    expect(rest.at(-1)).not.toHaveProperty('stopped')
    expect(idsOf(rest)).toEqual(greedyAlone(ids, 40))
  })
})

describe('what is deleted', () => {
  test('leaves the pages in storage that another session needs, and no others', async () => {
    const storage = laneStorage()
    const { lane } = laneOn(storage)
    const pages = (): number =>
      Number(storage.sql.exec('SELECT SUM(count) AS n FROM kv_runs').toArray()[0]['n'] ?? 0)
    const first = sessionOf(await ask(lane, asked()))
    const other = { kind: 'ids' as const, ids: ids.with(70, 250) }
    const second = sessionOf(await ask(lane, asked({ sessionKey: 'other', prompt: other })))
    expect(pages()).toBeGreaterThan(8)
    await lane.owned.remove('tenant', first.session)
    await vi.waitFor(() => expect(pages()).toBe(8))
    await lane.owned.remove('tenant', second.session)
    await vi.waitFor(() => expect(pages()).toBe(0))
  })

  test('is gone from memory at once', async () => {
    const isolate = new Isolate()
    const { lane } = laneOn(laneStorage(), { parts: { isolate } })
    const { session } = sessionOf(await ask(lane, asked()))
    expect(isolate.inPlace?.engine.load.sequences).toBe(1)
    await lane.owned.remove('tenant', session)
    expect(isolate.inPlace?.engine.load).toMatchObject({ sequences: 0, pagesFree: 64 })
  })

  test('an engine that failed gives its memory back', async () => {
    let fails = 1
    const onForward = (): void => {
      if (fails-- > 0) throw new WebAssembly.RuntimeError('unreachable')
    }
    const { lane, models } = mockLane({ model: { onForward } })
    await ask(lane, asked())
    expect(models.map(({ released }) => released)).toEqual([true, false])
  })
})

test('what is due is written again and again, also after a pause', async () => {
  const storage = laneStorage()
  const { lane } = laneOn(storage)
  const pages = (): number =>
    Number(storage.sql.exec('SELECT SUM(count) AS n FROM kv_runs').toArray()[0]['n'] ?? 0)
  for (const [sessionKey, before] of [
    ['a', 0],
    ['b', 1],
  ] as const) {
    const { leave } = await begun(
      { lane },
      { sessionKey, prompt: { kind: 'ids', ids: ids.map((id) => id + before) } },
    )
    const then = pages()
    // The reader stays, so nothing but the ticks writes.
    await vi.waitFor(() => expect(pages()).toBeGreaterThan(then), 3000)
    await leave()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
})
