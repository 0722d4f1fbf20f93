// Tenants share a lane's places, and what was accepted to run in the background runs, in turns and behind those who wait.

import { expect, test, vi } from 'vitest'
import { SHORT_ROWS } from '../../src/engine/scheduler.ts'
import { FirstTokens, HOLD_MS, MOST_HOLDS } from '../../src/lane/first-tokens.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { Pacer } from '../../src/lane/pacer.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { UNREAD_MS } from '../../src/lane/drivers.ts'
import { Places } from '../../src/lane/places.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, mockLane, type MockLane } from '../helpers/mock-lane.ts'
import { greedyAlone, MockModel } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const idPrompt = (length: number, seed = 1) => ({
  kind: 'ids' as const,
  ids: Array.from({ length }, (_, i) => (i * 7 + seed * 31) % 251),
})

/** Time stands still but where a test moves it. */
function stoppedClock(): Clock & { time: number } {
  const clock = {
    time: 1000,
    now: () => clock.time,
    wait: () => new Promise<void>((resolve) => setImmediate(resolve)),
  }
  return clock
}

type Asked = Parameters<typeof request>[0]

/** A stream of which its first text was read. */
async function begun({ lane }: MockLane, asked: Asked): Promise<AsyncGenerator<GenerationEvent>> {
  const reader = decodeEvents(lane.generate(request({ ignoreEos: true, ...asked })))
  for (;;) {
    const { value, done } = await reader.next()
    if (done === true) throw new Error('it ended')
    if (value.type === 'error') throw new Error(value.message)
    if (value.type === 'text') return reader
  }
}

async function all(reader: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of reader) events.push(event)
  return events
}

test('who holds all places is turned away itself, and nobody else', async () => {
  const made = mockLane({ config: { queue: 4 }, parts: { clock: stoppedClock() } })
  const readers = []
  for (let i = 0; i < 4; i++) readers.push(await begun(made, { tenant: 'a', maxTokens: 300 }))
  const more = await ask(made.lane, request({ tenant: 'a' }))
  expect(more).toMatchObject([{ type: 'error', code: 'overloaded', movable: true }])
  for (const tenant of ['b', 'c'])
    expect((await ask(made.lane, request({ tenant, ignoreEos: true }))).at(-1)?.type).toBe('finish')
  for (const reader of readers) await reader.return(undefined)
  await vi.waitFor(async () =>
    expect((await ask(made.lane, request({ tenant: 'a' }))).at(-1)?.type).toBe('finish'),
  )
})

test('a stream that nobody reads leaves when its place is needed; what is stored of it can be read on', async () => {
  const clock = stoppedClock()
  const made = laneOn(laneStorage(), { config: { queue: 2 }, parts: { clock } })
  const prompt = idPrompt(30)
  const stored = await begun(made, { tenant: 'a', prompt, store: true, maxTokens: 60 })
  const session = made.lane.owned.list('a')[0].id
  clock.time += 1
  const unstored = await begun(made, { tenant: 'a', maxTokens: 60 })
  clock.time += UNREAD_MS - 1
  // It was read just now.
  await unstored.next()
  const next = await ask(made.lane, request({ tenant: 'a', ignoreEos: true }))
  expect(next.at(-1)).toMatchObject({ type: 'finish' })
  expect(made.lane.sessions.find('a', session).state).toBe('paused')
  expect((await all(stored)).at(-1)).toMatchObject({ type: 'error', code: 'overloaded' })
  expect((await all(unstored)).at(-1)).toMatchObject({ type: 'finish' })
  expect(idsOf(await all(decodeEvents(made.lane.resume('a', session))))).toEqual(greedyAlone(prompt.ids, 60))
})

test('a stream gives its place to who holds less, not to who holds more', async () => {
  const stop = vi.fn(() => Promise.resolve())
  const place = (tenant: string, unread = 0) => ({ tenant, driver: { unreadFor: () => unread, stop } })
  const places = new Places(3)
  for (const [tenant, unread] of [
    ['a', 0],
    ['a', 1],
    ['b', UNREAD_MS],
  ] as const)
    expect(await places.take(place(tenant, unread))).toBe(true)
  expect(await places.take(place('a'))).toBe(false)
  expect(stop).not.toHaveBeenCalled()
  expect(await places.take(place('c'))).toBe(true)
  expect(stop).toHaveBeenCalledTimes(1)
  expect([places.takenBy('a'), places.takenBy('b'), places.takenBy('c')]).toEqual([2, 0, 1])
})

test('an answer that is read on has a place: who reads all its sessions on at once is turned away itself', async () => {
  const made = laneOn(laneStorage(), { config: { queue: 2 }, parts: { clock: stoppedClock() } })
  const paused = async (tenant: string, seed: number): Promise<string> => {
    const asked = { tenant, sessionKey: `${tenant}${seed}`, prompt: idPrompt(30, seed), maxTokens: 60 }
    const reader = await begun(made, { ...asked, store: true })
    await reader.return(undefined)
    await vi.waitFor(() => expect(made.lane.sessions.driven).toBe(0))
    const ids = made.lane.owned.list(tenant).map(({ id }) => id)
    return ids.find((id) => made.lane.sessions.find(tenant, id).request.sessionKey === asked.sessionKey) ?? ''
  }
  const sessions: string[] = []
  for (let i = 0; i < 3; i++) sessions.push(await paused('a', i))
  const ofB = await paused('b', 9)
  const resumed = async (session: string): Promise<AsyncGenerator<GenerationEvent>> => {
    const reader = decodeEvents(made.lane.resume('a', session))
    for (let type; type !== 'text';) type = (await reader.next()).value?.type as string
    return reader
  }
  const readers = [await resumed(sessions[0]), await resumed(sessions[1])]
  const more = await all(decodeEvents(made.lane.resume('a', sessions[2])))
  expect(more).toMatchObject([{ type: 'error', code: 'overloaded' }])
  expect(more[0]).not.toHaveProperty('movable')
  expect(made.lane.sessions.find('a', sessions[2]).state).toBe('paused')
  expect(await ask(made.lane, request({ tenant: 'a' }))).toMatchObject([{ code: 'overloaded' }])
  expect(idsOf(await all(decodeEvents(made.lane.resume('b', ofB))))).toEqual(
    greedyAlone(idPrompt(30, 9).ids, 60),
  )

  // Who takes a reader's answer over takes its place over, and has it no longer than it reads.
  readers.push(await resumed(sessions[0]))
  expect((await all(readers[0])).at(-1)).toMatchObject({ type: 'error', code: 'conflict' })
  expect(await ask(made.lane, request({ tenant: 'a' }))).toMatchObject([{ code: 'overloaded' }])
  for (const reader of readers) await reader.return(undefined)
  await vi.waitFor(async () =>
    expect(idsOf(await all(decodeEvents(made.lane.resume('a', sessions[2]))))).toEqual(
      greedyAlone(idPrompt(30, 2).ids, 60),
    ),
  )
})

test('what runs in the background has no place: it goes on while readers have them all', async () => {
  const made = laneOn(laneStorage(), { config: { queue: 1 }, parts: { clock: stoppedClock() } })
  const messages = [{ role: 'user', content: 'Hello' }]
  const put = decodeEvents(
    made.lane.generate(
      request({
        tenant: 'a',
        prompt: { kind: 'chat', messages },
        conversation: messages,
        background: true,
        store: true,
      }),
    ),
  )
  await put.next()
  await put.return(undefined)
  await vi.waitFor(() => expect(made.lane.sessions.driven).toBe(0))
  const reader = await begun(made, { tenant: 'a', maxTokens: 300 })
  await made.lane.awake()
  expect(made.lane.owned.list('a').map(({ state }) => state)).toEqual(['done'])
  expect(await ask(made.lane, request({ tenant: 'a' }))).toMatchObject([{ code: 'overloaded' }])
  await reader.return(undefined)
})

test('what a lane has accepted waits where the queue of the shared engine is full', async () => {
  const isolate = new Isolate()
  const lanes = [1, 2, 3].map(() =>
    mockLane({ config: { queue: 2 }, model: { pageCount: 8 }, parts: { isolate, clock: stoppedClock() } }),
  )
  const answers = await Promise.all(
    lanes.flatMap(({ lane }, i) =>
      [0, 1].map((j) =>
        ask(
          lane,
          request({ prompt: idPrompt(70, 2 * i + j), maxTokens: 20, ignoreEos: true, tenant: `t${i}` }),
        ),
      ),
    ),
  )
  expect(answers.map(idsOf)).toEqual(answers.map((_, i) => greedyAlone(idPrompt(70, i).ids, 20)))
})

test('hundreds in the background: all run, a few at a time, tenants in turns, behind whoever waits', async () => {
  const clock = stoppedClock()
  const model = new MockModel({ pageCount: 12 })
  const made = laneOn(laneStorage(), {
    parts: { clock, readModel: () => Promise.resolve(model) },
  })
  const put = async (tenant: string, seed: number): Promise<void> => {
    const messages = [{ role: 'user', content: `${tenant} ${seed}` }]
    const asked = {
      tenant,
      sessionKey: `${tenant}${seed}`,
      prompt: { kind: 'chat' as const, messages },
      conversation: messages,
      background: true,
      store: true,
      maxTokens: 12,
    }
    const reader = decodeEvents(made.lane.generate(request({ ignoreEos: true, ...asked })))
    const { value } = await reader.next()
    expect(value).toMatchObject({ type: 'session' })
    await reader.return(undefined)
  }
  for (let i = 0; i < 150; i++) await put('a', i)
  for (let i = 0; i < 3; i++) await put('b', i)
  await vi.waitFor(() => expect(made.lane.sessions.driven).toBe(0))

  let most = 0
  let isOver = false
  const alarm = made.lane.awake().then(() => (isOver = true))
  const states = (tenant: string): string[] => made.lane.owned.list(tenant).map(({ state }) => state)
  const done = (tenant: string): number => states(tenant).filter((state) => state === 'done').length
  while (done('b') < 3) {
    await clock.wait(0)
    most = Math.max(most, made.lane.sessions.driven)
  }
  expect(done('a')).toBeLessThan(8)
  const before = model.steps.length
  const answer = await ask(
    made.lane,
    request({ tenant: 'c', prompt: idPrompt(40), ignoreEos: true, maxTokens: 8 }),
  )
  expect(idsOf(answer)).toEqual(greedyAlone(idPrompt(40).ids, 8))
  // 40 rows are three steps, and one of somebody else's may come before.
  expect(model.steps.length - before).toBeLessThanOrEqual(3 + 8 + 4)
  while (!isOver) {
    await clock.wait(0)
    most = Math.max(most, made.lane.sessions.driven)
  }
  await alarm
  expect(most).toBeLessThanOrEqual(2)
  expect(states('a')).toEqual(Array.from({ length: 150 }, () => 'done'))
  expect(made.lane.sessions.unread()).toEqual([])
  expect(eventsOf(answer, 'finish')).toHaveLength(1)
}, 60_000)

test('turns that wait look together: 40 of them keep the host as busy as one', async () => {
  const waits = { now: 0, most: 0 }
  const clock = stoppedClock()
  const counted: Clock = {
    now: clock.now,
    wait: async (ms) => {
      waits.now += ms > 0 ? 1 : 0
      waits.most = Math.max(waits.most, waits.now)
      await clock.wait(ms)
      waits.now -= ms > 0 ? 1 : 0
    },
  }
  const made = mockLane({ config: { queue: 64 }, model: { pageCount: 8 }, parts: { clock: counted } })
  await ask(made.lane, request({})) // the model is there
  waits.most = 0
  const prompts = Array.from({ length: 40 }, (_, i) => idPrompt(60, i))
  const answers = await Promise.all(
    prompts.map((prompt) => ask(made.lane, request({ prompt, maxTokens: 10, ignoreEos: true }))),
  )
  answers.forEach((answer, i) => expect(idsOf(answer)).toEqual(greedyAlone(prompts[i].ids, 10)))
  // One look, and one that holds for a first token.
  expect(waits.most).toBeGreaterThan(0)
  expect(waits.most).toBeLessThanOrEqual(2)
})

test('of many turns that wait together one runs a step, and then the host has its turn', async () => {
  const seen: string[] = []
  const clock = stoppedClock()
  const wait = (ms: number): Promise<void> => {
    seen.push('rest')
    return clock.wait(ms)
  }
  const model = { pageCount: 8, onForward: () => void seen.push('step') }
  const made = mockLane({ config: { queue: 64 }, model, parts: { clock: { now: clock.now, wait } } })
  const runs = await begun(made, { prompt: idPrompt(60), maxTokens: 60 }) // its reader is slow
  seen.length = 0
  const prompts = Array.from({ length: 20 }, (_, i) => idPrompt(60, i))
  await Promise.all(
    prompts.map((prompt) => ask(made.lane, request({ prompt, maxTokens: 1, ignoreEos: true }))),
  )
  await runs.return(undefined)
  const together = seen
    .join(' ')
    .split('rest')
    .map((steps) => steps.trim().split(' ').length)
  expect(seen).toContain('step')
  expect(Math.max(...together)).toBeLessThan(10)
})

test('a rest is shared by turns of one lane and of one length, and begins anew when it is over', async () => {
  const ends: (() => void)[] = []
  const wait = vi.fn((_: number) => new Promise<void>((resolve) => ends.push(resolve)))
  const pacer = new Pacer({ now: () => 0, wait }, new FirstTokens())
  const [lane, other] = [laneStorage(), laneStorage()].map((storage) => laneOn(storage).lane.sessions.pages)
  const { last } = pacer
  const rested = [5, 5].map((ms) => pacer.restTogether(ms, lane))
  const others = [
    pacer.restTogether(20, lane),
    pacer.restTogether(5, other),
    pacer.restTogether(5, undefined),
  ]
  expect(wait.mock.calls).toEqual([[5], [20], [5], [5]])
  pacer.stepped(1, lane)
  for (const end of ends) end()
  await Promise.all([...rested, ...others])
  expect([lane, other].map((vault) => pacer.hasStepped(last, vault))).toEqual([true, false])
  void pacer.restTogether(5, lane)
  expect(wait).toHaveBeenCalledTimes(5)
})

test('answers wait for the first token of whoever was served less, and not for long', () => {
  const first = new FirstTokens()
  const [a, b] = [new AbortController().signal, new AbortController().signal]
  const served = (tenant: string): number => (tenant === 'a' ? 100 : 10)
  first.begin(a, 'a', 0)
  expect(first.isShared(0)).toBe(false)
  first.end(a)
  first.begin(b, 'b', 0)
  expect(first.isShared(0)).toBe(true)
  expect(first.goFirst(a, 'a', served)).toBe(true)
  expect(first.goFirst(b, 'b', served)).toBe(false)
  expect(
    first.goFirst(a, 'a', () => 10),
    'nobody waits for one that was served as much',
  ).toBe(false)
  expect(first.goFirst(new AbortController().signal, 'b', served), 'nor for its own tenant').toBe(false)
  for (let step = 0; step < 16; step++) first.stepped()
  expect(first.goFirst(a, 'a', served), 'nor when it had its chance').toBe(false)
  expect(first.isShared(60_000)).toBe(false)
})

test('once two tenants are there, the steps of a long prompt that is alone are short', async () => {
  const made = mockLane({ parts: { clock: stoppedClock() } })
  const rowsOf = async (tenant: string, seed: number): Promise<number[]> => {
    const before = made.models[0]?.steps.length ?? 0
    await ask(made.lane, request({ tenant, prompt: idPrompt(100, seed), maxTokens: 1 }))
    return made.models[0].steps.slice(before).map(([rows]) => rows)
  }
  expect((await rowsOf('a', 1))[0]).toBe(16)
  await rowsOf('b', 2)
  expect(await rowsOf('a', 3)).toEqual([...Array.from({ length: 12 }, () => SHORT_ROWS), 4])
})

test('a turn that waits runs no step in front of a new request of who was served less', async () => {
  const isolate = new Isolate()
  const seen: (number | string)[] = []
  const clock = stoppedClock()
  const wait = (ms: number): Promise<void> => {
    if (ms > 0 && ms <= HOLD_MS) seen.push(ms)
    return clock.wait(ms)
  }
  const model = { pageCount: 8, onForward: () => void seen.push('step') }
  const made = mockLane({ model, parts: { isolate, clock: { now: clock.now, wait } } })
  const asked = { tenant: 'a', maxTokens: 200, store: false }
  const runs = await begun(made, { ...asked, prompt: idPrompt(60, 1) })
  const waits = decodeEvents(made.lane.generate(request({ ...asked, prompt: idPrompt(60, 2) })))
  expect((await waits.next()).value).toMatchObject({ type: 'progress', state: 'queued' })
  for (let step = 0; step < 16; step++) isolate.first.stepped() // it is no longer new itself
  isolate.first.begin(new AbortController().signal, 'b', clock.now())
  seen.length = 0
  const read = waits.next()
  await vi.waitFor(() => expect(seen).toContain('step'))
  const held = Array.from({ length: MOST_HOLDS }, () => HOLD_MS)
  expect(seen.slice(0, MOST_HOLDS + 2)).toEqual([...held, 5, 'step'])
  await runs.return(undefined)
  await read
  await waits.return(undefined)
})
