// Lanes on a model that answers later: same answers, whoever shares the engine, and whoever is lost in the middle of a step.

import { describe, expect, test } from 'vitest'
import { Isolate } from '../../src/lane/isolate.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, mockLane, type MockLane } from '../helpers/mock-lane.ts'
import { LaterModel } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const settled = (model: LaterModel): void => void setTimeout(() => model.settle(), 1)

/** A lane whose models answer after a millisecond. */
function laterLane(isolate: Isolate, storage = laneStorage(), onRun = settled): MockLane {
  const readModel = (_: unknown, window: LaterModel['window']) =>
    Promise.resolve(new LaterModel({ window, pageCount: 40 }, onRun))
  return laneOn(storage, { parts: { isolate, readModel } })
}

const asks = (text: string, more: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({ prompt: { kind: 'text', text }, maxTokens: 20, ...more })

describe('two lanes and one engine', () => {
  test('each request has the answer that it has of a model that answers at once', async () => {
    const isolate = new Isolate()
    const lanes = [laterLane(isolate), laterLane(isolate)]
    const texts = ['one', 'two and more', 'three '.repeat(9), 'four', 'one and five']
    const answers = await Promise.all(texts.map((text, i) => ask(lanes[i % 2].lane, asks(text))))
    for (const [i, text] of texts.entries())
      expect(idsOf(answers[i])).toEqual(idsOf(await ask(mockLane().lane, asks(text))))
    expect(lanes.flatMap(({ logged }) => logged)).toEqual([])
  })

  test('what is stored of an answer is gone on with by another engine', async () => {
    const storage = laneStorage()
    const first = laterLane(new Isolate(), storage)
    const stored = { store: true, sessionKey: 'k' }
    const [text, next] = ['a long prompt '.repeat(9), 'a long prompt '.repeat(10)]
    await ask(first.lane, asks(text, stored))
    while (first.lane.sessions.tick()) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(first.logged).toEqual([])
    const second = laterLane(new Isolate(), storage)
    const events = await ask(second.lane, asks(next, stored))
    expect(idsOf(events)).toEqual(idsOf(await ask(mockLane().lane, asks(next))))
    expect(eventsOf(events, 'finish')[0].usage.cachedTokens).toBeGreaterThanOrEqual(96)
  })

  test('an answer that ends while a step of others runs is stored when that is committed', async () => {
    const { lane, logged } = laterLane(new Isolate())
    const text = 'a prompt of some pages '.repeat(4)
    const short = asks(text, { store: true, sessionKey: 'short', maxTokens: 20 })
    const long = asks('another', { store: true, sessionKey: 'long', maxTokens: 60 })
    const [answer] = await Promise.all([ask(lane, short), ask(lane, long)])
    while (lane.sessions.tick()) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(logged).toEqual([])
    expect(eventsOf(answer, 'finish')).toHaveLength(1)
    const owned = await lane.ready()
    const pages = owned.list('tenant').map(({ storage }) => storage.pages)
    expect(Math.min(...pages)).toBeGreaterThanOrEqual(4)
  })

  test('where one is lost in the middle of a step and comes back, the other goes on', async () => {
    const isolate = new Isolate()
    const storage = laneStorage()
    let runs = 0
    // The answer to the tenth run never comes: its object is gone.
    const lost = laterLane(isolate, storage, (model) => ++runs !== 10 && settled(model))
    const reader = lost.lane.generate(asks('lost', { maxTokens: 200 })).getReader()
    const gone = (async () => {
      for (let done = false; !done;) ({ done = false } = await reader.read())
    })()
    while (runs < 10) await new Promise((resolve) => setTimeout(resolve, 1))
    const other = laterLane(isolate)
    const answer = ask(other.lane, asks('other'))
    await new Promise((resolve) => setTimeout(resolve, 30))
    laterLane(isolate, storage)
    expect(idsOf(await answer)).toEqual(idsOf(await ask(mockLane().lane, asks('other'))))
    expect(isolate.failure).toBeUndefined()
    void gone
  })
})
