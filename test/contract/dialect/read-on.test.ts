// Read on equals undisturbed: behind any number of frames a stored answer goes on byte for byte as it would have.

import { describe, expect, it } from 'vitest'
import { finish, HELLO, SESSION, start, text, watched, type Step } from '../../api/helpers.ts'
import type { Answer, Ask, ReadOn } from './dialect.ts'
import { DIALECTS } from './dialects.ts'
import { ERROR, progress, SCRIPTS } from './scripts.ts'
import { keeping, post, serve, streamIn, streamOf, wholeOf, type Keeping, type Send } from './serve.ts'
import { commonLength, rawOf, type Wire } from './wire.ts'

const CONFLICT: Step = { type: 'error', code: 'conflict', message: 'another reads it' }
const MEMORY = { tokens: 2, reused: 0, pageTokens: 16, views: [], runs: [] }
const STOPPED = { ...finish, reason: 'length', stopped: 'cpu_limit' } as typeof finish

describe.each(DIALECTS)('$name', (dialect) => {
  /** An app whose lanes keep an answer: its stream as it was sent first, and ways to read it again. */
  async function told(steps: Step[], replay: Step[] = steps, ask = {}) {
    const fake: Keeping = keeping(steps, replay)
    const { send } = serve(fake)
    const first = await streamOf(send, dialect, { ...ask, store: true, usage: true })
    const { id } = first.frames.flatMap((frame) => dialect.identity(frame) ?? [])[0]
    const again = async (way: ReadOn, frames: number): Promise<Wire> => {
      const wire = await streamIn(await send(way.path({ id, session: SESSION }, frames)))
      expect(wire.headers.get('x-islet-session')).toBe(SESSION)
      expect(fake.replays.at(-1)?.closed).toBe(1)
      return wire
    }
    return { first: first.frames, again }
  }

  for (const way of dialect.readOn) {
    describe(way.name, () => {
      for (const { name, steps, ask } of SCRIPTS) {
        it(`goes on behind every frame: ${name}`, async () => {
          const { first, again } = await told(steps, steps, ask)
          for (let n = 0; n <= first.length + 1; n++)
            expect(rawOf((await again(way, n)).frames)).toEqual(rawOf(first.slice(n)))
        })
      }

      it('does not mind reports and silence, which the first stream did not have', async () => {
        const replay = HELLO.flatMap((step): Step[] => [step, progress('prefill'), { wait: 1 }]).slice(0, -2)
        const { first, again } = await told(HELLO, replay)
        for (let n = 0; n <= first.length; n++)
          expect(rawOf((await again(way, n)).frames)).toEqual(rawOf(first.slice(n)))
      })

      it('counts nothing that it is told of memory, in the first stream or in this one', async () => {
        const steps = watched(MEMORY)
        const silent = await told(HELLO)
        for (const [before, replay] of [
          [steps, HELLO],
          [HELLO, steps],
          [steps, steps],
        ]) {
          const { first, again } = await told(before, replay)
          expect(rawOf(first)).toEqual(rawOf(silent.first))
          for (let n = 0; n <= first.length; n++)
            expect(rawOf((await again(way, n)).frames)).toEqual(rawOf(first.slice(n)))
        }
      })

      it('goes on where the platform stopped it, when its ending is not counted', async () => {
        const stopped = await told([...HELLO.slice(0, 3), STOPPED], HELLO)
        const undisturbed = await told(HELLO)
        const heard = commonLength(stopped.first, undisturbed.first)
        expect(heard).toBeGreaterThan(1)
        for (let n = 0; n <= heard; n++)
          expect(rawOf((await stopped.again(way, n)).frames)).toEqual(rawOf(undisturbed.first.slice(n)))
      })

      it('ends as it did when it failed, for each frame before the failure', async () => {
        const { first, again } = await told([...HELLO.slice(0, 3), ERROR])
        const heard = commonLength(first, (await told(HELLO)).first)
        expect(heard).toBeGreaterThan(1)
        for (let n = 0; n <= heard; n++)
          expect(rawOf((await again(way, n)).frames)).toEqual(rawOf(first.slice(n)))
        expect(dialect.frameFailure(first[first.length - 1])?.code).toBe('engine_failure')
      })

      it('says that it failed, however far the reader is', async () => {
        for (const failing of [[ERROR], [start, ERROR], [...HELLO.slice(0, 3), ERROR]]) {
          const { first, again } = await told(HELLO, failing)
          for (let n = 0; n <= first.length + 2; n++) {
            const { frames } = await again(way, n)
            const codes = frames.map((frame) => dialect.frameFailure(frame)?.code)
            expect(codes.at(-1)).toBe('engine_failure')
            expect(codes.slice(0, -1).every((code) => code === undefined)).toBe(true)
          }
        }
      })

      it.each([
        { name: 'another reads it', failure: CONFLICT, code: 'conflict' },
        { name: 'its lane is gone', failure: { fail: new Error('secret') }, code: 'internal_error' },
        { name: 'it breaks off', failure: progress('queued'), code: 'engine_failure' },
      ])('says to whoever reads that $name, however far they are', async ({ failure, code }) => {
        const { first, again } = await told(HELLO, [...HELLO.slice(0, 2), failure])
        for (let n = 0; n <= first.length; n++) {
          const { frames, text: wire } = await again(way, n)
          expect(wire).not.toContain('secret')
          expect(frames.map((frame) => dialect.frameFailure(frame)?.code).at(-1)).toBe(code)
          expect(frames.some((frame) => dialect.ends(frame) || dialect.isLast(frame))).toBe(false)
        }
      })

      it('is asked for by the key that asked first, and by no other', async () => {
        const { send } = serve(keeping(HELLO))
        const authorization = 'Bearer mine'
        const { frames } = await streamOf(send, dialect, {}, { authorization })
        const { id } = frames.flatMap((frame) => dialect.identity(frame) ?? [])[0]
        const path = way.path({ id, session: SESSION }, 1)
        expect((await send(path, { headers: { authorization: 'Bearer other' } })).status).toBe(404)
        expect((await send(path)).status).toBe(404)
        const mine = await streamIn(await send(path, { headers: { authorization } }))
        expect(rawOf(mine.frames)).toEqual(rawOf(frames.slice(1)))
      })
    })
  }

  describe('a retry', () => {
    const RETRY = { 'x-stainless-retry-count': '1' }
    /** Reads the first bytes and leaves. */
    async function left(send: Send, ask: Ask): Promise<string> {
      const response = await post(send, dialect, { ...ask, stream: true })
      const reader = response.body?.getReader()
      const { value } = (await reader?.read()) ?? {}
      await reader?.cancel()
      return new TextDecoder().decode(value)
    }

    for (const { name, steps, ask: own } of SCRIPTS) {
      it(`of a stream begins again with the id and the time that its client saw: ${name}`, async () => {
        const ask = { ...own, usage: true }
        const { send } = serve(keeping(steps))
        const heard = await left(send, ask)
        const again = await streamOf(send, dialect, ask, RETRY)
        const undisturbed = await streamOf(serve(keeping(steps)).send, dialect, ask)
        expect(again.text.startsWith(heard)).toBe(true)
        expect(rawOf(again.frames)).toEqual(rawOf(undisturbed.frames))
      })
    }

    it('of a whole reply is the same reply', async () => {
      const { send } = serve(keeping(HELLO))
      const read = async (headers: Record<string, string>): Promise<Answer> =>
        dialect.whole(await (await post(send, dialect, {}, headers)).json())
      const first = await read({})
      expect(await read(RETRY)).toEqual(first)
      expect((await read({})).created).not.toBe(first.created)
    })

    it('of other bytes, of another key, or without store is a request of its own', async () => {
      const fake = keeping([start, text('a'), finish])
      const { send } = serve(fake)
      const first = await wholeOf(send, dialect, {})
      for (const [other, headers] of [
        [{ prompt: 'Another' }, RETRY],
        [{}, { ...RETRY, authorization: 'Bearer other' }],
        [{ store: false }, RETRY],
        [{}, { 'x-stainless-retry-count': '0' }],
      ] as const) {
        const answer = dialect.whole(await (await post(send, dialect, other, headers)).json())
        expect(answer.created).not.toBe(first.created)
      }
      expect(fake.requests.map(({ retry }) => retry)).toEqual([false, true, true, true, false])
    })
  })
})
