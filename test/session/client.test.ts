// The router's side of the lanes, against objects that answer, fail, are reset, or hang.

import { describe, expect, test, vi } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/engine/events.ts'
import { createLanes, type LaneStub } from '../../src/session/client.ts'
import { rendezvous } from '../../src/session/rendezvous.ts'
import { encodeEvent } from '../../src/session/wire.ts'
import { request } from '../helpers/request.ts'

const start: GenerationEvent = { type: 'start', promptTokens: 3, cachedTokens: 0, truncatedTokens: 0 }
const text = (value: string): GenerationEvent => ({ type: 'text', text: value, ids: [1] })

function streamOf(events: GenerationEvent[], then?: Error): ReadableStream<Uint8Array> {
  const queue = [...events]
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const event = queue.shift()
        if (event !== undefined) controller.enqueue(encodeEvent(event))
        else if (then !== undefined) controller.error(then)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/** A namespace whose objects take their next behaviour from a list. */
function fakeLanes(behaviours: (() => ReadableStream<Uint8Array>)[], lanes: number | 'session' = 1) {
  const names: string[] = []
  const memoryReset = vi.fn(async () => undefined)
  const stub: LaneStub = {
    generate: async (_request: GenerateRequest) => {
      const behave = behaviours.shift()
      if (behave === undefined) throw new Error('no more behaviours')
      return behave()
    },
    health: async () => ({ state: 'ready', done: 1, total: 1, window: { sinks: 0 }, model: 'm' }),
    memoryReset,
  }
  const stubOf = (name: string): LaneStub => (names.push(name), stub)
  return { lanes: createLanes(stubOf, { lanes, model: 'm', log: () => undefined }), names, memoryReset }
}

async function read(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const seen: GenerationEvent[] = []
  for await (const event of events) seen.push(event)
  return seen
}

const reset = new Error("Durable Object's isolate exceeded its memory limit and was reset.")

describe('events', () => {
  test('arrive in order', async () => {
    const { lanes } = fakeLanes([() => streamOf([start, text('a'), text('é')])])
    expect(await read(lanes.generate(request()))).toEqual([start, text('a'), text('é')])
  })

  test('survive any cut of the bytes', async () => {
    const bytes = new Uint8Array([...encodeEvent(text('añ')), ...encodeEvent(text('z'))])
    const single = (): ReadableStream<Uint8Array> =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
          controller.close()
        },
      })
    const { lanes } = fakeLanes([single])
    expect(await read(lanes.generate(request()))).toEqual([text('añ'), text('z')])
  })

  test('return() cancels the stream while a next() is waiting', async () => {
    const cancelled = vi.fn()
    const hanging = (): ReadableStream<Uint8Array> => new ReadableStream({ cancel: cancelled })
    const { lanes } = fakeLanes([hanging])
    const events = lanes.generate(request())[Symbol.asyncIterator]()
    const next = events.next()
    await new Promise((resolve) => setTimeout(resolve, 5))
    await events.return?.()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(cancelled).toHaveBeenCalledTimes(1)
  })

  test('a return() before the object answered cancels its stream too', async () => {
    const cancelled = vi.fn()
    const { lanes } = fakeLanes([() => new ReadableStream({ cancel: cancelled })])
    const events = lanes.generate(request())[Symbol.asyncIterator]()
    const next = events.next()
    await events.return?.()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(cancelled).toHaveBeenCalledTimes(1)
  })
})

describe('a lost object', () => {
  test('memory reset before the first event: told to the object, tried once more', async () => {
    const { lanes, memoryReset } = fakeLanes([() => streamOf([], reset), () => streamOf([start])])
    expect(await read(lanes.generate(request()))).toEqual([start])
    expect(memoryReset).toHaveBeenCalledTimes(1)
  })

  test('memory reset in the middle: told to the object, and to the client', async () => {
    const { lanes, memoryReset } = fakeLanes([() => streamOf([start], reset)])
    await expect(read(lanes.generate(request()))).rejects.toMatchObject({ code: 'out_of_memory' })
    expect(memoryReset).toHaveBeenCalledTimes(1)
  })

  test('twice in a row is given up', async () => {
    const { lanes, memoryReset } = fakeLanes([() => streamOf([], reset), () => streamOf([], reset)])
    await expect(read(lanes.generate(request()))).rejects.toMatchObject({ code: 'out_of_memory' })
    expect(memoryReset).toHaveBeenCalledTimes(2)
  })

  test('lost for another reason', async () => {
    const { lanes, memoryReset } = fakeLanes([() => streamOf([start], new Error('Network connection lost.'))])
    await expect(read(lanes.generate(request()))).rejects.toMatchObject({ code: 'internal_error' })
    expect(memoryReset).not.toHaveBeenCalled()
  })

  test('overloaded by the platform is not tried again', async () => {
    const overloaded = Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
    const { lanes } = fakeLanes([() => streamOf([], overloaded), () => streamOf([start])])
    await expect(read(lanes.generate(request()))).rejects.toMatchObject({ code: 'overloaded' })
  })
})

describe('routing', () => {
  test('a key stays on its lane, and lanes share the keys', () => {
    const lanes = Array.from({ length: 400 }, (_, i) => rendezvous(`key-${i}`, 4))
    expect(lanes).toEqual(Array.from({ length: 400 }, (_, i) => rendezvous(`key-${i}`, 4)))
    for (const lane of [0, 1, 2, 3])
      expect(lanes.filter((other) => other === lane).length).toBeGreaterThan(60)
  })

  test('one lane more moves only keys that go to it', () => {
    for (let i = 0; i < 400; i++) {
      const [before, after] = [rendezvous(`key-${i}`, 4), rendezvous(`key-${i}`, 5)]
      if (before !== after) expect(after).toBe(4)
    }
  })

  test('an object for each session, of one tenant', async () => {
    const { lanes, names } = fakeLanes([() => streamOf([start]), () => streamOf([start])], 'session')
    await read(lanes.generate(request({ tenant: 'a', sessionKey: 'k' })))
    await read(lanes.generate(request({ tenant: 'b', sessionKey: 'k' })))
    expect(new Set(names).size).toBe(2)
  })
})
