// What real clients sent for vectors is answered by the worker, with a model that declares a pooling.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { numbersOf } from '../../src/api/embeddings/reply.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

type Body = { input: string | string[]; encoding_format?: string }
type Reply = { data: { index: number; embedding: string | number[] }[]; usage: { total_tokens: number } }

const recorded = ['embeddings-node', 'embeddings-python'].flatMap(
  (id) =>
    JSON.parse(readFileSync(`${ROOT}test/fixtures/clients/${id}.json`, 'utf8')) as {
      path: string
      body: Body
    }[],
)

let folder: string
let worker: TestWorker
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'islet-pooling-'))
  cpSync(TINY_FOLDER, join(folder, 'tiny'), { recursive: true, dereference: true })
  const file = join(folder, 'tiny/manifest.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  writeFileSync(file, JSON.stringify({ ...manifest, embedding: { pooling: 'mean' } }))
  worker = await startWorker(join(folder, 'tiny'))
})
afterAll(async () => {
  await worker?.stop()
  rmSync(folder, { recursive: true })
})

async function post(path: string, body: object): Promise<Response> {
  return fetch(`${worker.url}${path}`, {
    method: 'POST',
    body: JSON.stringify({ ...body, model: worker.model }),
  })
}

async function vectorsOf(body: Body): Promise<number[][]> {
  const response = await post('/v1/embeddings', body)
  const text = await response.text()
  expect(response.status, text).toBe(200)
  const { data } = JSON.parse(text) as Reply
  expect(data.map(({ index }) => index)).toEqual(data.map((_, at) => at))
  return data.map(({ embedding }) => {
    expect(typeof embedding === 'string').toBe(body.encoding_format === 'base64')
    return typeof embedding === 'string' ? numbersOf(embedding) : embedding
  })
}

describe('what clients sent for vectors', () => {
  it('asks for base64, which the clients of OpenAI do by themselves', () => {
    expect(recorded.map(({ body }) => body.encoding_format)).toContain('base64')
    expect(recorded.every(({ path }) => path === '/v1/embeddings')).toBe(true)
  })

  it.each(recorded)('is answered with a vector of length 1 for each text: $body', async ({ body }) => {
    const vectors = await vectorsOf(body)
    expect(vectors).toHaveLength(typeof body.input === 'string' ? 1 : body.input.length)
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
    expect(await vectorsOf({ input: body.input, encoding_format: 'float' })).toEqual(vectors)
    // The same bits alone.
    const [first] = [body.input].flat()
    expect(await vectorsOf({ input: first })).toEqual([vectors[0]])
  })
})

it('documents come in the order of their likeness to a query', async () => {
  const documents = ['A storm comes from the sea.', 'The keeper climbs the steps.']
  const response = await post('/v1/rerank', { query: documents[1], documents, return_documents: true })
  const { results } = (await response.json()) as {
    results: { index: number; relevance_score: number; document: { text: string } }[]
  }
  expect(results.map(({ index }) => index)).toEqual([1, 0])
  expect(results[0].relevance_score).toBeCloseTo(1, 5)
  expect(results[0].document.text).toBe(documents[1])
})
