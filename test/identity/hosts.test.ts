// The same logits bits in Node, in workerd under `wrangler dev` and in headless Chromium, whose JavaScript engines and compilers
// are of other versions. What Node is compared with is the plainest run: one token at a time, without the engine.
// test/workers/worker.test.ts compares the embedded model in workerd, cold and warm, so here workerd has the real one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInChromium } from '../../bench/hosts/run.ts'
import type { Chromium } from '../../bench/lib/chromium.ts'
import { chromium, missingChromium } from '../helpers/chromium.ts'
import { missingModel, REAL_FOLDER, TINY_FOLDER } from '../helpers/real-model.ts'
import { load, REAL, someIds, TINY, type Build, type Subject } from '../helpers/subjects.ts'
import { traceAlone } from '../helpers/traced-turns.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

const WINDOW = { window: 48, sinks: 4 }

/** A prompt past the window, and tokens after the first. */
type Text = { prompt: number; decode: number }

const LONG: Text = { prompt: 400, decode: 200 }
const SHORT: Text = { prompt: 70, decode: 15 }

async function inNode(subject: Subject, { prompt, decode }: Text): Promise<{ ids: number[]; hash: string }> {
  const model = await load(subject, { window: WINDOW, chunk: 4 })
  const ids = someIds(prompt, model.spec.vocab, 4)
  const { hash } = traceAlone(model, { tenant: '', prompt: ids, maxTokens: decode + 1 })
  return { ids, hash }
}

const noChromium = missingChromium()
const noModel = missingModel()
const why = (reason: string | undefined): string => (reason === undefined ? '' : ` (${reason})`)

describe.skipIf(noChromium !== undefined)(`Chromium${why(noChromium)}`, () => {
  let browser: Chromium
  beforeAll(() => void (browser = chromium()))

  const hashIn = async (
    folder: string,
    job: { ids: number[]; decode: number; simd?: Build },
  ): Promise<string> => {
    const report = await runInChromium(browser, { ...job, ...WINDOW, chunk: 16, repetitions: 0 }, folder)
    return report.logitsSha256
  }

  it.each(['quads', 'relaxed', 'plain'] as const)('tiny, %s', async (simd) => {
    const { ids, hash } = await inNode(TINY, LONG)
    expect(await hashIn(TINY_FOLDER, { ids, decode: LONG.decode, simd })).toBe(hash)
  })

  it.skipIf(noModel !== undefined)(`SmolLM2${why(noModel)}`, async () => {
    const { ids, hash } = await inNode(REAL, SHORT)
    expect(await hashIn(REAL_FOLDER, { ids, decode: SHORT.decode })).toBe(hash)
  })
})

describe.skipIf(noModel !== undefined)(`workerd${why(noModel)}`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    const { window, sinks } = WINDOW
    worker = await startWorker(REAL_FOLDER, { WINDOW: String(window), SINKS: String(sinks), CHUNK: '16' })
  })
  afterAll(() => worker?.stop())

  it('SmolLM2', async () => {
    const { ids, hash } = await inNode(REAL, SHORT)
    const response = await fetch(`${worker.url}/v1/completions`, {
      method: 'POST',
      headers: { 'x-islet-hash-logits': '1' },
      body: JSON.stringify({
        model: worker.model,
        prompt: ids,
        max_tokens: SHORT.decode + 1,
        ignore_eos: true,
        temperature: 0,
      }),
    })
    expect(await response.json()).toMatchObject({
      usage: { prompt_tokens: SHORT.prompt, completion_tokens: SHORT.decode + 1 },
      islet: { logits_sha256: hash },
    })
  })
})
