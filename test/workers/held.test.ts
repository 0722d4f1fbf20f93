// What requests leave behind: after a collection the isolate holds as much as before hundreds of answers that nothing keeps.
// The process may have grown all the same: workerd collects late, and its allocator keeps what was freed.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HeapSampler, heapTotal } from '../../tools/inspector.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)
/** Until code is compiled and the cache of sequences is full: about as many raise what is held by a megabyte. */
const WARM = 800
const REQUESTS = 400
/** Bytes for each request: a call, a stream or a generator that is kept is more, and all else swings by a third of it. */
const HELD = 1000
const AT_ONCE = 4

describe.skipIf(missing.length > 0)(`held memory (needs ${missing.join(', ') || 'nothing more'})`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(TINY_FOLDER, { WINDOW: '64', CHUNK: '16' })
  })
  afterAll(() => worker?.stop())

  /** Nothing is stored. Of three answers one is whole, one is streamed to its end, and one is left in the middle. */
  async function ask(index: number): Promise<void> {
    const leaving = new AbortController()
    const prompt = `Chapter ${index}. In the beginning`
    const asked = {
      model: worker.model,
      prompt,
      max_tokens: 6,
      ignore_eos: true,
      temperature: 0,
      store: false,
    }
    const response = await fetch(`${worker.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...asked, stream: index % 3 > 0 }),
      signal: leaving.signal,
    })
    expect(response.status).toBe(200)
    if (index % 3 < 2) {
      expect(await response.text()).toContain(index % 3 === 0 ? '"finish_reason":"length"' : '[DONE]')
      return
    }
    await response.body?.getReader().read()
    leaving.abort()
  }

  async function many(first: number, count: number): Promise<void> {
    let next = first
    const client = async (): Promise<void> => {
      while (next < first + count) await ask(next++)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
  }

  test('does not grow with the answers that nothing keeps', async () => {
    const sampler = await HeapSampler.connect(worker.inspector, 1000)
    const wake = async (): Promise<void> => void (await (await fetch(`${worker.url}/health`)).text())
    const held = async (): Promise<number> => {
      // The second takes what the first one's finalizers let go.
      for (let i = 0; i < 2; i++) await sampler.collectGarbage(wake)
      const sampling = sampler.sample()
      await wake()
      return heapTotal(await sampling)
    }
    await many(0, WARM)
    const before = await held()
    await many(WARM, REQUESTS)
    const grown = (await held()) - before
    await Promise.all([sampler.stop(), wake()])
    expect(grown).toBeLessThan(HELD * REQUESTS)
  }, 300_000)
})
