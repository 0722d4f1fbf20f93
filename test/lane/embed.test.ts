// A lane's vectors of texts: those of plain computation, alone and in a batch, cold and warm, where a pooling is declared.

import { describe, expect, test, vi } from 'vitest'
import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { base64Of, Pool } from '../../src/answer/pool.ts'
import { numbersOf } from '../../src/api/embeddings/reply.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import type { Lane } from '../../src/lane/lane.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { EmbedRequest } from '../../src/protocol/scores.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import type { Pooling } from '../../src/weights/manifest.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { ask, idsOf, mockLane, mockManifest, trapOnce } from '../helpers/mock-lane.ts'
import { greedyAlone, MockModel, type MockOptions } from '../helpers/mock-model.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { request } from '../helpers/request.ts'

const TEXTS = ['The lamp is lit at dusk.', 'A', 'The lamp is lit at dawn.', 'été 🌍', 'x'.repeat(70)]

function embedRequest(texts: string[], changes: Partial<EmbedRequest> = {}): EmbedRequest {
  return { requestId: 'test', tenant: 'tenant', sessionKey: 'key', model: 'mock', texts, ...changes }
}

function poolingLane(pooling: Pooling | undefined, model: MockOptions = {}) {
  const manifest = { ...mockManifest(), ...(pooling !== undefined && { embedding: { pooling } }) }
  const readText = () => Promise.resolve({ manifest, tokenizer: byteTokenizer() })
  return mockLane({ model, parts: { readText } })
}

async function events(lane: Lane, asked: EmbedRequest): Promise<GenerationEvent[]> {
  const seen: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.score(asked))) seen.push(event)
  return seen
}

async function embedded(lane: Lane, asked: EmbedRequest) {
  const seen = await events(lane, asked)
  const end = seen.at(-1)
  if (end?.type !== 'scores') throw new Error(JSON.stringify(end))
  const vectors: string[] = []
  for (const event of seen) if (event.type === 'embedding') vectors[event.index] = event.vector
  return { vectors, end }
}

/** States of ids that run alone, one row a step. */
function statesAlone(ids: readonly number[]): Float32Array[] {
  const pages = Array.from({ length: 64 }, (_, index) => index)
  const model = new MockModel({ maxRows: 1 })
  return ids.map((id, position) => {
    model.run([{ id, position, pages, yields: 'hidden' }])
    return model.hidden(0)
  })
}

/** The vector of a text by the definition of its pooling, in float64. */
function alone(text: string, pooling: Pooling): number[] {
  const states = statesAlone([256, ...new TextEncoder().encode(text)])
  const used = { mean: states, mean_without_first: states.slice(1), last: states.slice(-1) }[pooling]
  const mean = [...used[0]].map((_, i) => used.reduce((sum, state) => sum + state[i], 0) / used.length)
  const length = Math.hypot(...mean)
  return mean.map((value) => value / length)
}

describe('the vectors of texts', () => {
  test.each<[Pooling, MockOptions]>([
    ['mean', {}],
    ['mean', { maxLogitRows: 1, maxRows: 3 }],
    ['mean_without_first', { maxLogitRows: 16 }],
    ['last', {}],
    ['last', { pageCount: 8 }],
  ])('are by %s those of each alone: %j', async (pooling, model) => {
    const { lane, models } = poolingLane(pooling, model)
    const { vectors, end } = await embedded(lane, embedRequest(TEXTS))
    for (const [i, text] of TEXTS.entries()) {
      const expected = alone(text, pooling)
      numbersOf(vectors[i]).forEach((value, at) => expect(value).toBeCloseTo(expected[at], 6))
    }
    const rows = TEXTS.reduce((sum, text) => sum + 1 + new TextEncoder().encode(text).length, 0)
    expect(end.promptTokens).toBe(rows)
    if (pooling !== 'last') expect([models[0].rowsRun, end.cachedTokens]).toEqual([rows, 0])
    const one = await embedded(poolingLane(pooling).lane, embedRequest([TEXTS[2]]))
    expect(one.vectors).toEqual([vectors[2]])
    expect((await embedded(lane, embedRequest(TEXTS.toReversed()))).vectors).toEqual(vectors.toReversed())
  })

  test('of a text of one token are by its only state', async () => {
    const pool = new Pool('mean_without_first', 2)
    pool.add(Float32Array.of(3, 4), 0)
    expect([...pool.vector()]).toEqual([Math.fround(0.6), Math.fround(0.8)])
    pool.add(Float32Array.of(0, 2), 1)
    pool.add(Float32Array.of(0, 2), 2)
    expect([...pool.vector()]).toEqual([0, 1])
    expect(base64Of(pool.vector())).toBe('AAAAAAAAgD8=')
    expect(numbersOf('AAAAAAAAgD8=')).toEqual([0, 1])
    const last = new Pool('last', 2)
    last.add(Float32Array.of(3, 4), 0)
    last.add(Float32Array.of(0, 2), 1)
    expect([...last.vector()]).toEqual([0, 1])
    expect(() => new Pool('last', 2).vector()).toThrow('length 0')
  })

  test('share what is cached where one state alone counts', async () => {
    const { lane } = poolingLane('last')
    const cold = await embedded(lane, embedRequest([TEXTS[4]]))
    const warm = await embedded(lane, embedRequest([TEXTS[4]]))
    expect(warm.vectors).toEqual(cold.vectors)
    expect([cold.end.cachedTokens, warm.end.cachedTokens]).toEqual([0, 70])
  })

  test('come beside answers of other tenants, and change none of them', async () => {
    const { lane } = poolingLane('mean', { pageCount: 24 })
    const words = { kind: 'text' as const, text: 'I am here' }
    const [{ vectors }, answer] = await Promise.all([
      embedded(lane, embedRequest(TEXTS, { tenant: 'a', requestId: 'a' })),
      ask(lane, request({ tenant: 'b', prompt: words, maxTokens: 30, ignoreEos: true })),
    ])
    expect(idsOf(answer)).toEqual(greedyAlone([256, ...Buffer.from(words.text)], 30))
    expect(vectors).toEqual((await embedded(poolingLane('mean').lane, embedRequest(TEXTS))).vectors)
  })

  test('come from another engine where one fails', async () => {
    const trap = trapOnce()
    const { lane, models } = poolingLane('mean', { onForward: trap.onForward })
    trap.arm()
    const { vectors } = await embedded(lane, embedRequest(TEXTS))
    expect(models).toHaveLength(2)
    expect(vectors).toEqual((await embedded(poolingLane('mean').lane, embedRequest(TEXTS))).vectors)
  })

  test('end with a reader that leaves', async () => {
    const { lane, models } = poolingLane('mean', { maxRows: 4 })
    const many = Array.from({ length: 50 }, (_, i) => `text ${i}`.padEnd(40, '.'))
    for await (const event of decodeEvents(lane.score(embedRequest(many))))
      if (event.type === 'embedding') break
    await vi.waitFor(() => expect(lane.health().running).toBe(0))
    expect(models[0].rowsRun).toBeLessThan(300)
  })

  test('are an error where the platform stops them', async () => {
    let steps = 0
    const { lane, models } = poolingLane('mean', {
      onForward: () => void (++steps === 4 && (models[0].signal.value = 24)),
    })
    expect((await events(lane, embedRequest(TEXTS))).at(-1)).toMatchObject({
      code: 'overloaded',
      message: expect.stringContaining('send fewer texts at once') as string,
    })
  })
})

describe('what is refused', () => {
  test('any text, of a model that declares no pooling', async () => {
    const { lane, models } = poolingLane(undefined)
    const [error] = (await events(lane, embedRequest(['Hi']))).filter(({ type }) => type === 'error')
    expect(error).toMatchObject({ code: 'unsupported_value', param: 'model' })
    expect((error as { message: string }).message).toContain('islet pack --pooling mean')
    expect(models.map(({ rowsRun }) => rowsRun)).not.toContain(1)
  })

  test('a text that is too long, too many tokens, and another model', async () => {
    const { lane } = poolingLane('mean')
    const last = async (asked: EmbedRequest) => (await events(lane, asked)).at(-1)
    expect(await last(embedRequest(['x'.repeat(600)]))).toMatchObject({ code: 'context_length_exceeded' })
    const many = Array.from({ length: 60 }, () => 'x'.repeat(300))
    expect(await last(embedRequest(many))).toMatchObject({ code: 'invalid_request', param: 'prompt' })
    expect(await last(embedRequest(['a'], { model: 'gpt' }))).toMatchObject({ code: 'model_not_found' })
  })
})

test('on the embedded model, vectors are those of its states, in one step or many, and logits stay what they are', async () => {
  const source = fileSource(TINY_FOLDER)
  const text = await readModelText(source)
  const { manifest, tokenizer } = text
  const load = () =>
    loadModel(manifest, source, { window: { window: 256, sinks: 4 }, chunk: 16, kernels: nodeKernels() })
  const parts = {
    isolate: new Isolate(),
    readText: () =>
      Promise.resolve({ tokenizer, manifest: { ...manifest, embedding: { pooling: 'mean' as const } } }),
    readModel: load,
  }
  const { lane } = mockLane({ config: { model: 'tiny', chunk: 16 }, parts })
  const words = ['The keeper climbs the steps.', 'A storm comes from the sea.']
  const { vectors } = await embedded(lane, embedRequest(words, { model: 'tiny' }))
  const model = await load()
  for (const [i, each] of words.entries()) {
    const ids = tokenizer.encode(each)
    const pages = Array.from({ length: Math.ceil(ids.length / 16) }, (_, page) => page)
    const rows = ids.map((id, position) => ({ id, position, pages, yields: 'hidden' as const }))
    const pool = new Pool('mean', manifest.spec.hidden)
    const outputs = model.run(rows)
    rows.forEach((_, position) => pool.add(outputs.hidden(position), position))
    expect(vectors[i]).toBe(base64Of(pool.vector()))
  }
})
