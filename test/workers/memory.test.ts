// The isolate's peak with SmolLM2 and a window of 1024: linear memory plus the JS heap, sampled through a cold load, a
// prompt that runs past the window, decoding and a second turn. Locally nothing else enforces a limit.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { promptIds } from '../../bench/lib/cases.ts'
import { HeapSampler, heapTotal } from '../../tools/inspector.ts'
import { missingModel, REAL_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

const LIMIT_BYTES = 120e6
const SAMPLE_MS = 50

const skip = missingModel()

describe.skipIf(skip !== undefined)(`memory of the isolate${skip === undefined ? '' : ` (${skip})`}`, () => {
  let worker: TestWorker
  beforeAll(async () => {
    worker = await startWorker(REAL_FOLDER, { WINDOW: '1024' })
  })
  afterAll(() => worker?.stop())

  const complete = async (prompt: number[], maxTokens: number): Promise<string> => {
    const body = {
      model: worker.model,
      prompt,
      max_tokens: maxTokens,
      ignore_eos: true,
      temperature: 0,
      stream: true,
    }
    const response = await fetch(`${worker.url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    return response.text()
  }

  test('stays within 120 MB', async () => {
    const sampler = await HeapSampler.connect(worker.inspector, SAMPLE_MS)
    sampler.start()
    const long = promptIds(2000, 0)
    await complete(promptIds(32, 1), 1)
    await complete(long, 150)
    expect(await complete([...long, ...promptIds(32, 2)], 50)).toContain('[DONE]')
    await sampler.stop()
    const health = (await (await fetch(`${worker.url}/health`)).json()) as { linear_memory_bytes: number }
    expect(health.linear_memory_bytes).toBeGreaterThan(90e6)
    expect(health.linear_memory_bytes + heapTotal(sampler.peak())).toBeLessThanOrEqual(LIMIT_BYTES)
  }, 180_000)
})
