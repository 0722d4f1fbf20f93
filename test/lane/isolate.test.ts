// One engine for all lanes of an isolate: who loads it, who waits, who takes over, and what a turn is told meanwhile.

import { describe, expect, test } from 'vitest'
import { Isolate, type LoadedModel, type Loader } from '../../src/lane/isolate.ts'
import { TurnHost } from '../../src/lane/turn-host.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { MockModel } from '../helpers/mock-model.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))
const choose = () => ({ id: 1, stop: false })
const TEXT = { manifest: mockManifest(), tokenizer: byteTokenizer() }

/** A clock of a lane that goes on by hand. */
function clockOf() {
  const waits: { ms: number; end: () => void }[] = []
  const clock = {
    time: 1000,
    now: () => clock.time,
    wait: (ms: number) => new Promise<void>((end) => waits.push({ ms, end })),
  }
  const pass = async (ms: number): Promise<number[]> => {
    clock.time += ms
    const ended = waits.splice(0)
    for (const { end } of ended) end()
    await settled()
    return ended.map((wait) => wait.ms)
  }
  return { clock, waits, pass }
}

/** A lane that loads: each load is ended by the test. */
function laneOf(on = clockOf(), changes: Partial<Loader> = {}) {
  const loads: {
    progress(done: number, total: number): void
    end(model?: LoadedModel): void
    fail(error: unknown): void
  }[] = []
  const texts = { read: 0 }
  const loader: Loader = {
    clock: on.clock,
    readText: () => {
      texts.read++
      return Promise.resolve(TEXT)
    },
    readModel: (_text, progress) =>
      new Promise((end, fail) =>
        loads.push({ progress, end: (model = new MockModel()) => end(model), fail }),
      ),
    readPrefix: () => Promise.resolve(undefined),
    ...changes,
  }
  return { ...on, loader, loads, texts }
}

/** An isolate with an engine in place. */
async function ready(changes: Partial<Loader> = {}) {
  const lane = laneOf(undefined, changes)
  const isolate = new Isolate(500)
  const begun = isolate.begin(lane.loader)
  await settled()
  const model = new MockModel()
  lane.loads[0].end(model)
  await begun
  return { lane, isolate, model }
}

describe('an isolate', () => {
  test('loads once, tells how far it is, and is ready', async () => {
    const lane = laneOf()
    const isolate = new Isolate(500)
    expect([isolate.state, isolate.loaded, isolate.inPlace]).toEqual(['cold', undefined, undefined])
    const begun = isolate.begin(lane.loader)
    await settled()
    expect([isolate.state, isolate.loaded]).toEqual(['loading', undefined])
    lane.loads[0].progress(30, 90)
    expect([isolate.done, isolate.total]).toEqual([30, 90])
    const model = new MockModel()
    lane.loads[0].end(model)
    await begun
    expect([isolate.state, isolate.failure]).toEqual(['ready', undefined])
    expect(isolate.loaded).toBe(isolate.inPlace)
    expect([isolate.loaded?.model, isolate.loaded?.first]).toEqual([model, isolate.first])
    await isolate.begin(lane.loader)
    expect([lane.loads.length, lane.texts.read, isolate.text]).toEqual([1, 1, TEXT])
  })

  test('reads the text of a model once; of two who read it at once the first counts', async () => {
    const isolate = new Isolate()
    const [one, two] = [laneOf(), laneOf(undefined, { readText: () => Promise.resolve({ ...TEXT }) })]
    const texts = await Promise.all([isolate.readText(one.loader), isolate.readText(two.loader)])
    expect([texts[0], texts[1] === texts[0], isolate.text]).toEqual([TEXT, true, TEXT])
    expect(await isolate.readText(two.loader)).toBe(TEXT)
  })

  test('that failed says why, and loads again for the next who comes', async () => {
    const lane = laneOf()
    const isolate = new Isolate(500)
    const begun = isolate.begin(lane.loader)
    await settled()
    lane.loads[0].progress(30, 90)
    const error = new IsletError('out_of_memory', 'too much')
    lane.loads[0].fail(error)
    await begun
    expect([isolate.state, isolate.failure]).toEqual(['failed', error])
    expect(() => isolate.loaded).toThrow('too much')
    const again = isolate.begin(lane.loader)
    expect([isolate.state, isolate.done, isolate.failure]).toEqual(['loading', 0, undefined])
    await settled()
    lane.loads[1].end()
    await again
    expect(isolate.state).toBe('ready')
  })

  test('whose engine failed gives its memory back before it loads the next', async () => {
    const { isolate, lane, model } = await ready()
    model.run = () => {
      throw new Error('trap')
    }
    const engine = isolate.inPlace?.engine
    engine?.open({ tenant: 'a', prompt: [1], maxTokens: 1, choose })
    void engine?.step()
    expect([isolate.state, String(isolate.failure)]).toEqual(['failed', expect.stringContaining('trap')])
    void isolate.begin(lane.loader)
    expect([model.released, isolate.inPlace, isolate.state]).toEqual([true, undefined, 'loading'])
    await settled()
    expect(lane.loads).toHaveLength(2)
  })

  test('gives its engine the prefix, the queue and the tenants that are there', async () => {
    const prompt = Array.from({ length: 20 }, (_, id) => id)
    const asked = { tenant: 'a', prompt, maxTokens: 1, choose }
    const pages = [new Uint8Array(new MockModel().pages.pageBytes)]
    const seeded = await ready({ readPrefix: () => Promise.resolve({ ids: prompt.slice(0, 16), pages }) })
    const turn = seeded.isolate.inPlace?.engine.open(asked)
    expect(turn?.cachedTokens).toBe(16)

    // The pages suffice for two of these at most.
    const fill = async (queueLimit?: number) => {
      const { isolate } = await ready({ queueLimit })
      for (let i = 0; i < 6; i++)
        isolate.inPlace?.engine.open({ ...asked, prompt: Array<number>(500).fill(i) })
      return isolate.inPlace?.engine.load.waiting
    }
    await expect(fill(1)).rejects.toThrow(expect.objectContaining({ code: 'overloaded' }))
    expect(await fill()).toBeGreaterThan(3)

    // Another tenant is there, which has no turn yet: a step of the one that runs is short.
    const { isolate, lane, model } = await ready()
    for (const tenant of ['a', 'b'])
      isolate.first.begin(new AbortController().signal, tenant, lane.clock.time)
    isolate.inPlace?.engine.open(asked)
    void isolate.inPlace?.engine.step()
    lane.clock.time += 60_000
    void isolate.inPlace?.engine.step()
    expect(model.steps).toEqual([
      [8, 0],
      [12, 1],
    ])
  })

  test('that is dropped is cold, and what still loads for it is of no use', async () => {
    const { isolate, model } = await ready()
    isolate.drop()
    expect([isolate.state, model.released]).toEqual(['cold', true])
    const lane = laneOf()
    const begun = isolate.begin(lane.loader)
    await settled()
    isolate.drop()
    lane.loads[0].end()
    await begun
    expect([isolate.state, isolate.inPlace, isolate.failure]).toEqual(['cold', undefined, undefined])
  })
})

describe('a lane beside one that loads', () => {
  async function two() {
    const isolate = new Isolate(500)
    const [one, other] = [laneOf(), laneOf()]
    const first = isolate.begin(one.loader)
    await settled()
    let isEnded = false
    const second = isolate.begin(other.loader).then(() => (isEnded = true))
    await settled()
    return { isolate, one, other, first, second, isEnded: () => isEnded }
  }

  test('waits by its own clock and shares the engine', async () => {
    const { isolate, one, other, first, isEnded } = await two()
    expect(await other.pass(100)).toEqual([100])
    one.loads[0].end()
    await first
    expect(isEnded()).toBe(false)
    await other.pass(100)
    expect([isEnded(), isolate.state, other.loads.length]).toEqual([true, 'ready', 0])
  })

  test('shares a failure too', async () => {
    const { isolate, one, other, first, isEnded } = await two()
    one.loads[0].fail(new Error('lost'))
    await first
    await other.pass(100)
    expect([isEnded(), isolate.state, other.loads.length]).toEqual([true, 'failed', 0])
  })

  test('takes over from one that shows no progress, which then gives up', async () => {
    const { isolate, one, other, first, second } = await two()
    one.clock.time = 1300
    one.loads[0].progress(1, 9)
    // 500 ms behind the last progress, not behind the beginning.
    await other.pass(799)
    expect(other.loads).toHaveLength(0)
    await other.pass(1)
    expect(other.loads).toHaveLength(1)
    expect(() => one.loads[0].progress(2, 9)).toThrow(expect.objectContaining({ code: 'model_loading' }))
    one.loads[0].end()
    await first
    expect([isolate.state, isolate.inPlace]).toEqual(['loading', undefined])
    other.loads[0].progress(3, 9)
    expect(isolate.done).toBe(3)
    other.loads[0].end()
    await second
    expect(isolate.state).toBe('ready')
  })

  test('is not disturbed by a failure of the one that it took over from', async () => {
    const { isolate, one, other, first, second } = await two()
    await other.pass(500)
    one.loads[0].fail(new Error('late'))
    await first
    expect([isolate.state, isolate.failure]).toEqual(['loading', undefined])
    other.loads[0].end()
    await second
    expect(isolate.state).toBe('ready')
  })
})

describe('a turn that waits for its engine', () => {
  const limits = () => ({ maxPrompt: 9, maxPositions: 99 })
  type Told = { events: GenerationEvent[]; loaded: unknown; thrown: unknown }

  /** Reads until the engine is there. */
  function waiting(host: TurnHost, signal = new AbortController().signal): Told {
    const told: Told = { events: [], loaded: 'waiting', thrown: undefined }
    const read = async () => {
      const reader = host.untilLoaded(signal)
      for (;;) {
        const { done, value } = await reader.next()
        if (done === true) return void (told.loaded = value)
        told.events.push(value)
      }
    }
    read().catch((error: unknown) => (told.thrown = error))
    return told
  }

  test('begins the load, and is told its progress twice a second', async () => {
    const lane = laneOf()
    const isolate = new Isolate()
    const host = new TurnHost({ isolate, loader: lane.loader, limits })
    const told = waiting(host)
    await settled()
    expect(told.events).toEqual([{ type: 'progress', state: 'loading', done: 0, total: 0 }])
    lane.loads[0].progress(4, 8)
    expect(await lane.pass(499)).toEqual([5])
    expect(told.events).toHaveLength(1)
    await lane.pass(1)
    expect(told.events.slice(1)).toEqual([{ type: 'progress', state: 'loading', done: 4, total: 8 }])
    lane.loads[0].end()
    await settled()
    // The end of its own load it sees at once.
    expect(told.loaded).toBe(isolate.inPlace)
    expect([await host.text(), host.limits(TEXT)]).toEqual([TEXT, limits()])
  })

  test('has no progress where the engine is there, and begins nothing', async () => {
    const { isolate, lane } = await ready()
    const told = waiting(new TurnHost({ isolate, loader: lane.loader, limits }))
    await settled()
    expect([told.events, told.loaded, lane.loads.length]).toEqual([[], isolate.inPlace, 1])
  })

  test('begins no load where none is asked for, and looks now and then', async () => {
    const lane = laneOf()
    const isolate = new Isolate()
    const host = new TurnHost({ isolate, loader: lane.loader, limits }, false)
    const told = waiting(host)
    await settled()
    expect(isolate.state).toBe('cold')
    expect(lane.waits.map(({ ms }) => ms)).toEqual([5])
    host.rebuild()
    await settled()
    lane.loads[0].end()
    await settled()
    await lane.pass(5)
    expect(told.loaded).toBe(isolate.inPlace)
  })

  test('ends without an engine after an abort, and with the reason of a load that failed', async () => {
    const lane = laneOf()
    const abort = new AbortController()
    const host = new TurnHost({ isolate: new Isolate(), loader: lane.loader, limits })
    const [left, stays] = [waiting(host, abort.signal), waiting(host)]
    await settled()
    abort.abort()
    await lane.pass(5)
    expect([left.loaded, stays.loaded]).toEqual([undefined, 'waiting'])
    lane.loads[0].fail(new Error('damaged'))
    await settled()
    expect(stays.thrown).toEqual(new Error('damaged'))
  })
})
