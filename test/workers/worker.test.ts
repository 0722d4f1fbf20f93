// The whole worker in workerd with the embedded model: load, answer, warm turns, parallel sessions, leaving clients,
// and the same logits as Node, bit for bit.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { eventsOf, ask, mockLane, textOf } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const FOLDER = join(ROOT, 'models/tiny')
const missing = ['models/tiny/manifest.json', 'build/islet.relaxed.wasm'].filter(
  (file) => !existsSync(join(ROOT, file)),
)

const WINDOW = 64
const PROMPT =
  'In the beginning God created the heaven and the earth. And the earth was without form, and void'

type Usage = {
  prompt_tokens: number
  completion_tokens: number
  prompt_tokens_details: { cached_tokens: number }
}
type Completion = {
  choices: { text: string; finish_reason: string }[]
  usage: Usage
  islet: { out_of_sight: number; logits_sha256?: string }
}

describe.skipIf(missing.length > 0)(`in workerd (needs ${missing.join(', ') || 'nothing more'})`, () => {
  let worker: TestWorker

  const post = (body: object, tenant = 'a', signal?: AbortSignal): Promise<Response> =>
    fetch(`${worker.url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant}`, 'x-islet-hash-logits': '1' },
      body: JSON.stringify({ model: worker.model, temperature: 0, ...body }),
      signal,
    })
  const complete = async (body: object, tenant = 'a'): Promise<Completion> => {
    const response = await post(body, tenant)
    const value = await response.json()
    expect(response.status, JSON.stringify(value)).toBe(200)
    return value as Completion
  }
  const health = async (): Promise<{ status: number; body: Record<string, number | string> }> => {
    const response = await fetch(`${worker.url}/health`)
    return { status: response.status, body: await response.json<Record<string, number | string>>() }
  }

  beforeAll(async () => {
    worker = await startWorker(FOLDER, { WINDOW: String(WINDOW), CHUNK: '16', MAX_PROMPT: '400' })
  })
  afterAll(() => worker?.stop())

  test('cold: health is 503 and begins the load, then 200; a bad prompt is refused all the same', async () => {
    expect((await health()).status).toBe(503)
    const refused = await post({ prompt: [1, 2, 1e6] })
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: 'prompt' } }])
    const deadline = Date.now() + 20_000
    while ((await health()).status !== 200) expect(Date.now()).toBeLessThan(deadline)
    expect((await health()).body).toMatchObject({ state: 'ready', window: WINDOW, running: 0 })
  })

  test('a bias on a token that does not exist is refused', async () => {
    const refused = await post({ prompt: 'a', logit_bias: { '2048': 1 } })
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: 'logit_bias' } }])
  })

  test('weights are not public', async () => {
    const response = await fetch(`${worker.url}/models/${worker.model}/manifest.json`)
    expect(response.status).toBe(404)
  })

  test('the same logits as in Node: cold, warm, streamed or not', async () => {
    const body = { prompt: PROMPT, max_tokens: 90, ignore_eos: true }
    const cold = await complete(body, 'bits')
    const warm = await complete(body, 'bits')
    expect(warm.usage.prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(
      cold.usage.prompt_tokens - 1 - WINDOW,
    )
    const streamed = await (await post({ ...body, stream: true }, 'other')).text()
    const node = await inNode(PROMPT, 90)
    expect(cold.islet.logits_sha256).toBe(node.hash)
    expect(warm.islet.logits_sha256).toBe(node.hash)
    expect(streamed).toContain(node.hash)
    expect(cold.choices[0].text).toBe(node.text)
    expect(cold.islet.out_of_sight).toBeGreaterThan(0)
  })

  test('a second turn computes only what is new', async () => {
    const first = await complete({ prompt: PROMPT, max_tokens: 12, ignore_eos: true }, 'turns')
    const again = `${PROMPT}${first.choices[0].text} and God said`
    const second = await complete({ prompt: again, max_tokens: 4, ignore_eos: true }, 'turns')
    expect(second.usage.prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(first.usage.prompt_tokens)
    const stranger = await complete({ prompt: again, max_tokens: 4, ignore_eos: true }, 'stranger')
    expect(stranger.usage.prompt_tokens_details.cached_tokens).toBe(0)
    expect(second.choices[0].text).toBe(stranger.choices[0].text)
  })

  test('parallel requests answer as each alone', async () => {
    const prompts = ['And the earth', 'Let there be', 'And it came to pass', 'The LORD said unto'].map(
      (text) => ({
        prompt: `${text}, ${PROMPT}`,
        max_tokens: 40,
        ignore_eos: true,
      }),
    )
    const together = await Promise.all(prompts.map((body) => complete(body, 'together')))
    for (const [i, body] of prompts.entries()) {
      const alone = await complete(body, `alone-${i}`)
      expect(together[i].islet.logits_sha256).toBe(alone.islet.logits_sha256)
    }
  })

  test('a client that leaves stops its generation', async () => {
    const leaving = new AbortController()
    const endless = { prompt: PROMPT, max_tokens: 100_000, ignore_eos: true, stream: true }
    const response = await post(endless, 'leaver', leaving.signal)
    const reader = response.body?.getReader()
    for (let i = 0; i < 5; i++) await reader?.read()
    expect((await health()).body['running']).toBe(1)
    leaving.abort()
    const left = performance.now()
    while ((await health()).body['running'] !== 0) expect(performance.now() - left).toBeLessThan(3000)
  })

  test('a session far past the window keeps its memory', async () => {
    const before = (await health()).body['linear_memory_bytes']
    const long = await complete({ prompt: PROMPT, max_tokens: 1200, ignore_eos: true }, 'long')
    expect(long.usage.completion_tokens).toBe(1200)
    expect(long.islet.out_of_sight).toBeGreaterThan(1000)
    expect((await health()).body['linear_memory_bytes']).toBe(before)
  })
})

/** The same request through the same rooms, in this process. */
async function inNode(prompt: string, maxTokens: number): Promise<{ hash: string; text: string }> {
  const manifest = JSON.parse(readFileSync(join(FOLDER, 'manifest.json'), 'utf8')) as Manifest
  const tokenizer = readTokenizer(new Uint8Array(readFileSync(join(FOLDER, manifest.tokenizer.file))))
  const open = async (file: string): Promise<ReadableStream<Uint8Array>> => {
    const { body } = new Response(readFileSync(join(FOLDER, file)))
    if (body === null) throw new Error(`${file} is empty`)
    return body
  }
  const window = { window: WINDOW, sinks: 4 }
  const { lane } = mockLane({
    config: { windows: [WINDOW], maxPrompt: 400 },
    parts: {
      readText: async () => ({ manifest, tokenizer }),
      readModel: () => loadModel(manifest, { open }, { window, chunk: 32, kernels: nodeKernels() }),
    },
  })
  const events = await ask(
    lane,
    request({
      model: manifest.id,
      prompt: { kind: 'text', text: prompt },
      maxTokens,
      ignoreEos: true,
      hashLogits: true,
    }),
  )
  return { hash: eventsOf(events, 'finish')[0]?.logitsHash ?? '', text: textOf(events) }
}
