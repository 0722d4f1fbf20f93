// Each reading of a turn has the same texts at the same places, whatever is replayed: the cursor of reader and router counts on it.

import { describe, expect, test, vi } from 'vitest'
import type { PlacedText } from '../../src/answer/answer.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { fakeLanes, readAll, readUntilThrow, streamOf } from '../helpers/fake-lanes.ts'
import { ask, eventsOf, laneOn, laneStorage, textOf, trapOnce } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const gone = new Error('Network connection lost.')
const asked = (changes: Partial<GenerateRequest>) =>
  request({ store: true, maxTokens: 40, ignoreEos: true, ...changes })
const textsOf = (events: readonly GenerationEvent[]) => eventsOf(events, 'text') as PlacedText[]

/** What the mock answers without further options: arbitrary bytes, so that most characters are held back for their others. */
const plain = textOf(await ask(laneOn(laneStorage()).lane, asked({})))

const cases: [string, Partial<GenerateRequest>, (texts: PlacedText[]) => void][] = [
  [
    'with ids whose text is held back',
    {},
    (texts) => expect(Math.max(...texts.map(({ ids }) => ids.length))).toBeGreaterThan(1),
  ],
  ['with an echo', { echo: true }, ([echo]) => expect(echo).toMatchObject({ at: 0, text: 'Hello', ids: [] })],
  [
    'that a stop string ends',
    { stop: [plain.slice(12, 15)] },
    (texts) => expect(textOf(texts)).toBe(plain.slice(0, plain.indexOf(plain.slice(12, 15)))),
  ],
  [
    'with an echo, and an end that gives what was held back for a stop string',
    { echo: true, stop: [`${plain.slice(-3)}never`] },
    (texts) => expect([textOf(texts), texts.at(-1)?.text]).toEqual([`Hello${plain}`, plain.slice(-3)]),
  ],
  [
    'beside three others',
    { choices: 4, sampling: { ...request().sampling, temperature: 1 } },
    (texts) => expect(new Set(texts.map(({ choice = 0 }) => choice))).toEqual(new Set([0, 1, 2, 3])),
  ],
  [
    'with log probabilities',
    { topLogprobs: 1 },
    (texts) => expect(texts.flatMap(({ logprobs }) => logprobs ?? [])).toHaveLength(40),
  ],
]

/** Events up to that many texts. */
async function leaveAfter(lane: ReturnType<typeof laneOn>['lane'], count: number, order: GenerateRequest) {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.generate(order))) {
    events.push(event)
    if (textsOf(events).length === count) break
  }
  await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  return { events, id: eventsOf(events, 'session')[0].session }
}

const readOn = (kept: ReturnType<typeof laneStorage>, id: string) =>
  readAll(decodeEvents(laneOn(kept).lane.resume('tenant', id)))

describe.each(cases)('an answer %s', async (_, changes, shows) => {
  const whole = await ask(laneOn(laneStorage()).lane, asked(changes))
  const texts = textsOf(whole)
  const counts = [1, 2, texts.length >> 1, texts.length - 1, texts.length]

  test('numbers its texts', () => {
    shows(texts)
    for (const own of Map.groupBy(texts, ({ choice }) => choice).values())
      expect(own.map(({ at }) => at)).toEqual(own.map((_, place) => place))
  })

  test.each(counts)('left after %i texts has them again, and again when it has ended', async (count) => {
    const kept = laneStorage()
    const { events, id } = await leaveAfter(laneOn(kept).lane, count, asked(changes))
    expect(textsOf(events)).toEqual(texts.slice(0, count))
    expect(textsOf(await readOn(kept, id))).toEqual(texts)
    expect(textsOf(await readOn(kept, id))).toEqual(texts)
  })

  test.each(counts)('whose object is lost after %i texts comes whole out of the router', async (count) => {
    const kept = laneStorage()
    const { events, id } = await leaveAfter(laneOn(kept).lane, count, asked(changes))
    const { lanes } = fakeLanes([() => streamOf(events, gone), () => laneOn(kept).lane.resume('tenant', id)])
    const seen = await readAll(lanes.generate(asked(changes)))
    expect(textsOf(seen)).toEqual(texts)
    expect(eventsOf(seen, 'start')).toEqual(eventsOf(whole, 'start'))
    expect(eventsOf(seen, 'end')).toEqual(eventsOf(whole, 'end'))
    expect(seen.at(-1)).toEqual(whole.at(-1))
  })

  test('whose engine fails goes on behind what its reader has', async () => {
    const { onForward, arm } = trapOnce()
    const { lane, models } = laneOn(laneStorage(), { model: { onForward } })
    const events: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(asked(changes)))) {
      events.push(event)
      if (event.type === 'text' && textsOf(events).length === 2) arm()
    }
    expect(textsOf(events)).toEqual(texts)
    expect(models).toHaveLength(2)
  })
})

test.each([
  [
    'of other ids',
    (texts: PlacedText[]) => texts.map((text) => ({ ...text, ids: text.ids.map((id) => id + 1) })),
  ],
  ['that leaves a text out', (texts: PlacedText[]) => texts.slice(1)],
  [
    'that is cut otherwise',
    ([first, second, ...others]: PlacedText[]) => [
      { ...first, text: first.text + second.text, ids: [...first.ids, ...second.ids] },
      ...others,
    ],
  ],
])('the router refuses an answer %s', async (_, change) => {
  const kept = laneStorage()
  const { events, id } = await leaveAfter(laneOn(kept).lane, 3, asked({}))
  const replayed = await readOn(kept, id)
  const finish = replayed.at(-1) as GenerationEvent
  const other = [eventsOf(replayed, 'session')[0], ...change(textsOf(replayed)), finish]
  const { lanes } = fakeLanes([() => streamOf(events, gone), () => streamOf(other)])
  const { seen, error } = await readUntilThrow(lanes.generate(asked({})))
  expect(seen).toEqual(events)
  expect(error).toMatchObject({ code: 'lane_lost', message: expect.stringContaining(id) })
})
