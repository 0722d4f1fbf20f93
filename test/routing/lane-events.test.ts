// Events of a lane at the router: in order, cancelled when their reader leaves, gone on with when the object is lost.

import { describe, expect, test, vi } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { encodeEvent } from '../../src/protocol/wire.ts'
import { fakeLanes, readAll, readUntilThrow, streamOf } from '../helpers/fake-lanes.ts'
import { request } from '../helpers/request.ts'

const start: GenerationEvent = { type: 'start', promptTokens: 3, cachedTokens: 0, truncatedTokens: 0 }
const progress: GenerationEvent = { type: 'progress', state: 'loading', done: 1, total: 2 }
const finish: GenerationEvent = {
  type: 'finish',
  reason: 'stop',
  usage: { promptTokens: 3, cachedTokens: 0, completionTokens: 3 },
  window: { window: undefined, sinks: 0, outOfSight: 0 },
}
const text = (value: string, ...ids: number[]): GenerationEvent => ({ type: 'text', text: value, ids })
const session = (id: string, turn = '0_a_t'): GenerationEvent => ({
  type: 'session',
  session: id,
  turn,
  reply: null,
})

const reset = new Error("Durable Object's isolate exceeded its memory limit and was reset.")
const gone = new Error('Network connection lost.')
const stored = request({ store: true })

describe('events', () => {
  test('arrive in order', async () => {
    const { lanes } = fakeLanes([() => streamOf([start, text('a', 1), text('é', 2)])])
    expect(await readAll(lanes.generate(request()))).toEqual([start, text('a', 1), text('é', 2)])
  })

  test('survive any cut of the bytes', async () => {
    const bytes = new Uint8Array([...encodeEvent(text('añ', 1)), ...encodeEvent(text('z', 2))])
    const single = (): ReadableStream<Uint8Array> =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
          controller.close()
        },
      })
    const { lanes } = fakeLanes([single])
    expect(await readAll(lanes.generate(request()))).toEqual([text('añ', 1), text('z', 2)])
  })

  test('return() cancels the stream while a next() is waiting', async () => {
    const cancelled = vi.fn()
    const pulled = Promise.withResolvers<undefined>()
    const hanging = (): ReadableStream<Uint8Array> =>
      new ReadableStream({ pull: () => pulled.resolve(undefined), cancel: cancelled }, { highWaterMark: 0 })
    const { lanes } = fakeLanes([hanging])
    const events = lanes.generate(request())[Symbol.asyncIterator]()
    const next = events.next()
    await pulled.promise
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

  test('an object that is lost behind its last event is not missed', async () => {
    const { lanes } = fakeLanes([() => streamOf([start, finish], gone)])
    expect(await readAll(lanes.generate(request()))).toEqual([start, finish])
  })
})

describe('a lost object that kept nothing', () => {
  test('memory reset before the first event: told to the object, tried once more', async () => {
    const { lanes, objectsOf, requests } = fakeLanes([() => streamOf([], reset), () => streamOf([start])])
    expect(await readAll(lanes.generate(request()))).toEqual([start])
    expect(objectsOf('memoryReset')).toEqual(['lane-0'])
    expect(requests().map(({ retry }) => retry)).toEqual([false, false])
  })

  test('memory reset in the middle: told to the object, and to the client', async () => {
    const { lanes, objectsOf } = fakeLanes([() => streamOf([start], reset)])
    await expect(readAll(lanes.generate(request()))).rejects.toMatchObject({ code: 'out_of_memory' })
    expect(objectsOf('memoryReset')).toHaveLength(1)
  })

  test('twice in a row is given up', async () => {
    const { lanes, objectsOf } = fakeLanes([() => streamOf([], reset), () => streamOf([], reset)])
    await expect(readAll(lanes.generate(request()))).rejects.toMatchObject({ code: 'out_of_memory' })
    expect(objectsOf('memoryReset')).toHaveLength(2)
  })

  test('lost for another reason', async () => {
    const { lanes, objectsOf } = fakeLanes([() => streamOf([start], gone)])
    await expect(readAll(lanes.generate(request()))).rejects.toMatchObject({ code: 'lane_lost' })
    expect(objectsOf('memoryReset')).toEqual([])
  })
})

describe('a lost object that stored what it began', () => {
  test('before text: sent again as a retry, and nothing comes twice', async () => {
    const { lanes, requests } = fakeLanes([
      () => streamOf([session('sess_0_a'), progress, start], gone),
      () => streamOf([session('sess_0_a'), progress, start, text('a', 1), finish]),
    ])
    const seen = [session('sess_0_a'), progress, start, progress, text('a', 1), finish]
    expect(await readAll(lanes.generate(stored))).toEqual(seen)
    expect(requests().map(({ retry }) => retry)).toEqual([false, true])
  })

  test('another session than before is told', async () => {
    const { lanes } = fakeLanes([
      () => streamOf([session('sess_0_a')], gone),
      () => streamOf([session('sess_0_b'), start, finish]),
    ])
    const seen = [session('sess_0_a'), session('sess_0_b'), start, finish]
    expect(await readAll(lanes.generate(stored))).toEqual(seen)
  })

  test('after text: read on behind the ids that were handed on', async () => {
    const { lanes, calls } = fakeLanes([
      () => streamOf([session('sess_0_a'), start, text('echo'), text('ab', 1, 2), text('c', 3)], gone),
      () =>
        streamOf([
          session('sess_0_a'),
          start,
          text('echo'),
          text('ab', 1, 2),
          progress,
          text('c', 3),
          text('d', 4),
          finish,
        ]),
    ])
    const seen = await readAll(lanes.generate(stored))
    expect(seen).toEqual([
      session('sess_0_a'),
      start,
      text('echo'),
      text('ab', 1, 2),
      text('c', 3),
      progress,
      text('d', 4),
      finish,
    ])
    expect(calls[1]).toMatchObject({ object: 'lane-0', method: 'resume', args: ['tenant', 'sess_0_a'] })
  })

  test('after text: thoughts, calls and log probabilities come once, with their text', async () => {
    const logprob = (token: string) => ({ token, logprob: -1, bytes: [], top: [] })
    const begun: GenerationEvent = {
      type: 'text',
      text: 'ab',
      reasoning: 'r',
      ids: [1, 2],
      logprobs: ['a', 'b'].map(logprob),
    }
    const more: GenerationEvent = {
      type: 'text',
      text: 'cd',
      reasoning: 's',
      calls: [{ name: 'f', arguments: '{}' }],
      ids: [3],
      logprobs: [logprob('c')],
    }
    const { lanes } = fakeLanes([
      () => streamOf([session('sess_0_a'), start, begun], gone),
      () => streamOf([session('sess_0_a'), start, begun, more, finish]),
    ])
    expect((await readAll(lanes.generate(stored))).slice(2)).toEqual([begun, more, finish])
  })

  test('a memory reset after text is told to the object, and the answer read on', async () => {
    const { lanes, objectsOf } = fakeLanes([
      () => streamOf([session('sess_0_a'), start, text('a', 1)], reset),
      () => streamOf([session('sess_0_a'), start, text('a', 1), text('b', 2), finish]),
    ])
    expect((await readAll(lanes.generate(stored))).slice(2)).toEqual([text('a', 1), text('b', 2), finish])
    expect(objectsOf('memoryReset')).toHaveLength(1)
  })

  test('once before text and once after it', async () => {
    const { lanes, objectsOf } = fakeLanes([
      () => streamOf([session('sess_0_a')], gone),
      () => streamOf([session('sess_0_a'), start, text('a', 1)], gone),
      () => streamOf([session('sess_0_a'), start, text('a', 1), text('b', 2)], gone),
    ])
    const { seen, error } = await readUntilThrow(lanes.generate(stored))
    expect(seen).toEqual([session('sess_0_a'), start, text('a', 1), text('b', 2)])
    expect(error).toMatchObject({
      code: 'lane_lost',
      message: expect.stringContaining('read on at its session, sess_0_a'),
    })
    expect([objectsOf('generate').length, objectsOf('resume').length]).toEqual([2, 1])
  })

  test.each([
    ['the session is gone', [{ type: 'error', code: 'not_found', message: 'none' }]],
    ['it is another turn', [session('sess_0_a', '0_a_u'), start, text('a', 1), text('b', 2), finish]],
    ['its ids differ', [session('sess_0_a'), start, text('a', 7), text('b', 2), finish]],
    ['it is cut otherwise', [session('sess_0_a'), start, text('ab', 1, 2), finish]],
    ['it leaves a text out', [session('sess_0_a'), start, { ...text('a', 1), at: 1 }, finish]],
    ['it is shorter', [session('sess_0_a'), start, finish]],
    ['it breaks off', [session('sess_0_a'), start]],
  ] as [string, GenerationEvent[]][])('%s: no text of another answer follows', async (_, second) => {
    const { lanes } = fakeLanes([
      () => streamOf([session('sess_0_a'), start, text('a', 1)], gone),
      () => streamOf(second),
    ])
    const { seen, error } = await readUntilThrow(lanes.generate(stored))
    expect(seen).toEqual([session('sess_0_a'), start, text('a', 1)])
    expect(error).toMatchObject({ code: 'lane_lost', message: expect.stringContaining('sess_0_a') })
  })

  test('an answer that failed comes with its text and its error', async () => {
    const failure: GenerationEvent = { type: 'error', code: 'engine_failure', message: 'no' }
    const { lanes } = fakeLanes([
      () => streamOf([session('sess_0_a'), start, text('a', 1)], gone),
      () => streamOf([session('sess_0_a'), start, text('a', 1), failure]),
    ])
    expect((await readAll(lanes.generate(stored))).slice(2)).toEqual([text('a', 1), failure])
  })

  test('a turn that is read again is read on by the same id', async () => {
    const { lanes, calls } = fakeLanes([
      () => streamOf([session('sess_weur-1_a'), start, text('a', 1)], gone),
      () => streamOf([session('sess_weur-1_a'), start, text('a', 1), text('b', 2), finish]),
    ])
    const seen = await readAll(lanes.resume('tenant', 'weur-1_a_t'))
    expect(seen.slice(2)).toEqual([text('a', 1), text('b', 2), finish])
    for (const call of calls)
      expect(call).toMatchObject({ object: 'lane-weur-1', args: ['tenant', 'weur-1_a_t'] })
    expect(calls).toHaveLength(2)
  })
})

describe('an overloaded lane', () => {
  const full: GenerationEvent = { type: 'error', code: 'overloaded', message: 'full', movable: true }
  const bound: GenerationEvent = { type: 'error', code: 'overloaded', message: 'full' }
  const platform = Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
  const answer = () => streamOf([start, finish])

  test.each([
    ['it says so', () => streamOf([full])],
    ['the platform says so', () => streamOf([], platform)],
  ])('%s: the request is offered to the next', async (_, refuse) => {
    const { lanes, objectsOf } = fakeLanes([refuse, refuse, answer], { lanes: 8 })
    expect(await readAll(lanes.generate(request()))).toEqual([start, finish])
    expect(new Set(objectsOf('generate')).size).toBe(3)
  })

  test('to three at most, and then the last one is heard', async () => {
    const { lanes, objectsOf } = fakeLanes(
      Array(4).fill(() => streamOf([full])),
      { lanes: 8 },
    )
    expect(await readAll(lanes.generate(request()))).toEqual([full])
    expect(objectsOf('generate')).toHaveLength(3)
  })

  test('to each once', async () => {
    const { lanes, objectsOf } = fakeLanes(
      Array(4).fill(() => streamOf([], platform)),
      { lanes: 2 },
    )
    await expect(readAll(lanes.generate(request()))).rejects.toMatchObject({ code: 'overloaded' })
    expect(objectsOf('generate').sort()).toEqual(['lane-0', 'lane-1'])
  })

  test('not what the lane holds something of', async () => {
    const { lanes } = fakeLanes([() => streamOf([bound]), answer], { lanes: 8 })
    expect(await readAll(lanes.generate(request()))).toEqual([bound])
  })

  test('not a session', async () => {
    const refused = fakeLanes([() => streamOf([full]), answer], { lanes: 8 })
    expect(await readAll(refused.lanes.generate(request({ session: 'sess_1_a' })))).toEqual([full])
    const thrown = fakeLanes([() => streamOf([], platform), answer], { lanes: 8 })
    const events = thrown.lanes.generate(request({ session: 'sess_1_a' }))
    await expect(readAll(events)).rejects.toMatchObject({ code: 'overloaded' })
  })

  test('not with an object for each session', async () => {
    const { lanes } = fakeLanes([() => streamOf([full]), answer], { lanes: 'session' })
    expect(await readAll(lanes.generate(request()))).toEqual([full])
  })

  test('not after the first event', async () => {
    const { lanes } = fakeLanes([() => streamOf([progress], platform), answer], { lanes: 8 })
    await expect(readAll(lanes.generate(request()))).rejects.toMatchObject({ code: 'overloaded' })
  })
})
