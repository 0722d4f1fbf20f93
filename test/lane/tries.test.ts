// The same request again joins what its first try computes or left: nothing is computed twice for one client.

import { describe, expect, test, vi } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { Drivers } from '../../src/lane/drivers.ts'
import { ReaderDriver } from '../../src/lane/reader-driver.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { newRecord } from '../../src/storage/turn-record.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, textOf, type MockLane } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const TOKENS = 40
const prompt = { kind: 'ids' as const, ids: Array.from({ length: 30 }, (_, i) => (i * 7 + 31) % 251) }
const ROWS = prompt.ids.length + TOKENS - 1

/** A sampled answer: with another seed it is another one. */
const asked = (seed: number, changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    prompt,
    store: true,
    maxTokens: TOKENS,
    ignoreEos: true,
    bodyHash: 'b',
    ...changes,
    sampling: { ...request().sampling, temperature: 1.3, ...changes.sampling, seed },
  })
const WHOLE = { unseen: true as const }
const RETRY = { retry: true }
const NAMES = { session: 's', turn: 't', createdAt: 0, expiresAt: 0, model: '', echo: undefined }

const turnOf = (events: readonly GenerationEvent[]) => eventsOf(events, 'session')[0].turn
const rowsOf = ({ models }: MockLane) => models.reduce((sum, { rowsRun }) => sum + rowsRun, 0)
const alone = async (seed: number) => idsOf(await ask(laneOn(laneStorage()).lane, asked(seed)))

type Reader = {
  heard: GenerationEvent[]
  next(): Promise<void>
  rest(): Promise<GenerationEvent[]>
  leave(): Promise<void>
}

/** A reader that has read so many texts, and stays. */
async function begun({ lane }: MockLane, order: GenerateRequest, texts = 5): Promise<Reader> {
  const events = decodeEvents(lane.generate(order))
  const heard: GenerationEvent[] = []
  const next = async () => void heard.push((await events.next()).value as GenerationEvent)
  while (eventsOf(heard, 'text').length < texts) await next()
  return {
    heard,
    next,
    async rest() {
      for await (const event of events) heard.push(event)
      return heard
    },
    async leave() {
      await events.return(undefined)
      await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
    },
  }
}

/** What comes of it, and whether it has come. */
function started(made: MockLane, order: GenerateRequest) {
  const state = { done: false, answer: ask(made.lane, order) }
  void state.answer.then(() => (state.done = true))
  return state
}

const afterMs = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

describe('a marked retry', () => {
  test('waits while its first try is read, and is told the same answer, computed once', async () => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1))
    const again = started(made, asked(2, RETRY))
    await afterMs(60)
    expect(again.done).toBe(false)
    const whole = await first.rest()
    const told = await again.answer
    expect(idsOf(whole)).toEqual(await alone(1))
    expect([turnOf(told), idsOf(told), textOf(told)]).toEqual([turnOf(whole), idsOf(whole), textOf(whole)])
    expect(rowsOf(made)).toBe(ROWS)
  })

  test('is told the same answer where its first try has the last event, and has not left yet', async () => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1))
    while (first.heard.at(-1)?.type !== 'finish') await first.next()
    expect(made.lane.sessions.driven).toBe(1)
    const again = started(made, asked(2, RETRY))
    await afterMs(60)
    const whole = await first.rest()
    const told = await again.answer
    expect([turnOf(told), idsOf(told), textOf(told)]).toEqual([turnOf(whole), idsOf(whole), textOf(whole)])
    expect(rowsOf(made)).toBe(ROWS)
  })

  test('goes on where its first try is left while it waits, computed once', async () => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1))
    const again = started(made, asked(2, RETRY))
    await afterMs(30)
    await first.leave().catch(() => undefined)
    const told = await again.answer
    expect([turnOf(told), idsOf(told)]).toEqual([turnOf(first.heard), await alone(1)])
    expect(rowsOf(made)).toBe(ROWS)
  })

  test('takes over from a reader that has asked for nothing for 10 s', async () => {
    let ahead = 0
    const clock = { now: () => performance.now() + ahead, wait: afterMs }
    const made = laneOn(laneStorage(), { parts: { clock } })
    const first = await begun(made, asked(1))
    ahead = 10_000
    const told = await ask(made.lane, asked(2, RETRY))
    expect([turnOf(told), idsOf(told)]).toEqual([turnOf(first.heard), await alone(1)])
    expect((await first.rest()).at(-1)).toMatchObject({ type: 'error', code: 'conflict' })
  })

  test('takes a turn over that goes on in the background with no reader', async () => {
    const messages = [{ role: 'user', content: 'Hi' }]
    const background = {
      prompt: { kind: 'chat' as const, messages },
      conversation: messages,
      background: true,
    }
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1, { ...background, maxTokens: 200 }))
    await first.leave()
    const alarm = made.lane.awake()
    await vi.waitFor(() => expect(made.lane.sessions.driven).toBe(1), { interval: 1 })
    const again = await begun(made, asked(2, { ...background, ...RETRY, maxTokens: 200 }), 1)
    const { session } = eventsOf(again.heard, 'session')[0]
    expect(made.lane.sessions.drivers.of(session)?.driver.isUnread).toBe(false)
    const told = await again.rest()
    expect(turnOf(told)).toBe(turnOf(first.heard))
    expect(idsOf(told)).toHaveLength(200)
    await alarm
  })

  test('that leaves while it waits ends, and its first try goes on', async () => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1))
    const again = made.lane.generate(asked(2, RETRY)).getReader()
    void again.read()
    await afterMs(30)
    const left = again.cancel().then(() => 'left')
    expect(await Promise.race([left, afterMs(1000)])).toBe('left')
    expect(idsOf(await first.rest())).toEqual(await alone(1))
    await vi.waitFor(() => expect(made.lane.sessions.driven).toBe(0))
    expect(rowsOf(made)).toBe(ROWS)
  })

  test.each([
    ['of other bytes', { bodyHash: 'c' }],
    ['of another tenant', { tenant: 'other' }],
    ['that stores nothing', { store: false }],
  ])('%s waits for nobody', async (_, changes) => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1))
    const other = await ask(made.lane, asked(2, { ...RETRY, ...changes }))
    expect(idsOf(other)).toEqual(await alone(2))
    expect(idsOf(await first.rest())).toEqual(await alone(1))
  })
})

describe('the same request without a mark', () => {
  test('goes on with a whole answer that its client left, and saw nothing of', async () => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1, WHOLE))
    await first.leave()
    const again = await ask(made.lane, asked(2, WHOLE))
    expect([turnOf(again), idsOf(again)]).toEqual([turnOf(first.heard), await alone(1)])
    expect(rowsOf(made)).toBe(ROWS)
    // That one was given to its end: the next is a new answer.
    const next = await ask(made.lane, asked(3, WHOLE))
    expect(idsOf(next)).toEqual(await alone(3))
  })

  test.each([
    ['waits for one that is ending, since its client left', true, {}],
    ['waits for none that is read', false, {}],
    ['waits for none in the background', true, { background: true }],
    ['waits for none whose beginning another client saw', true, { unseen: undefined }],
  ])('%s', async (_, isLeft, changes) => {
    const drivers = new Drivers(() => 0)
    const driver = { isLeft, unreadFor: () => 0, stop: () => Promise.reject(new Error('it was stopped')) }
    const { prompt: _prompt, ...kept } = asked(1, { ...WHOLE, ...changes })
    const record = {
      ...newRecord(asked(1), { kind: 'ids' as const, ids: [1], tools: false, truncatedTokens: 0 }, NAMES),
      request: kept,
    }
    drivers.set({ record, driver })
    let waits = 0
    await drivers.untilTryEnds(asked(2, { ...WHOLE, ...changes }), new AbortController().signal, {
      wait: async () => {
        if (++waits === 3) drivers.leave(record, driver)
      },
    })
    expect(waits).toBe(isLeft && Object.keys(changes).length === 0 ? 3 : 0)
  })

  test('is computed for itself while the first one is waited for', async () => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1, WHOLE))
    const other = await ask(made.lane, asked(2, WHOLE))
    expect(turnOf(other)).not.toBe(turnOf(first.heard))
    expect(idsOf(other)).toEqual(await alone(2))
    expect(idsOf(await first.rest())).toEqual(await alone(1))
  })

  test.each<[string, Partial<GenerateRequest>, Partial<GenerateRequest>, boolean]>([
    ['a stream of the same seed', {}, {}, true],
    ['a greedy stream', { sampling: { ...request().sampling, temperature: 0 } }, {}, true],
    ['other bytes', WHOLE, { bodyHash: 'c' }, false],
    ['another tenant', WHOLE, { tenant: 'other' }, false],
  ])('of %s', async (name, changes, other, same) => {
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1, changes))
    await first.leave()
    const seed = name === 'a stream of the same seed' ? 1 : 2
    const again = await ask(made.lane, asked(seed, { ...changes, ...other }))
    expect(turnOf(again) === turnOf(first.heard)).toBe(same)
  })

  test('of a stream whose beginning its client saw is another sample', async () => {
    const made = laneOn(laneStorage())
    await (await begun(made, asked(1))).leave()
    expect(idsOf(await ask(made.lane, asked(2)))).toEqual(await alone(2))
  })

  test('in the background is a second one', async () => {
    const messages = [{ role: 'user', content: 'Hi' }]
    const chat = { prompt: { kind: 'chat' as const, messages }, conversation: messages, background: true }
    const greedy = { ...chat, sampling: { ...request().sampling, temperature: 0 } }
    const made = laneOn(laneStorage())
    const first = await begun(made, asked(1, greedy))
    await first.leave()
    expect(turnOf(await ask(made.lane, asked(1, greedy)))).not.toBe(turnOf(first.heard))
  })

  test('a minute later is a new request', async () => {
    let ahead = 0
    const clock = { now: () => performance.now() + ahead, wait: afterMs }
    const made = laneOn(laneStorage(), { parts: { clock } })
    const first = await begun(made, asked(1, WHOLE))
    await first.leave()
    ahead = 60_000
    const again = await ask(made.lane, asked(2, WHOLE))
    expect(turnOf(again)).not.toBe(turnOf(first.heard))
    expect(idsOf(again)).toEqual(await alone(2))
  })
})

test('a reader has left that cancelled, and not one that was stopped', async () => {
  const driver = (): ReaderDriver => new ReaderDriver(async function* () {})
  const [stopped, left] = [driver(), driver()]
  await stopped.stop(new IsletError('conflict', 'somebody else reads this answer now'))
  await left.stream().cancel()
  expect([stopped.isLeft, left.isLeft]).toEqual([false, true])
})
