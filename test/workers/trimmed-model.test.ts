// The real Gemma 3 270M with a part of its vocabulary, in workerd: what it computes is the same bits warm and cold, in a batch and
// alone, restored and not; it answers under a schema, decides, and stays within 120 MB.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { promptIds } from '../../bench/lib/cases.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import type { StorageUse } from '../../src/protocol/lane-reports.ts'
import { HeapSampler, heapTotal } from '../../tools/inspector.ts'
import { missingTrimmed, TRIMMED_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

const LIMIT_BYTES = 120e6
const SAMPLE_MS = 50
/** Of 16 positions in 18 layers: INT8 keys and values, a scale for each. */
const PAGE_BYTES = 149_760

type Completion = {
  choices: { text: string }[]
  usage: { prompt_tokens_details: { cached_tokens: number }; completion_tokens: number }
  islet: { logits_sha256: string; window: number; out_of_sight: number }
}

const skip = missingTrimmed()

describe.skipIf(skip !== undefined)(`a trimmed Gemma${skip === undefined ? '' : ` (${skip})`}`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(TRIMMED_FOLDER, { WINDOW: '1024' })
  })
  afterAll(() => worker?.stop())

  const post = async (path: string, body: object, tenant = 'a'): Promise<unknown> => {
    const response = await fetch(worker.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant}`, 'x-islet-hash-logits': '1' },
      body: JSON.stringify({ model: worker.model, ...body }),
    })
    const value = await response.json()
    expect(response.status, JSON.stringify(value)).toBe(200)
    return value
  }
  const complete = async (ids: readonly number[], more: object = {}, tenant = 'a'): Promise<Completion> =>
    (await post('/v1/completions', { prompt: ids, max_tokens: 24, ignore_eos: true, temperature: 0, ...more }, tenant)) as Completion // prettier-ignore
  const storage = async (): Promise<StorageUse> =>
    ((await (await fetch(`${worker.url}/health`)).json()) as { storage: StorageUse }).storage
  const cached = ({ usage }: Completion): number => usage.prompt_tokens_details.cached_tokens

  test('stays within 120 MB, past its window', async () => {
    const sampler = await HeapSampler.connect(worker.inspector, SAMPLE_MS)
    sampler.start()
    const long = promptIds(2000, 0)
    const more = { max_tokens: 100 }
    await complete(long, more)
    const { islet } = await complete([...long, ...promptIds(32, 1)], more)
    expect(islet.window).toBe(1024)
    expect(islet.out_of_sight).toBeGreaterThan(1000)
    await sampler.stop()
    const health = (await (await fetch(`${worker.url}/health`)).json()) as { linear_memory_bytes: number }
    expect(health.linear_memory_bytes).toBeGreaterThan(90e6)
    const peak = health.linear_memory_bytes + heapTotal(sampler.peak())
    console.log(`${peak} bytes at the peak, ${health.linear_memory_bytes} of linear memory`)
    expect(peak).toBeLessThanOrEqual(LIMIT_BYTES)
  }, 120_000)

  test('warm equals cold, and a batch equals each alone', async () => {
    const first = promptIds(90, 2)
    const next = [...first, ...promptIds(30, 3)]
    await complete(first)
    const [warm, cold] = [await complete(next), await complete(next, {}, 'b')]
    expect([cached(warm) > 0, cached(cold)]).toEqual([true, 0])
    expect(warm.islet.logits_sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(warm.islet.logits_sha256).toBe(cold.islet.logits_sha256)
    expect(warm.choices).toEqual(cold.choices)
    const [together] = await Promise.all(['c', 'd', 'e'].map((tenant, i) => complete(i === 0 ? next : promptIds(60, 4 + i), {}, tenant))) // prettier-ignore
    expect(together.islet.logits_sha256).toBe(cold.islet.logits_sha256)
  }, 60_000)

  test('restored from storage equals not', async () => {
    const first = promptIds(200, 8)
    const { runBytes } = await storage()
    await complete(first, { store: true }, 'f')
    const whole = Math.floor(first.length / PAGE_POSITIONS)
    await vi.waitFor(async () => expect((await storage()).runBytes).toBeGreaterThanOrEqual(runBytes + whole * PAGE_BYTES), 30_000) // prettier-ignore
    await worker.kill()
    await worker.restart()
    const next = [...first, ...promptIds(20, 9)]
    const restored = await complete(next, {}, 'f')
    expect((await storage()).pagesRestored).toBeGreaterThanOrEqual(whole)
    const anew = await complete(next, {}, 'g')
    expect([cached(restored) >= whole * PAGE_POSITIONS, cached(anew)]).toEqual([true, 0])
    expect(restored.islet.logits_sha256).toBe(anew.islet.logits_sha256)
    expect(restored.choices).toEqual(anew.choices)
  }, 120_000)

  test('extracts under a schema, and decides', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string', maxLength: 30 }, age: { type: 'integer', minimum: 0, maximum: 120 } }, // prettier-ignore
      required: ['name', 'age'],
      additionalProperties: false,
    }
    const { choices } = (await post('/v1/completions', {
      prompt: 'Text: Ada is a mathematician of 36 years. She lives in London.\nAs JSON: ',
      max_tokens: 60,
      temperature: 0,
      structured_outputs: { json: schema },
    })) as Completion
    expect(new Ajv2020().compile(schema)(JSON.parse(choices[0].text))).toBe(true)
    expect(JSON.parse(choices[0].text)).toMatchObject({ name: expect.stringContaining('Ada') as string, age: 36 }) // prettier-ignore
    const { answers } = (await post('/v1/decisions', {
      input: 'The parcel came broken, and nobody answers my letters. I want my money back.',
      questions: [{ type: 'choice', name: 'mood', question: 'How does the writer feel?', choices: [{ value: 'angry' }, { value: 'pleased' }] }], // prettier-ignore
    })) as { answers: { name: string }[] }
    expect(answers.map(({ name }) => name)).toEqual(['mood'])
  }, 60_000)
})
