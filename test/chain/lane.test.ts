// A lane on a chain answers as one on the whole model does, and loses nothing when a stage or the lane's object dies.

import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { LayerRange } from '../../src/weights/layer-range.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import type { LaneStorage } from '../../src/lane/lane.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import type { ModelText } from '../../src/answer/model-text.ts'
import { chainBed, hubRanges, tableRanges, type ChainBed } from '../helpers/chain.ts'
import { cold, files } from '../helpers/cold-lane.ts'
import { ask, eventsOf, idsOf, laneStorage, mockLane, type MockLane } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'
import { TINY } from '../helpers/subjects.ts'

const text: ModelText = await readModelText(files)
const opened = await TINY.open()
const { spec } = text.manifest
const MIDDLE = spec.layers / 2
const TABLE = 64 * Math.ceil(spec.vocab / 128)

const CUTS: [string, LayerRange[]][] = [
  ['the table in the hub, two stages', hubRanges(spec.layers, [1, MIDDLE])],
  ['the table in two stages', tableRanges(spec, [MIDDLE], [TABLE])],
]

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251) }
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({
    model: 'tiny',
    prompt,
    store: true,
    maxTokens: 40,
    ignoreEos: true,
    hashLogits: true,
    ...changes,
  })

/** Ids of an answer, and the hash of all logits that they were chosen by. */
function saidOf(events: readonly GenerationEvent[]) {
  expect(eventsOf(events, 'error')).toEqual([])
  return { ids: idsOf(events), hash: eventsOf(events, 'finish')[0].logitsHash }
}

/** A lane whose model is the chain of `bed`; the next one on the same storage is made when its object is. */
function chained(bed: ChainBed, storage: LaneStorage, isolate = new Isolate()): MockLane {
  const made: MockLane = mockLane({
    config: { model: 'tiny', maxPrompt: 500 },
    parts: {
      isolate,
      storage,
      isChain: true,
      readText: () => Promise.resolve(text),
      readModel: async ({ manifest: _ }, window) => bed.read(window),
    },
  })
  bed.onMissing = (runs) => made.lane.sessions.pages.forget(runs)
  return made
}

let whole: ReturnType<typeof saidOf>

beforeAll(async () => {
  whole = saidOf(await ask(cold('at once').lane, asked()))
  expect(whole.ids).toHaveLength(40)
})

describe.each(CUTS)('%s', (_, ranges) => {
  test('the same ids and logits, alone and beside others', async () => {
    const { lane } = chained(chainBed(opened, ranges), laneStorage())
    expect(saidOf(await ask(lane, asked()))).toEqual(whole)
    const others = [5, 30, 70].map((count) => ({ prompt: { ...prompt, ids: prompt.ids.slice(0, count) } }))
    const alone = cold('at once').lane
    const wanted = []
    for (const other of others) wanted.push(saidOf(await ask(alone, asked(other))))
    const together = await Promise.all(
      [{}, ...others].map((other) => ask(lane, asked({ ...other, sessionKey: JSON.stringify(other) }))),
    )
    expect(together.map(saidOf)).toEqual([whole, ...wanted])
  })

  test('each stage dies in mid-answer, at any call: the stream goes on with the same ids', async () => {
    const count = ranges.length - 1
    for (let index = 0; index < count; index++)
      for (const at of [1, 2, 9, 20, 35]) {
        const bed = chainBed(opened, ranges)
        let calls = 0
        const stage = bed.stages[index]
        stage.onCall = () => {
          if (++calls !== at) return
          stage.die()
          throw new Error('the object was reset')
        }
        const { lane } = chained(bed, laneStorage())
        expect(saidOf(await ask(lane, asked())), `stage ${index + 1}, call ${at}`).toEqual(whole)
        expect(calls).toBeGreaterThan(at)
      }
  })

  test('a stage that dies again and again: the stream goes on as far as it comes each time', async () => {
    const bed = chainBed(opened, ranges)
    const [stage] = bed.stages
    let deaths = 0
    stage.onCall = (call) => {
      if (call.do === 'pages' || stage.calls.length % 11 !== 10) return
      deaths += 1
      stage.calls.push(call.do)
      stage.die()
      throw new Error('the object was reset')
    }
    const { lane } = chained(bed, laneStorage())
    // With a hash all rows would be computed again each time.
    const events = await ask(lane, asked({ hashLogits: false }))
    expect([eventsOf(events, 'error'), idsOf(events)]).toEqual([[], whole.ids])
    expect(deaths).toBeGreaterThan(2)
  })

  test('a stage loses its memory between two turns: pages come from the storage of all', async () => {
    const bed = chainBed(opened, ranges)
    const { lane } = chained(bed, laneStorage())
    const first = saidOf(await ask(lane, asked()))
    await flushed(bed, lane)
    for (const stage of bed.stages) stage.die()
    const ids = [...prompt.ids, ...first.ids, 5, 6, 7]
    const longer = asked({ prompt: { kind: 'ids', ids } })
    const events = await ask(lane, longer)
    expect(saidOf(events)).toEqual(saidOf(await ask(cold('at once').lane, longer)))
    expect(bed.missing).toEqual([])
    expect(bed.stages.some(({ runs }) => runs.use.runs > 0)).toBe(true)
  })

  test("the lane's object dies: the next one restores what all stages have", async () => {
    const bed = chainBed(opened, ranges)
    const [kept, isolate] = [laneStorage(), new Isolate()]
    const { lane } = chained(bed, kept, isolate)
    const first = saidOf(await ask(lane, asked()))
    await flushed(bed, lane)
    const longer = asked({ prompt: { kind: 'ids', ids: [...prompt.ids, ...first.ids, 5, 6, 7] } })
    const wanted = saidOf(await ask(cold('at once').lane, longer))
    const second = await ask(chained(bed, kept, isolate).lane, longer)
    expect(saidOf(second)).toEqual(wanted)
    expect(eventsOf(second, 'start')[0].cachedTokens).toBe(128)
    expect(bed.missing).toEqual([])
  })

  test('a stage that lost its storage: what it lacks is forgotten by all, and computed again', async () => {
    const bed = chainBed(opened, ranges)
    const kept = laneStorage()
    const { lane } = chained(bed, kept)
    const first = saidOf(await ask(lane, asked()))
    await flushed(bed, lane)
    const longer = asked({ prompt: { kind: 'ids', ids: [...prompt.ids, ...first.ids, 5, 6, 7] } })
    const wanted = saidOf(await ask(cold('at once').lane, longer))
    for (const stage of bed.stages) {
      stage.die()
      stage.runs.collect(Infinity)
    }
    expect(saidOf(await ask(chained(bed, kept).lane, longer))).toEqual(wanted)
    expect(bed.missing.length).toBeGreaterThan(0)
  })

  test('a reader that leaves in mid-answer reads on, from another object of the lane', async () => {
    const bed = chainBed(opened, ranges)
    const [kept, isolate] = [laneStorage(), new Isolate()]
    const { lane } = chained(bed, kept, isolate)
    const events: GenerationEvent[] = []
    for await (const event of decodeEvents(lane.generate(asked()))) {
      events.push(event)
      if (idsOf(events).length >= 11) break
    }
    const { session } = eventsOf(events, 'session')[0]
    const next = chained(bed, kept, isolate).lane
    const all: GenerationEvent[] = []
    for await (const event of decodeEvents(next.resume('tenant', session))) all.push(event)
    expect(saidOf(all)).toEqual(whole)
  })
})

test.each([
  [true, 1],
  [false, 0],
])('stages that compute beside the hub: %s; steps ahead of a reader: %i', async (isBeside, ahead) => {
  const bed = chainBed(opened, CUTS[0][1], { isBeside })
  const { lane } = chained(bed, laneStorage())
  const events = decodeEvents(lane.generate(asked()))
  const told: GenerationEvent[] = []
  while (idsOf(told).length < 5) told.push((await events.next()).value!)
  const steps = (): number => bed.stages[0].calls.filter((call) => call === 'run').length
  const last = Math.ceil(prompt.ids.length / 16) + 5 - 1 + ahead
  await vi.waitFor(() => expect(steps()).toBe(last))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(steps()).toBe(last)
  await events.return(undefined)
})

/** Stages are told what was stored a moment later. */
async function flushed(bed: ChainBed, { sessions }: MockLane['lane']): Promise<void> {
  const layers = bed.stages.filter(({ hasLayers }) => hasLayers)
  expect(sessions.use.runs).toBeGreaterThan(0)
  await vi.waitFor(() => {
    for (const { runs } of layers) expect(runs.use.runs).toBe(sessions.use.runs)
  })
}
