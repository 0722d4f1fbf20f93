// Prompts that wait at a cold object go ahead while weights come: the same bits, and of a load that fails nothing is left.

import { describe, expect, test, vi } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { Engine } from '../../src/engine/engine.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import type { Model } from '../../src/graph/model.ts'
import { computePages } from '../../src/graph/prefix-pages.ts'
import { Arrival } from '../../src/lane/arrival.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import type { LaneStorage } from '../../src/lane/lane.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import {
  asked,
  cold,
  files,
  LONG,
  manifest,
  PIECE,
  plainly,
  saidOf,
  tokenizer,
  WEIGHTS,
  wrong,
  type Ran,
} from '../helpers/cold-lane.ts'
import { ask, eventsOf, idsOf, laneStorage } from '../helpers/mock-lane.ts'
import { MOCK_SPEC, MockModel } from '../helpers/mock-model.ts'

describe('a prompt at a cold object', () => {
  test('has gone through all layers but for its last row when the weights are there', async () => {
    const { lane, ran, ahead, isolate } = cold({})
    const order = asked(LONG)
    const said = saidOf(await ask(lane, order))
    expect(said).toEqual(await plainly(order))
    const { promptTokens, cachedTokens } = said.start
    expect([promptTokens > 50, cachedTokens]).toEqual([true, 0])
    expect(ahead).toEqual([promptTokens - 1])
    expect(ran).toEqual(Array<Ran>(4).fill([1, 1]))
    expect(isolate.engine?.load).toMatchObject({ running: 0, waiting: 0 })
    expect([isolate.arrival, isolate.state]).toEqual([undefined, 'ready'])
  })

  test('longer than the rows that go ahead goes on behind them', async () => {
    const { lane, ran, ahead } = cold({}, { config: { maxPrompt: 500 } })
    const order = asked(LONG.repeat(6))
    const said = saidOf(await ask(lane, order))
    expect(said).toEqual(await plainly(order, { config: { maxPrompt: 500 } }))
    const rest = said.start.promptTokens - 256
    expect([rest > 20, ahead]).toEqual([true, [256]])
    expect(ran.slice(0, Math.ceil(rest / 16)).map(([rows]) => rows)).toEqual(
      Array.from({ length: Math.ceil(rest / 16) }, (_, i) => Math.min(16, rest - 16 * i)),
    )
  })

  test('goes ahead as far as its window sees all of it', async () => {
    const config = { windows: [64], sinks: 4, maxPrompt: 500 }
    const { lane, ahead } = cold({}, { config })
    const order = asked(LONG.repeat(3))
    expect(saidOf(await ask(lane, order))).toEqual(await plainly(order, { config }))
    expect(ahead).toEqual([64])
  })

  test('of one token, with scores of itself or with several answers waits for the weights', async () => {
    const waiting: Partial<GenerateRequest>[] = [
      { prompt: { kind: 'ids', ids: [5] } },
      { scorePrompt: true, topLogprobs: 0, echo: true },
      { choices: 2 },
    ]
    for (const changes of waiting) {
      const { lane, ahead } = cold({})
      const order = asked(LONG, changes)
      const events = await ask(lane, order)
      expect(eventsOf(events, 'error')).toEqual([])
      expect([ahead, idsOf(events)]).toEqual([[], idsOf(await ask(cold('at once').lane, order))])
    }
  })

  test('waits where the weights are there soon', async () => {
    const { lane, ahead } = cold({}, { clockRate: 0.1 })
    const order = asked(LONG)
    expect(saidOf(await ask(lane, order))).toEqual(await plainly(order))
    expect(ahead).toEqual([])
  })

  test("begins with the model's own prefix, also where that comes later than the first weights", async () => {
    const ids = tokenizer.encode(LONG).slice(0, 16)
    const sizes = { window: { window: undefined, sinks: 0 }, chunk: 16, kernels: nodeKernels('quads') }
    const pages = computePages(await loadModel(manifest, files, sizes), ids)
    const late = Promise.withResolvers<void>()
    const readPrefix = () => late.promise.then(() => ({ ids, pages }))
    const { lane, ahead } = cold(
      { onPiece: (piece) => void (piece === 12 && late.resolve()) },
      { readPrefix },
    )
    const order = asked(LONG)
    const said = saidOf(await ask(lane, order))
    expect(said).toEqual(await plainly(order, { readPrefix: async () => ({ ids, pages }) }))
    expect(said.start.cachedTokens).toBe(16)
    expect(ahead).toEqual([said.start.promptTokens - 17])
  })
})

describe('an arrival', () => {
  const engineOf = (spec = MOCK_SPEC) => {
    const model = new MockModel()
    return new Engine<Model>(Object.assign(model, { spec }))
  }
  const prompt = { tenant: 'a', prompt: Array.from({ length: 30 }, (_, id) => id) }

  test('ends its turns when it lands, though nobody waits for them any more', () => {
    const engine = engineOf()
    const arrival = new Arrival(engine, () => 0)
    expect(arrival.take(prompt)).toBeUndefined()
    arrival.open(undefined)
    expect(arrival.take(prompt)?.state).toBe('running')
    arrival.land()
    expect(engine.load).toMatchObject({ running: 0, waiting: 0 })
  })

  test('takes no prompt that sees itself, and none that the engine refuses', () => {
    const sees = new Arrival(engineOf({ ...MOCK_SPEC, prefix: { start: 3, mask: 5, gmask: 6 } }), () => 0)
    sees.open(undefined)
    expect(sees.take(prompt)).toBeUndefined()
    const engine = engineOf()
    engine.open = () => {
      throw new IsletError('overloaded', 'too many wait')
    }
    const full = new Arrival(engine, () => 0)
    full.open(undefined)
    expect(full.take(prompt)).toBeUndefined()
  })
})

describe('several that wait', () => {
  test('go ahead together; one that shares a beginning, and one that leaves in the middle', async () => {
    const left = Promise.withResolvers<void>()
    const cancel = Promise.withResolvers<void>()
    // Layers 0 and 1 are in place then.
    const { lane, ahead, ran, isolate } = cold({
      onPiece: (piece) => (piece * PIECE > wrong ? (cancel.resolve(), left.promise) : undefined),
    })
    const orders = [asked(LONG), asked(`${LONG}Who rings it?`), asked(`No ${LONG}`)]
    const gone = lane.generate(orders[2]).getReader()
    const leave = async () => {
      await gone.read()
      await cancel.promise
      expect(ahead).toHaveLength(1)
      await gone.cancel()
      left.resolve()
    }
    const [one, two] = await Promise.all([ask(lane, orders[0]), ask(lane, orders[1]), leave()])
    expect(saidOf(one)).toEqual(await plainly(orders[0]))
    expect(saidOf(two)).toEqual(await plainly(orders[1]))
    const rows = [one, two].map((events) => saidOf(events).start.promptTokens - 1)
    const plain = await plainly(orders[2])
    expect(ahead).toEqual([rows[0] + rows[1] + plain.start.promptTokens - 1])
    expect(isolate.engine?.load).toMatchObject({ running: 0, waiting: 0 })
    // What was run for the one that left is cache.
    ran.length = 0
    const again = saidOf(await ask(lane, { ...orders[2], requestId: 'again' }))
    expect([again.ids, again.hash]).toEqual([plain.ids, plain.hash])
    expect(again.start.cachedTokens).toBeGreaterThan(50)
  })

  test('beside scores and vectors, which wait for the weights', async () => {
    const pooled = { ...manifest, embedding: { pooling: 'mean' as const } }
    const score = { requestId: 'q', tenant: 'tenant', sessionKey: 'q', model: 'tiny' }
    const prompts = [{ prompt: { kind: 'text' as const, text: LONG }, continuations: ['yes', 'no'] }]
    const all = async (made: ReturnType<typeof cold>) => {
      vi.spyOn(made.isolate, 'readText').mockResolvedValue({ manifest: pooled, tokenizer })
      const read = async (stream: ReadableStream<Uint8Array>) => {
        const events: GenerationEvent[] = []
        for await (const event of decodeEvents(stream)) if (event.type !== 'progress') events.push(event)
        return events.map((event) => ({ ...event, cachedTokens: 0 }))
      }
      return Promise.all([
        ask(made.lane, { ...order, requestId: 'beside' }).then(saidOf),
        read(made.lane.score({ ...score, prompts })),
        read(made.lane.score({ ...score, requestId: 'e', texts: [LONG, 'A storm comes.'] })),
      ])
    }
    const order = asked('Who trims the lamp? '.repeat(4))
    const slow = cold({})
    const got = await all(slow)
    expect(slow.ahead).toEqual([got[0].start.promptTokens - 1])
    expect(got[1].at(-1)?.type).toBe('scores')
    expect(got[2].filter(({ type }) => type === 'embedding')).toHaveLength(2)
    expect(got).toEqual(await all(cold('at once')))
  })
})

describe('a damaged shard', () => {
  test('in the middle that is damaged again leaves nothing: the error as ever, no page in memory or storage', async () => {
    const storage = laneStorage()
    const { lane, ahead, isolate, ran } = cold({ damaged: 2 }, { storage })
    const order = asked(LONG, { store: true, requestId: 'first' })
    const engines = new Set<unknown>()
    const watch = setInterval(() => void engines.add(isolate.engine), 1)
    const events = await ask(lane, order)
    clearInterval(watch)
    expect(ahead).toHaveLength(1)
    expect(ran).toEqual([])
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'checksum_mismatch' })
    expect(events.at(-1)).toMatchObject({ message: expect.stringContaining(WEIGHTS) as string })
    expect([eventsOf(events, 'start'), eventsOf(events, 'text')]).toEqual([[], []])
    expect([isolate.state, isolate.engine, isolate.arrival]).toEqual(['failed', undefined, undefined])
    // Nobody has seen a position of it as computed.
    const [engine] = [...engines].filter((one) => one !== undefined) as NonNullable<typeof isolate.engine>[]
    expect(engine.sequencesFor('tenant').map(({ length }) => length)).toEqual([0])
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
    expect(lane.sessions.use.runs).toBe(0)
    // The next one loads anew, from a link that is sound by now, and reuses nothing.
    const again = saidOf(await ask(lane, { ...order, requestId: 'second', store: false }))
    expect(again).toEqual(await plainly(order))
    expect(again.start.cachedTokens).toBe(0)
  })

  test('that is sound when it comes again costs time and no bit', async () => {
    const { lane, ahead, ran } = cold({ damaged: 1 })
    const order = asked(LONG)
    expect(saidOf(await ask(lane, order))).toEqual(await plainly(order))
    expect([ahead.length, ran[0]]).toEqual([1, [1, 1]])
  })
})

describe('what is stored', () => {
  const first = asked(LONG, { store: true, sessionKey: 'kept' })
  const more = asked(`${LONG}Who rings the bell, and for how long? `, { store: true, sessionKey: 'kept' })

  async function stored() {
    const storage = laneStorage()
    const { lane } = cold('at once', { storage })
    await ask(lane, first)
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
    return storage
  }

  test('is restored while weights come, and only what is behind it goes ahead', async () => {
    const { lane, ahead, opened } = cold({}, { storage: await stored() })
    const said = saidOf(await ask(lane, more))
    expect(said).toEqual(await plainly(more, { storage: await stored() }))
    // The pages' checksum has not disturbed that of the shard.
    expect(opened.times).toBe(1)
    const { promptTokens, cachedTokens } = said.start
    expect([cachedTokens % 16, cachedTokens > 32]).toEqual([0, true])
    expect(ahead).toEqual([promptTokens - 1 - cachedTokens])
  })

  test('under another window is not restored for a model that another lane loads', async () => {
    const config = { windows: [32], sinks: 4 }
    const isolate = new Isolate()
    const before = Promise.withResolvers<void>()
    const other = cold({}, { isolate, config, before: before.promise })
    const loading = ask(other.lane, asked(`No ${LONG}`))
    const { lane } = cold({}, { isolate, storage: await stored() })
    const answering = ask(lane, more)
    // It takes the window for its own until then.
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(1))
    before.resolve()
    const said = saidOf(await answering)
    await loading
    expect([isolate.engine?.model.window.window, said.start.cachedTokens]).toEqual([32, 0])
    const { ids, hash } = await plainly(more, { config })
    expect([said.ids, said.hash]).toEqual([ids, hash])
  })

  test('of a prompt that went ahead is what an object writes that ran it behind the weights', async () => {
    const pagesOf = (kept: LaneStorage) =>
      kept.sql
        .exec('SELECT head, bytes FROM kv_runs ORDER BY id')
        .toArray()
        .map(({ head, bytes }) => [head, Buffer.from(bytes as ArrayBuffer).toString('base64')])
    const storage = laneStorage()
    const { lane, ahead } = cold({}, { storage })
    await ask(lane, first)
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
    expect(ahead).toHaveLength(1)
    expect(pagesOf(storage).length).toBeGreaterThan(0)
    expect(pagesOf(storage)).toEqual(pagesOf(await stored()))
  })

  test('nothing is of a session that is deleted in the middle', async () => {
    const storage = laneStorage()
    const reached = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const { lane, isolate } = cold(
      { onPiece: (piece) => (piece * PIECE > wrong ? (reached.resolve(), gone.promise) : undefined) },
      { storage },
    )
    const reading = ask(lane, first)
    await reached.promise
    const { tenant } = first
    const [{ id: session }] = lane.owned.list(tenant)
    await lane.owned.remove(tenant, session)
    gone.resolve()
    await reading
    await vi.waitFor(() => expect(isolate.state).toBe('ready'))
    expect(isolate.engine?.sequencesFor(tenant)).toEqual([])
    expect([lane.owned.list(tenant), lane.sessions.tick(), lane.sessions.use.runs]).toEqual([[], false, 0])
  })
})

test('a lane that takes over from one whose load stands still takes its prompt along', async () => {
  const isolate = new Isolate(500 * 100)
  const dead = cold({ hold: 30 }, { isolate })
  const order = asked(LONG)
  const lost = dead.lane.generate(asked(`No ${LONG}`)).getReader()
  await lost.read()
  const live = cold({}, { isolate })
  expect(saidOf(await ask(live.lane, order))).toEqual(await plainly(order))
  expect([dead.ahead.length, live.ahead.length]).toEqual([1, 1])
  await lost.cancel()
})
