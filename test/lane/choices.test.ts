// Several answers to one request are each what they are alone, in an order that all readings agree on.

import { describe, expect, it } from 'vitest'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { choiceSeed } from '../../src/storage/turn-record.ts'
import {
  TOKENS,
  alone,
  answersOf,
  ids,
  idsOf,
  indices,
  ofIndex,
  sampling,
  session,
  several,
  told,
} from '../helpers/choices.ts'
import { readOn } from '../helpers/lane-readers.ts'
import { ask, eventsOf, laneOn, laneStorage, mockLane } from '../helpers/mock-lane.ts'

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

  it('begin, all of them, before anything is computed', async () => {
    const { lane, models } = mockLane()
    for await (const event of decodeEvents(lane.generate(several()))) {
      if (event.type !== 'start') continue
      expect(models[0].steps).toEqual([])
      if (event.choice === 3) return
    }
    expect.unreachable()
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
