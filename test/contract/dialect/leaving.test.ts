// A client that leaves ends its generation; one that waits hears signs of life that no parser takes for data.

import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../../src/protocol/generation.ts'
import {
  fakeLanes,
  finish,
  HELLO,
  MODEL,
  SESSION,
  sessionOf,
  start,
  text,
  TURN,
  type Step,
} from '../../api/helpers.ts'
import { DIALECTS } from './dialects.ts'
import { progress } from './scripts.ts'
import { keeping, post, serve, streamIn, streamOf, type Send } from './serve.ts'
import { rawOf } from './wire.ts'

/** Events that come, and then nothing ever: how often a lane was told to end it. */
function stuck(events: readonly GenerationEvent[]) {
  const lane = { returned: 0, asked: 0 }
  const open = (): AsyncIterable<GenerationEvent> => ({
    [Symbol.asyncIterator]() {
      const left = [...events]
      return {
        next() {
          lane.asked++
          const value = left.shift()
          return value === undefined
            ? new Promise(() => undefined)
            : Promise.resolve({ done: false as const, value })
        },
        return() {
          lane.returned++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }
    },
  })
  return { lane, lanes: fakeLanes([], { generate: open, resume: open }).lanes }
}

/** Resolves once that is so; the test's own limit ends a wait in vain. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await afterMs(1)
}

const afterMs = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

describe.each(DIALECTS)('$name', (dialect) => {
  describe('a client that leaves', () => {
    const BEFORE: GenerationEvent[][] = [
      [],
      [sessionOf(null)],
      [progress('loading')],
      [start],
      [start, text('a'), text('b')],
    ]

    it.each(BEFORE.map((events) => ({ events })))(
      'ends a whole reply: behind $events.length events',
      async ({ events }) => {
        const { lane, lanes } = stuck(events)
        const leaving = new AbortController()
        const reply = post(serve({ lanes }).send, dialect, {}, {}, leaving.signal)
        await until(() => lane.asked > events.length)
        expect(lane.returned).toBe(0)
        leaving.abort()
        expect((await reply).status).toBe(499)
        expect(lane.returned).toBeGreaterThanOrEqual(1)
      },
    )

    it.each(BEFORE.map((events) => ({ events })))(
      'ends a stream by its signal: behind $events.length events',
      async ({ events }) => {
        const { lane, lanes } = stuck(events)
        const leaving = new AbortController()
        const { send } = serve({ lanes }, { pingMs: 5 })
        const response = post(send, dialect, { stream: true }, {}, leaving.signal)
        const reading = response.then(async ({ body }) => {
          const reader = body?.getReader()
          while (lane.returned === 0) await reader?.read()
          await reader?.cancel()
        })
        await until(() => lane.asked > events.length)
        expect(lane.returned).toBe(0)
        leaving.abort()
        expect(lane.returned).toBeGreaterThanOrEqual(1)
        await reading
      },
    )

    it('is not served when it left before a lane was asked', async () => {
      for (const stream of [false, true]) {
        const leaving = new AbortController()
        const fake = fakeLanes(HELLO, {
          models: async () => {
            leaving.abort()
            return [{ id: MODEL, created: 0, ownedBy: 'islet' }]
          },
        })
        const { send, logged } = serve(fake)
        expect((await post(send, dialect, { stream }, {}, leaving.signal)).status).toBe(499)
        expect([fake.requests, fake.produced, logged]).toEqual([[], 0, []])
      }
      for (const way of dialect.readOn) {
        const leaving = new AbortController()
        const { lane, lanes } = stuck([sessionOf(null)])
        const reply = serve({ lanes }).send(way.path({ id: `resp_${TURN}`, session: SESSION }, 0), {
          signal: leaving.signal,
        })
        leaving.abort()
        expect((await reply).status).toBe(499)
        expect([lane.asked, lane.returned]).toEqual([0, 1])
      }
    })

    it('ends a stream by its body, and a replay too', async () => {
      const asks: ((send: Send) => Promise<Response>)[] = [
        (send) => post(send, dialect, { stream: true }),
        ...dialect.readOn.map(
          (way) => (send: Send) => send(way.path({ id: `resp_${TURN}`, session: SESSION }, 1)),
        ),
      ]
      // The reply is kept as the dialect's own request words it.
      const kept = keeping(HELLO)
      await post(serve(kept).send, dialect, { stream: true })
      const { reply } = kept.requests[0]
      for (const ask of asks) {
        const { lane, lanes } = stuck([sessionOf(reply), start, text('a'), text('b')])
        const response = await ask(serve({ lanes }, { pingMs: 10 }).send)
        expect(response.status).toBe(200)
        const reader = response.body?.getReader()
        await reader?.read()
        expect(lane.returned).toBe(0)
        await reader?.cancel()
        expect(lane.returned).toBeGreaterThanOrEqual(1)
      }
    })

    it('is not produced for ahead of its reading', async () => {
      const fake = keeping([start, ...Array.from({ length: 100 }, (_, i) => text(`${i} `)), finish])
      const response = await post(serve(fake).send, dialect, { stream: true })
      const reader = response.body?.getReader()
      for (let read = 1; read <= 5; read++) {
        await reader?.read()
        await afterMs(1)
        expect(fake.produced).toBeLessThanOrEqual(read + 3)
      }
      await reader?.cancel()
      expect(fake.closed).toBe(1)
    })
  })

  describe('a client that waits', () => {
    const waiting = HELLO.flatMap((step): Step[] => [{ wait: 25 }, step])

    it('hears comments and the same frames, streamed first and read on', async () => {
      const calm = await streamOf(serve(keeping(HELLO)).send, dialect, { usage: true })
      const { send } = serve(keeping(waiting), { pingMs: 5 })
      const slow = await streamOf(send, dialect, { usage: true })
      expect(slow.comments).toBeGreaterThan(0)
      expect(rawOf(slow.frames)).toEqual(rawOf(calm.frames))
      const { id } = slow.frames.flatMap((frame) => dialect.identity(frame) ?? [])[0]
      for (const way of dialect.readOn) {
        const again = await streamIn(await send(way.path({ id, session: SESSION }, 2)))
        expect(again.comments).toBeGreaterThan(0)
        expect(rawOf(again.frames)).toEqual(rawOf(calm.frames.slice(2)))
      }
    })

    it('has the headers before anything came', async () => {
      const { lanes } = stuck([])
      const response = await post(serve({ lanes }, { pingMs: 5 }).send, dialect, { stream: true })
      expect(response.status).toBe(200)
      const reader = response.body?.getReader()
      const { value } = (await reader?.read()) ?? {}
      expect(new TextDecoder().decode(value)).toBe(dialect.ping ?? ':\n\n')
      await reader?.cancel()
    })
  })
})
