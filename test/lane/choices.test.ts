// Several answers to one request are each what they are alone, in an order that all readings agree on.

import { describe, expect, it, vi } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { choiceSeed } from '../../src/storage/turn-record.ts'
import {
  ask,
  eventsOf,
  laneOn,
  laneStorage,
  mockLane,
  trapOnce,
  type MockLane,
} from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const TOKENS = 24
const ids = (length: number, from = 31) => Array.from({ length }, (_, i) => (i * 7 + from) % 251)
const prompt = { kind: 'ids' as const, ids: ids(70) }
const sampling = { ...request().sampling, temperature: 1, seed: 11 }
const several = (changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({ prompt, sampling, maxTokens: TOKENS, choices: 4, ...changes })

const ofIndex = (events: readonly GenerationEvent[], index: number) =>
  eventsOf(events, 'text').filter(({ choice = 0 }) => choice === index)
const idsOf = (events: readonly GenerationEvent[], index = 0): number[] =>
  ofIndex(events, index).flatMap((event) => event.ids)
const indices = (count: number) => Array.from({ length: count }, (_, index) => index)
const answersOf = (events: readonly GenerationEvent[], count = 4) =>
  indices(count).map((index) => idsOf(events, index))
/** Without what says where in time it came. */
const told = (events: readonly GenerationEvent[]) => events.filter(({ type }) => type !== 'progress')
const session = (events: readonly GenerationEvent[]) => eventsOf(events, 'session')[0].session

type LaneOptions = Parameters<typeof mockLane>[0]
/** The answers, each asked for alone, of a lane that has answered nothing. */
const alone = async (changes: Partial<GenerateRequest> = {}, count = 4, options: LaneOptions = {}) =>
  Promise.all(
    indices(count).map(async (answer) => {
      const own = { ...sampling, ...changes.sampling, seed: choiceSeed(11, answer) }
      return idsOf(
        await ask(mockLane(options).lane, several({ ...changes, choices: undefined, sampling: own })),
      )
    }),
  )

async function readOn({ lane }: MockLane, id: string): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.resume('tenant', id))) events.push(event)
  return events
}

/** Reads up to that many texts and leaves. */
async function leaveAfter({ lane }: MockLane, texts: number, order: GenerateRequest) {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.generate(order))) {
    events.push(event)
    if (eventsOf(events, 'text').length === texts) break
  }
  await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  return events
}

describe('answers to one prompt', () => {
  it('have the ids that each has alone', async () => {
    const events = await ask(mockLane().lane, several())
    const answers = answersOf(events)
    expect(answers).toEqual(await alone())
    expect(answers.map(({ length }) => length)).toEqual([TOKENS, TOKENS, TOKENS, TOKENS])
    expect(new Set(answers.map((answer) => answer.join())).size).toBe(4)
  })

  it('begin at once, come in turns and end once each', async () => {
    const events = told(await ask(mockLane().lane, several()))
    const places = events.map((event) => `${event.type} ${'choice' in event ? event.choice : 0}`)
    const round = (type: string) => indices(4).map((index) => `${type} ${index}`)
    expect(places.slice(0, 12)).toEqual([...round('start'), ...round('text'), ...round('text')])
    const ends = places.filter((place) => place.startsWith('end'))
    expect(new Set(ends).size).toBe(3)
    expect(eventsOf(events, 'finish')).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'length' })
    for (const index of indices(4)) {
      const at = ofIndex(events, index).map((event) => event.at)
      expect(at).toEqual(indices(at.length))
    }
  })

  it('count the prompt once, and what is cached of it', async () => {
    const { lane } = mockLane()
    const first = eventsOf(await ask(lane, several()), 'finish')[0]
    expect(first.usage).toEqual({ promptTokens: 70, cachedTokens: 0, completionTokens: 4 * TOKENS })
    const again = await ask(lane, several())
    expect(eventsOf(again, 'finish')[0].usage.cachedTokens).toBe(69)
    expect(eventsOf(again, 'start').map(({ cachedTokens }) => cachedTokens)).toEqual([69, 0, 0, 0])
  })

  it.each([1, 2, TOKENS])('run each row of the prompt once, of %i tokens', async (maxTokens) => {
    const { lane, models } = mockLane()
    await ask(lane, several({ maxTokens }))
    expect(models[0].rowsRun).toBe(70 + 4 * (maxTokens - 1))
  })

  it.each([
    ['stop strings', { stop: ['e', 'a'] }],
    ['log probabilities', { topLogprobs: 2 }],
    ['an echo', { echo: true }],
    ['a grammar', { grammar: { kind: 'regex', pattern: '[a-f]{3,30}' } }],
    ['penalties', { sampling: { ...sampling, frequencyPenalty: 1, repetitionPenalty: 1.3 } }],
    ['a hash of the logits', { hashLogits: true }],
    ['storage', { store: true }],
  ] as [string, Partial<GenerateRequest>][])('are the same with %s', async (_, changes) => {
    const model = { onForward: () => undefined }
    const events = await ask(mockLane({ model, endIds: [7, 8, 9] }).lane, several(changes))
    for (const index of indices(4)) {
      const lane = mockLane({ endIds: [7, 8, 9] }).lane
      const seed = choiceSeed(11, index)
      const single = await ask(
        lane,
        several({ ...changes, choices: undefined, sampling: { ...sampling, ...changes.sampling, seed } }),
      )
      const plain = ofIndex(events, index).map(({ choice: _choice, ...event }) => event)
      expect(plain).toEqual(eventsOf(single, 'text'))
      const [end] = eventsOf(single, 'finish')
      const [last] = eventsOf(events, 'finish')
      const own = eventsOf(events, 'end').find(({ choice = 0 }) => choice === index)
      expect((own ?? last).reason).toBe(end.reason)
      if (index === 0) expect(last.logitsHash).toBe(end.logitsHash)
    }
  })

  it('share no place where an answer ends with its first token', async () => {
    const endIds = (await alone()).map(([id]) => id).slice(0, 3)
    const { lane, models } = mockLane({ endIds })
    const events = await ask(lane, several())
    expect(answersOf(events)).toEqual(await alone({}, 4, { endIds }))
    expect(answersOf(events).map(({ length }) => length)).toEqual([0, 0, 0, expect.any(Number)])
    expect(models[0].rowsRun).toBe(70 + eventsOf(events, 'finish')[0].usage.completionTokens - 4)
  })
})

describe('several prompts', () => {
  const prompts = [40, 33, 50].map((length, i) => ({ kind: 'ids' as const, ids: ids(length, 5 + i) }))
  const asked = (changes: Partial<GenerateRequest> = {}) =>
    several({ prompt: prompts[0], morePrompts: prompts.slice(1), choices: 2, ...changes })

  it('have their answers behind each other, each as it is alone', async () => {
    const { lane, models } = mockLane()
    const events = await ask(lane, asked())
    for (const [p, each] of prompts.entries())
      expect([idsOf(events, 2 * p), idsOf(events, 2 * p + 1)]).toEqual(await alone({ prompt: each }, 2))
    const { usage } = eventsOf(events, 'finish')[0]
    expect(usage).toMatchObject({ promptTokens: 40 + 33 + 50, cachedTokens: 0 })
    expect(models[0].rowsRun).toBe(40 + 33 + 50 + usage.completionTokens - 6)
  })

  it('are read again with their echoes', async () => {
    const kept = laneStorage()
    const first = told(await ask(laneOn(kept).lane, asked({ store: true, echo: true })))
    expect(indices(6).map((index) => ofIndex(first, index)[0].text)).toEqual(
      [0, 0, 1, 1, 2, 2].map((p) => new TextDecoder().decode(Uint8Array.from(prompts[p].ids))),
    )
    expect(told(await readOn(laneOn(kept), session(first)))).toEqual(first)
  })

  it('are refused where one of them is too long', async () => {
    const events = await ask(mockLane().lane, asked({ morePrompts: [{ kind: 'ids', ids: ids(513) }] }))
    expect(events).toMatchObject([{ type: 'error', code: 'context_length_exceeded' }])
  })
})

describe('pages that do not suffice', () => {
  it.each([
    ['for one answer beside another', 6, 70],
    ['for three', 14, 70],
    ['for two prompts', 12, 150],
  ])('%s let the answers take turns, and each is as it is alone', async (_, pageCount, length) => {
    const changes = { prompt: { kind: 'ids' as const, ids: ids(length) } }
    const { lane } = mockLane({ model: { pageCount } })
    const events = await ask(lane, several(changes))
    expect(answersOf(events)).toEqual(await alone(changes))
    expect(eventsOf(events, 'end')).toHaveLength(3)
  })

  it('change nothing of the order', async () => {
    const wide = told(await ask(mockLane().lane, several()))
    expect(told(await ask(mockLane({ model: { pageCount: 6 } }).lane, several()))).toEqual(wide)
  })

  it('are not given back and forth: no row is run twice', async () => {
    const { lane, models } = mockLane({ model: { pageCount: 9 } })
    const { usage } = eventsOf(await ask(lane, several({ maxTokens: 60 })), 'finish')[0]
    expect(models[0].rowsRun).toBe(70 + usage.completionTokens - 4)
  })

  it('leave the host its turns while nothing is told', async () => {
    let [time, rests] = [0, 0]
    const clock = {
      now: () => (time += 1),
      wait: (ms: number) => {
        if (ms === 0) rests += 1
        return new Promise<void>((resolve) => setTimeout(resolve, ms))
      },
    }
    const { lane } = mockLane({ model: { pageCount: 22 }, parts: { clock } })
    await ask(lane, several({ maxTokens: 270, ignoreEos: true, choices: 2 }))
    expect(rests).toBeGreaterThan(8)
  })

  it('let the answers of prompts take turns too', async () => {
    const morePrompts = [{ kind: 'ids' as const, ids: ids(60, 3) }]
    const { lane } = mockLane({ model: { pageCount: 6 } })
    const events = await ask(lane, several({ morePrompts, choices: 2 }))
    expect(answersOf(events).slice(2)).toEqual(await alone({ prompt: morePrompts[0] }, 2))
  })
})

describe('answers whose object died', () => {
  it.each([0, 1, 3, 4, 5, 17, 50, 93])('after %i texts go on, all of them', async (texts) => {
    const kept = laneStorage()
    const whole = told(await ask(laneOn(laneStorage()).lane, several({ store: true })))
    const events: GenerationEvent[] = []
    const { lane } = laneOn(kept)
    const stream = decodeEvents(lane.generate(several({ store: true })))
    // Nobody leaves: the object is gone, with what it wrote a little before.
    for (let event = await stream.next(); event.done !== true; event = await stream.next()) {
      events.push(event.value)
      const count = eventsOf(events, 'text').length
      if (count === Math.floor(texts / 2)) lane.sessions.write(lane.sessions.find('tenant', session(events)))
      if (count >= texts && eventsOf(events, 'start').length > 0) break
    }
    const next = laneOn(kept)
    const again = told(await readOn(next, session(events)))
    expect(again.slice(1)).toEqual(whole.slice(1))
    // What was received comes first, and in the same order.
    expect(again.slice(0, told(events).length)).toEqual(told(events))
    expect(told(await readOn(next, session(events)))).toEqual(again)
  })

  it('compute their log probabilities again', async () => {
    const kept = laneStorage()
    const order = several({ store: true, topLogprobs: 1 })
    const events = await leaveAfter(laneOn(kept), 30, order)
    const whole = told(await ask(laneOn(laneStorage()).lane, order))
    expect(told(await readOn(laneOn(kept), session(events))).slice(1)).toEqual(whole.slice(1))
    expect(told(await readOn(laneOn(kept), session(events))).slice(1)).toEqual(whole.slice(1))
  })

  it('are found by a marked retry', async () => {
    const kept = laneStorage()
    const order = several({ store: true, bodyHash: 'b' })
    const events = await leaveAfter(laneOn(kept), 30, order)
    const next = laneOn(kept)
    const again = await ask(next.lane, { ...order, retry: true, sampling: { ...sampling, seed: 99 } })
    expect(session(again)).toBe(session(events))
    expect(answersOf(again)).toEqual(await alone())
  })

  it('compute the prompt once more at most, though the first answer has ended', async () => {
    const kept = laneStorage()
    const options = { endIds: (await alone())[0].slice(3, 4) }
    const events = await leaveAfter(laneOn(kept, options), 30, several({ store: true }))
    const next = laneOn(kept, options)
    const again = await readOn(next, session(events))
    expect(answersOf(again)).toEqual(await alone({}, 4, options))
    expect(next.models[0].rowsRun).toBeLessThan(70 + 3 * TOKENS)
  })
})

describe('a session of several answers', () => {
  it('goes on from the first', async () => {
    const kept = laneStorage()
    const first = await ask(laneOn(kept).lane, several({ store: true }))
    const next = laneOn(kept)
    const longer = [...prompt.ids, ...idsOf(first), 5]
    const second = await ask(next.lane, several({ store: true, prompt: { kind: 'ids', ids: longer } }))
    expect(session(second)).toBe(session(first))
    // Of 93 positions that were computed of the first answer five pages are full.
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(80)
  })

  it('is forked with all of them', async () => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const first = told(await ask(lane, several({ store: true })))
    const fork = (await lane.ready()).fork('tenant', session(first), '0')
    expect(told(await readOn(laneOn(kept), fork.id)).slice(1)).toEqual(first.slice(1))
  })

  it.each([8, 31])('of %i prompts is forked with them', async (count) => {
    const kept = laneStorage()
    const { lane } = laneOn(kept)
    const morePrompts = indices(count - 1).map((i) => ({ kind: 'ids' as const, ids: ids(250, i) }))
    const order = several({ store: true, morePrompts, choices: undefined, maxTokens: 3 })
    const first = told(await ask(lane, order))
    const { id } = (await lane.ready()).fork('tenant', session(first), '0')
    expect(told(await readOn(laneOn(kept), id)).slice(1)).toEqual(first.slice(1))
    expect(told(await readOn(laneOn(kept), session(first)))).toEqual(first)
  })

  it('leaves the pages of the first in memory for longest', async () => {
    const { lane } = mockLane({ model: { pageCount: 20 } })
    const first = await ask(lane, several())
    await ask(lane, request({ tenant: 'other', prompt: { kind: 'ids', ids: ids(190, 9) } }))
    const longer = [...prompt.ids, ...idsOf(first), 5]
    const second = await ask(lane, several({ choices: undefined, prompt: { kind: 'ids', ids: longer } }))
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(70 + TOKENS - 1)
  })

  it('that was left in the middle is forked and both go on', async () => {
    const kept = laneStorage()
    const events = await leaveAfter(laneOn(kept), 30, several({ store: true, prompt }))
    const next = laneOn(kept)
    const fork = (await next.lane.ready()).fork('tenant', session(events), '0')
    for (const id of [fork.id, session(events)])
      expect(answersOf(await readOn(next, id))).toEqual(await alone())
  })

  it('stores pages of the first alone', async () => {
    const kept = laneStorage()
    await ask(laneOn(kept).lane, several({ store: true }))
    const [{ pages }] = kept.sql.exec('SELECT SUM(count) AS pages FROM kv_runs').toArray()
    expect(Number(pages)).toBe(5)
  })
})

describe('a reader', () => {
  it('that leaves ends all answers', async () => {
    const bed = mockLane()
    await leaveAfter(bed, 9, several())
    await vi.waitFor(() => expect(bed.lane.health().running).toBe(0))
    expect(bed.lane.health().waiting).toBe(0)
    const rows = bed.models[0].rowsRun
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(bed.models[0].rowsRun).toBe(rows)
  })

  it('is told of an engine that fails only where the next one fails too', async () => {
    const trap = trapOnce()
    let steps = 0
    const { lane, models } = mockLane({
      model: {
        onForward() {
          if (++steps === 15) trap.arm()
          trap.onForward()
        },
      },
    })
    const events = told(await ask(lane, several()))
    expect(models).toHaveLength(2)
    expect(events).toEqual(told(await ask(mockLane().lane, several())))
  })

  it('whose time on the processor is over has the ends of all, and reads on', async () => {
    const kept = laneStorage()
    const { lane, models } = laneOn(kept)
    const events: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(several({ store: true })))) {
      events.push(event)
      if (eventsOf(events, 'text').length === 9) models[0].signal.value = 24
    }
    expect(events.at(-1)).toMatchObject({ type: 'finish', choice: 3, reason: 'length', stopped: 'cpu_limit' })
    expect(eventsOf(events, 'end')).toHaveLength(3)
    const rest = await readOn(laneOn(kept), session(events))
    expect(answersOf(rest)).toEqual(await alone())
    expect(rest.at(-1)).not.toHaveProperty('stopped')
  })

  it('shares the engine with other tenants as one', async () => {
    const { lane } = mockLane()
    const [many, few] = await Promise.all([
      ask(lane, several({ tenant: 'many', choices: 8 })),
      ask(lane, several({ tenant: 'few', choices: undefined })),
    ])
    expect(answersOf(many)).toEqual(await alone())
    expect(idsOf(few)).toEqual((await alone())[0])
  })

  it('takes as many places as it has answers', async () => {
    const { lane } = mockLane({ config: { queue: 4 } })
    const events: GenerationEvent[][] = []
    const first = ask(lane, several({ maxTokens: 200, prompt: { kind: 'ids', ids: ids(20) } }))
    events.push(await ask(lane, several({ choices: undefined })))
    expect(events[0]).toMatchObject([{ type: 'error', code: 'overloaded' }])
    expect(eventsOf(await first, 'finish')).toHaveLength(1)
  })
})

describe('pages that the answers share', () => {
  it('are counted once, so that all run beside each other', async () => {
    const steps = async (pageCount: number) => {
      const { lane, models } = mockLane({ model: { pageCount } })
      await ask(lane, several())
      return models[0].steps.length
    }
    // A prompt of 70 has four full pages; with 24 tokens and some room each answer has four more.
    expect(await steps(20)).toBe(await steps(64))
    expect(await steps(14)).toBeGreaterThan(await steps(64))
  })
})
