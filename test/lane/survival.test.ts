// A session outlives its lane's memory: a second lane on the same storage goes on with the same ids.

import { describe, expect, test, vi } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, textOf, type MockLane } from '../helpers/mock-lane.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251) }
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt, store: true, maxTokens: 40, ignoreEos: true, ...changes })

const session = (events: readonly GenerationEvent[]): string => eventsOf(events, 'session')[0].session

async function readOn(lane: MockLane['lane'], id: string, tenant = 'tenant'): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.resume(tenant, id))) events.push(event)
  return events
}

/** Reads until so many ids have come, then leaves. */
async function leaveAfter(
  lane: MockLane['lane'],
  count: number,
  changes: Parameters<typeof request>[0] = {},
) {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.generate(asked(changes)))) {
    events.push(event)
    if (idsOf(events).length >= count) break
  }
  await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  return events
}

describe('a lane that comes after another', () => {
  test('finds the pages, computes the rest, and answers the same', async () => {
    const kept = laneStorage()
    const first = await ask(laneOn(kept).lane, asked())
    const ids = [...prompt.ids, ...idsOf(first), 5, 6, 7]
    const next = laneOn(kept)
    const second = await ask(next.lane, asked({ prompt: { kind: 'ids', ids } }))
    expect(idsOf(second)).toEqual(greedyAlone(ids, 40))
    // Of 130 positions before the last id chosen, 8 pages are full.
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(128)
    expect(session(second)).toBe(session(first))
    expect(next.models[0].rowsRun).toBe(ids.length - 128 + 39)
  })

  test('finds an answer that went on from inside of what another had stored', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    // Its pages end behind the prompt's last whole one, and the next turn's begin before that.
    await ask(lane, asked({ maxTokens: 10 }))
    const longer = await ask(lane, asked())
    const ids = [...prompt.ids, ...idsOf(longer), 5]
    const next = await ask(laneOn(kept).lane, asked({ prompt: { kind: 'ids', ids } }))
    expect(eventsOf(next, 'start')[0].cachedTokens).toBe(128)
    expect(idsOf(next)).toEqual(greedyAlone(ids, 40))
  })

  test('restores what a window still sees, and nothing else', async () => {
    const kept = laneStorage()
    const options = { config: { windows: [40] } }
    const first = await ask(laneOn(kept, options).lane, asked())
    const ids = [...prompt.ids, ...idsOf(first), 9]
    const second = await ask(laneOn(kept, options).lane, asked({ prompt: { kind: 'ids', ids } }))
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(128)
    expect(idsOf(second)).toEqual(greedyAlone(ids, 40, { window: 40, sinks: 4 }))
  })

  test('of another window or tenant finds nothing', async () => {
    const kept = laneStorage()
    await ask(laneOn(kept).lane, asked())
    const stranger = await ask(laneOn(kept).lane, asked({ tenant: 'other' }))
    expect(eventsOf(stranger, 'start')[0].cachedTokens).toBe(0)
    const narrow = await ask(laneOn(kept, { config: { windows: [40] } }).lane, asked())
    expect(eventsOf(narrow, 'start')[0].cachedTokens).toBe(0)
    expect(idsOf(narrow)).toEqual(greedyAlone(prompt.ids, 40, { window: 40, sinks: 4 }))
  })

  test.each(['bytes = zeroblob(length(bytes))', "checksum = 'x'", 'bytes = substr(bytes, 1, 100)'])(
    'drops a row that is damaged (%s) and computes it again',
    async (damage) => {
      const kept = laneStorage()
      await ask(laneOn(kept).lane, asked())
      kept.sql.exec(`UPDATE kv_runs SET ${damage} WHERE head = (SELECT MAX(head) FROM kv_runs)`)
      const again = await ask(laneOn(kept).lane, asked())
      expect(idsOf(again)).toEqual(greedyAlone(prompt.ids, 40))
      // Whole again.
      const third = await ask(laneOn(kept).lane, asked())
      expect(eventsOf(third, 'start')[0].cachedTokens).toBe(80)
    },
  )

  test('nothing of a request that is not to be stored is there', async () => {
    const kept = laneStorage()
    const events = await ask(laneOn(kept).lane, asked({ store: false }))
    expect(eventsOf(events, 'session')).toEqual([])
    expect(kept.sql.exec('SELECT * FROM turns').toArray()).toEqual([])
    expect(kept.sql.exec('SELECT head FROM kv_runs').toArray()).toEqual([])
  })

  test('storage that fails ends nothing', async () => {
    let fail = false
    const sql = nodeSql(() => {
      if (fail) throw new Error('Durable Object reset because its code was updated.')
    })
    const { lane, logged } = laneOn({ ...laneStorage(), sql })
    const events: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(asked({ maxTokens: 200 })))) {
      events.push(event)
      if (event.type === 'text') fail = true
    }
    expect(idsOf(events)).toEqual(greedyAlone(prompt.ids, 200))
    expect(logged).toMatchObject([{ code: 'storage_lost' }])
  })
})

describe('an object that is gone while its isolate lives', () => {
  test.each([true, false])(
    'leaves no turn in the engine, and its pages to the next one (store: %s)',
    async (store) => {
      const kept = laneStorage()
      const isolate = new Isolate()
      const gone = laneOn(kept, { parts: { isolate } })
      const reader = decodeEvents(gone.lane.generate(asked({ store })))
      const heard: GenerationEvent[] = []
      while (idsOf(heard).length < 20) heard.push((await reader.next()).value as GenerationEvent)
      const engine = isolate.inPlace?.engine
      expect(engine?.load).toMatchObject({ running: 1 })
      const next = laneOn(kept, { parts: { isolate } })
      expect(engine?.load).toMatchObject({ running: 0, waiting: 0 })
      const events = store ? await readOn(next.lane, session(heard)) : await ask(next.lane, asked({ store }))
      expect(idsOf(events)).toEqual(greedyAlone(prompt.ids, 40))
      // Of the prompt the last row alone is run again.
      expect(gone.models[0].rowsRun).toBeLessThanOrEqual(90 + 20 + 40)
      expect((await next.lane.ready()).list('tenant').map(({ storage }) => storage.pages)).toEqual(
        store ? [8] : [],
      )
    },
  )
})

describe('a reader that leaves', () => {
  test.each([1, 5, 17])('after %i tokens reads on, in this lane and in the next', async (count) => {
    const whole = await ask(laneOn(laneStorage()).lane, asked())
    for (const same of [true, false]) {
      const kept = laneStorage()
      const first = laneOn(kept)
      const id = session(await leaveAfter(first.lane, count))
      const rest = await readOn((same ? first : laneOn(kept)).lane, id)
      expect(idsOf(rest)).toEqual(idsOf(whole))
      expect(textOf(rest)).toBe(textOf(whole))
      expect(eventsOf(rest, 'finish')[0].usage).toEqual(eventsOf(whole, 'finish')[0].usage)
      expect(eventsOf(rest, 'session')).toMatchObject([{ session: id }])
    }
  })

  test('that tries again goes on with what was computed', async () => {
    const kept = laneStorage()
    const { lane, models } = laneOn(kept)
    const first = await leaveAfter(lane, 10, { bodyHash: 'b' })
    const again = await ask(
      lane,
      asked({ bodyHash: 'b', retry: true, sampling: { ...asked().sampling, seed: 99 } }),
    )
    expect(session(again)).toBe(session(first))
    expect(idsOf(again)).toEqual(greedyAlone(prompt.ids, 40))
    expect(models[0].rowsRun).toBe(90 + 39)
    const other = await ask(lane, asked({ bodyHash: 'c', retry: true }))
    expect(idsOf(other)).toEqual(idsOf(again))
  })

  test('a finished answer is told again without an engine', async () => {
    const kept = laneStorage()
    const whole = await ask(laneOn(kept).lane, asked())
    const { lane, models } = laneOn(kept)
    const again = await readOn(lane, session(whole))
    const spoken = (events: GenerationEvent[]) => events.filter(({ type }) => type !== 'progress')
    expect(spoken(again)).toEqual(spoken(whole))
    expect(models.length).toBe(0)
  })

  test('log probabilities, which no row keeps, are computed again, and what is kept stays as it is', async () => {
    const kept = laneStorage()
    const whole = await ask(laneOn(kept).lane, asked({ topLogprobs: 2 }))
    const { lane, models } = laneOn(kept)
    const spoken = (events: GenerationEvent[]) => events.filter(({ type }) => type !== 'progress')
    const reader = decodeEvents(lane.resume('tenant', session(whole)))
    for (let texts = 0; texts < 3;) texts += Number((await reader.next()).value?.type === 'text')
    await reader.return(undefined)
    expect(lane.sessions.find('tenant', session(whole))).toMatchObject({
      state: 'done',
      end: { type: 'finish' },
    })
    expect(spoken(await readOn(lane, session(whole)))).toEqual(spoken(whole))
    expect(models.length).toBe(1)
  })

  test('the hash of the logits is that of an undisturbed run', async () => {
    const whole = await ask(laneOn(laneStorage()).lane, asked({ hashLogits: true }))
    const kept = laneStorage()
    const id = session(await leaveAfter(laneOn(kept).lane, 9, { hashLogits: true }))
    const rest = await readOn(laneOn(kept).lane, id)
    expect(eventsOf(rest, 'finish')[0].logitsHash).toBe(eventsOf(whole, 'finish')[0].logitsHash)
  })

  test('somebody else who reads ends the first reader', async () => {
    const { lane } = laneOn(laneStorage())
    const reader = decodeEvents(lane.generate(asked()))
    let id = ''
    for (let events = 0; events < 6; events++) {
      const { value } = await reader.next()
      if (value?.type === 'session') id = value.session
    }
    const second = await readOn(lane, id)
    expect(idsOf(second)).toEqual(greedyAlone(prompt.ids, 40))
    const left: GenerationEvent[] = []
    for await (const event of reader) left.push(event)
    expect(left.at(-1)).toMatchObject({ type: 'error', code: 'conflict' })
  })
})

describe('the limit on CPU time', () => {
  test('ends an answer cleanly, and what is missing of it can be read on', async () => {
    const kept = laneStorage()
    const { lane, models } = laneOn(kept)
    const events: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(asked()))) {
      events.push(event)
      if (event.type === 'text' && models[0].signal.value === 0) models[0].signal.value = 24
    }
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'length', stopped: 'cpu_limit' })
    expect(idsOf(events).length).toBeLessThan(40)
    // The signal was meant for that request alone.
    const rest = await readOn(laneOn(kept).lane, session(events))
    expect(idsOf(rest)).toEqual(greedyAlone(prompt.ids, 40))
    expect(rest.at(-1)).not.toHaveProperty('stopped')
  })
})

describe('what an owner may do', () => {
  test('sees, forks and deletes; others find nothing', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const id = session(await ask(lane, asked()))
    const sessions = await lane.ready()
    expect(sessions.list('tenant')).toMatchObject([
      { id, state: 'done', tokens: 130, completionTokens: 40, storage: { pages: 8 } },
    ])
    for (const act of [
      () => sessions.find('other', id),
      () => sessions.fork('other', id, '0'),
      () => sessions.remove('other', id),
    ])
      await expect((async () => act())()).rejects.toMatchObject({ code: 'not_found' })
    expect((await readOn(lane, id, 'other')).at(-1)).toMatchObject({ type: 'error', code: 'not_found' })

    const copy = sessions.fork('tenant', id, '0')
    await sessions.remove('tenant', id)
    expect(sessions.list('tenant')).toMatchObject([{ id: copy.id, storage: { pages: 8 } }])
    const next = laneOn(kept)
    const further = await ask(next.lane, asked({ session: copy.id, sessionKey: copy.id }))
    expect(eventsOf(further, 'start')[0].cachedTokens).toBe(80)
    expect(session(further)).toBe(copy.id)
    expect(await sessions.removeAll('tenant')).toBe(1)
    expect(kept.sql.exec('SELECT head FROM kv_runs').toArray()).toEqual([])
  })

  test('a kept turn is told with its conversation, also after the session went on', async () => {
    const { lane } = laneOn(laneStorage())
    const messages = [{ role: 'user', content: 'Hi' }]
    const chat = { kind: 'chat' as const, messages }
    const first = await ask(lane, asked({ prompt: chat, conversation: messages }))
    const [{ turn }] = eventsOf(first, 'session')
    const more = [...messages, { role: 'assistant', content: 'x' }, { role: 'user', content: 'more' }]
    await ask(
      lane,
      asked({ prompt: { kind: 'chat', messages: more }, conversation: more, session: session(first) }),
    )
    const view = await lane.turn('tenant', turn)
    expect(view).toMatchObject({ turn, conversation: messages, state: 'done' })
    expect(idsOf(view.events)).toEqual(idsOf(first))
    expect(textOf(view.events)).toBe(textOf(first))
    await expect(lane.turn('other', turn)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a turn in the background goes on by the alarm, also of the next lane', async () => {
    const kept = laneStorage()
    const messages = [{ role: 'user', content: 'Hi' }]
    const changes = {
      prompt: { kind: 'chat' as const, messages },
      conversation: messages,
      background: true,
    }
    const whole = await ask(laneOn(laneStorage()).lane, asked(changes))
    const left = await leaveAfter(laneOn(kept).lane, 3, changes)
    expect(kept.wakes.length).toBeGreaterThan(0)
    const { lane } = laneOn(kept)
    const [{ turn }] = eventsOf(left, 'session')
    expect((await lane.turn('tenant', turn)).state).toBe('running')
    await lane.awake()
    const view = await lane.turn('tenant', turn)
    expect(view.state).toBe('done')
    expect(idsOf(view.events)).toEqual(idsOf(whole))
  })

  test('what has lived its time is deleted by the alarm', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept, {
      config: { lifetimes: { pages: 0, sessions: 3_600_000, turns: 3_600_000 } },
    })
    const id = session(await ask(lane, asked()))
    await lane.awake()
    expect(kept.sql.exec('SELECT head FROM kv_runs').toArray()).toEqual([])
    const [view] = (await lane.ready()).list('tenant')
    expect(view).toMatchObject({ id, storage: { pages: 0 } })
    // The pages are gone: there is nothing to come back for before the session's own time.
    expect(kept.wakes.at(-1)).toBe(view.expiresAt)
    const gone = laneOn(kept, { config: { lifetimes: { pages: 0, sessions: 0, turns: 0 } } })
    kept.sql.exec('UPDATE turns SET expires = 0')
    await gone.lane.awake()
    expect((await gone.lane.ready()).list('tenant')).toEqual([])
  })
})
