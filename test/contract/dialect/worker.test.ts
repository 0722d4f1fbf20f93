// The central laws hold on the real worker too: a model answers, connections are cut, and nothing of an answer is lost.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TINY_FOLDER } from '../../helpers/real-model.ts'
import { SessionClient } from '../../helpers/session-client.ts'
import { ROOT, startWorker, type TestWorker } from '../../helpers/worker.ts'
import type { Answer, Ask, Dialect } from './dialect.ts'
import { DIALECTS } from './dialects.ts'
import { post, streamIn, streamOf, wholeOf, type Send } from './serve.ts'
import { parseWire, rawOf, type Frame } from './wire.ts'

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)

describe.skipIf(missing.length > 0)(`in workerd (needs ${missing.join(', ') || 'nothing more'})`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(TINY_FOLDER, { WINDOW: '64' })
  })
  afterAll(() => worker?.stop())

  const as =
    (tenant: string): Send =>
    (path, init) =>
      new SessionClient(worker, tenant).fetch(path, init)
  const asked = (more: Ask = {}): Ask => ({
    model: worker.model,
    prompt: 'In the beginning God created',
    maxTokens: 24,
    temperature: 0,
    seed: 7,
    ...more,
  })

  describe.each(DIALECTS)('$name', (dialect) => {
    it.each([0, 1])('whole equals streamed at temperature %i', async (temperature) => {
      for (const store of [false, true]) {
        const ask = asked({ temperature, store, usage: true })
        const whole = await wholeOf(as('whole'), dialect, ask)
        const { frames } = await streamOf(as('streamed'), dialect, ask)
        expect(said(dialect, dialect.assembled(frames))).toEqual(said(dialect, whole))
        expect(whole.text.length).toBeGreaterThan(0)
      }
    })

    it('read on behind a cut equals undisturbed, and so does all of it read again', async () => {
      const ask = asked({ maxTokens: 400, temperature: 1, store: true, usage: true })
      const whole = await wholeOf(as('undisturbed'), dialect, ask)
      for (const [n, way] of [1, 4, 9].flatMap((n) => dialect.readOn.map((way) => [n, way] as const))) {
        const send = as(`${dialect.name} ${n} ${way.name}`)
        const { session, heard } = await cut(send, dialect, ask, n)
        const { id } = heard.flatMap((frame) => dialect.identity(frame) ?? [])[0]
        const read = async (from: number): Promise<Frame[]> =>
          (await streamIn(await send(way.path({ id, session }, from)))).frames
        const all = [...heard, ...(await read(heard.length))]
        expect(said(dialect, dialect.assembled(all))).toEqual(said(dialect, whole))
        expect(all.length).toBeGreaterThan(heard.length)
        for (const from of [0, 1, heard.length, all.length])
          expect(rawOf(await read(from))).toEqual(rawOf(all.slice(from)))
      }
    })

    it('a refusal is one', async () => {
      const response = await post(as('refused'), dialect, asked({ temperature: 9 }))
      expect(response.status).toBe(400)
      expect(dialect.wholeFailure(await response.json())).toMatchObject({ param: 'temperature' })
    })
  })
})

/** What does not depend on who asked, when, and what a cache had. */
function said(dialect: Dialect, { text, reasoning, calls, finish, usage }: Answer): object {
  const { promptTokens, completionTokens } = dialect.counts(usage ?? {})
  return { text, reasoning, calls: calls.length, finish, promptTokens, completionTokens }
}

/** Reads so many frames and cuts the connection, while most of the answer is still to be computed. */
async function cut(
  send: Send,
  dialect: Dialect,
  ask: Ask,
  count: number,
): Promise<{ session: string; heard: Frame[] }> {
  const leaving = new AbortController()
  const response = await post(send, dialect, { ...ask, stream: true }, {}, leaving.signal)
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let heard: Frame[] = []
  while (heard.length < count) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done) throw new Error(`the stream ended behind ${heard.length} frames`)
    text += decoder.decode(value, { stream: true })
    heard = parseWire([text.slice(0, text.lastIndexOf('\n\n') + 2)]).frames
  }
  leaving.abort()
  // What came with them is lost with the connection.
  return { session: response.headers.get('x-islet-session') ?? '', heard: heard.slice(0, count) }
}
