// Embeddings and rerank as real clients ask for them: numbers and base64, refusals that say what to do.

import { describe, expect, it } from 'vitest'
import { base64Of } from '../../src/answer/pool.ts'
import { createApp } from '../../src/api/app.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { EmbedRequest } from '../../src/protocol/scores.ts'
import { clientOver, fakeLanes, MODEL, ORIGIN, post } from './helpers.ts'

/** A vector of length 1 for each text, by how often it has an `a`, and how long it is. */
function vectorOf(text: string): Float32Array {
  const [x, y] = [text.split('a').length - 1, text.length]
  const length = Math.hypot(x, y)
  return Float32Array.of(x / length, y / length)
}

function embeddingLanes(before: GenerationEvent[] = []) {
  const requests: EmbedRequest[] = []
  const fake = fakeLanes([], {
    async *score(asked): AsyncGenerator<GenerationEvent> {
      const request = asked as EmbedRequest
      requests.push(request)
      yield* before
      // In any order, and one twice: another lane was asked again.
      for (const index of [0, ...request.texts.keys()].toReversed())
        yield { type: 'embedding', index, vector: base64Of(vectorOf(request.texts[index])) }
      yield {
        type: 'scores',
        logprobs: [],
        promptTokens: 7,
        cachedTokens: 2,
        window: { window: 1024, sinks: 4, outOfSight: 0 },
      }
    },
  })
  return { fake, requests }
}

describe('embeddings', () => {
  it('of one text and of several come as numbers and as base64, which the client asks for by itself', async () => {
    const { fake, requests } = embeddingLanes()
    const { client } = clientOver(fake)
    const texts = ['a lamp', 'the sea', 'aa']
    for (const encoding of [undefined, 'float', 'base64'] as const) {
      const reply = await client.embeddings.create({
        model: MODEL,
        input: texts,
        ...(encoding && { encoding_format: encoding }),
      })
      expect(reply).toMatchObject({ object: 'list', model: MODEL })
      expect(reply.usage).toEqual({ prompt_tokens: 7, total_tokens: 7 })
      expect(reply.data.map(({ index }) => index)).toEqual([0, 1, 2])
      const expected = texts.map((text) =>
        encoding === 'base64' ? base64Of(vectorOf(text)) : [...vectorOf(text)],
      )
      expect(reply.data.map(({ embedding }) => embedding)).toEqual(expected)
    }
    await client.embeddings.create({ model: MODEL, input: 'one', encoding_format: 'float' })
    expect(requests.map((request) => request.texts)).toEqual([texts, texts, texts, ['one']])
  })

  it('say what was reused and out of sight', async () => {
    const response = await post(embeddingLanes().fake, '/v1/embeddings', { model: MODEL, input: 'a' })
    expect(await response.json()).toMatchObject({
      data: [{ object: 'embedding', index: 0 }],
      islet: { cached_tokens: 2, window: 1024, sinks: 4, out_of_sight: 0 },
    })
  })

  it.each([
    [{ input: [1, 2, 3] }, 'input', 'unsupported_value', 'check_embedding_ctx_length=False'],
    [{ input: [[1, 2], [3]] }, 'input', 'unsupported_value', 'check_embedding_ctx_length=False'],
    [{ input: 'a', dimensions: 64 }, 'dimensions', 'unsupported_parameter', 'is not supported'],
    [{ input: '' }, 'input', 'invalid_request', 'none empty'],
    [{ input: [] }, 'input', 'invalid_request', 'none empty'],
    [{ input: ['a', ''] }, 'input[1]', 'invalid_request', 'none empty'],
    [{ input: ['a', 5] }, 'input[1]', 'invalid_request', 'none empty'],
    [{ input: 'a', encoding_format: 'int8' }, 'encoding_format', 'invalid_request', 'base64'],
    [{}, 'input', 'invalid_request', 'input'],
    [{ input: 'a', stream: true }, 'stream', 'unknown_parameter', 'stream'],
  ])('%j are refused', async (body, param, code, words) => {
    const { fake, requests } = embeddingLanes()
    const response = await post(fake, '/v1/embeddings', { model: MODEL, ...body })
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { param: string; code: string; message: string } }
    expect(error).toMatchObject({ param, code })
    expect(error.message).toContain(words)
    expect(requests).toEqual([])
  })

  it('a text too many is refused', async () => {
    const body = { model: MODEL, input: Array.from({ length: 1025 }, () => 'a') }
    const response = await post(embeddingLanes().fake, '/v1/embeddings', body)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('at most 1024 texts')
  })

  it("a lane's refusal names the field of the body", async () => {
    const refusal = (param: string): GenerationEvent[] => [
      { type: 'error', code: 'context_length_exceeded', message: 'too long', param },
    ]
    const ask = async (path: string, body: object, param: string) => {
      const response = await post(embeddingLanes(refusal(param)).fake, path, { model: MODEL, ...body })
      expect(response.status).toBe(400)
      return ((await response.json()) as { error: { param: string } }).error.param
    }
    expect(await ask('/v1/embeddings', { input: 'a' }, 'prompt')).toBe('input')
    expect(await ask('/v1/embeddings', { input: 'a' }, 'model')).toBe('model')
    expect(await ask('/v1/rerank', { query: 'a', documents: ['b'] }, 'prompt')).toBe('documents')
  })
})

describe("Ollama's embeddings", () => {
  const ask = async (path: string, body: object, made = embeddingLanes()) => {
    const response = await post(made.fake, path, { model: MODEL, ...body })
    const reply = (await response.json()) as Record<string, unknown> & { error: string }
    return { status: response.status, reply, requests: made.requests }
  }

  it('of one text and of several are lists of numbers, with counts and durations', async () => {
    for (const input of [['a lamp', 'the sea'], 'aa']) {
      const { reply, requests } = await ask('/api/embed', { input, truncate: false })
      const texts = [input].flat()
      expect(requests[0].texts).toEqual(texts)
      expect(reply).toEqual({
        model: MODEL,
        embeddings: texts.map((each) => [...vectorOf(each)]),
        total_duration: 0,
        load_duration: 0,
        prompt_eval_count: 7,
        islet: { cached_tokens: 2, window: 1024, sinks: 4, out_of_sight: 0 },
      })
    }
  })

  it('say in nanoseconds how long they took, and how long the model was loaded', async () => {
    let now = 1_000_000
    const made = embeddingLanes([
      { type: 'progress', state: 'loading', done: 1, total: 2 },
      { type: 'progress', state: 'prefill', done: 1, total: 2 },
    ])
    const score: typeof made.fake.lanes.score = async function* (request) {
      for await (const event of made.fake.lanes.score(request)) {
        now += event.type === 'progress' ? 20 : 0.5
        yield event
      }
    }
    const app = createApp({
      lanes: () => ({ ...made.fake.lanes, score }),
      config: { apiKeys: undefined },
      now: () => now,
      newId: () => 'id',
      newSeed: () => 0,
    })
    const body = JSON.stringify({ model: MODEL, input: 'a' })
    const headers = { 'content-type': 'application/json' }
    const response = await app.request(`${ORIGIN}/api/embed`, { method: 'POST', headers, body })
    // Two events of a vector, which another lane made again, and the scores.
    expect(await response.json()).toMatchObject({ total_duration: 41.5e6, load_duration: 20e6 })
  })

  it('name what was asked for without effect', async () => {
    const options = { num_ctx: 512, temperature: 0 }
    const { reply } = await ask('/api/embed', { input: 'a', truncate: true, options, keep_alive: '5m' })
    expect(reply).toMatchObject({
      islet: { ignored: ['truncate', 'options.temperature', 'options.num_ctx', 'keep_alive'] },
    })
  })

  it('have an older form of one text', async () => {
    const { reply, requests } = await ask('/api/embeddings', { prompt: 'a lamp', keep_alive: 0 })
    expect(requests[0].texts).toEqual(['a lamp'])
    expect(reply).toEqual({ embedding: [...vectorOf('a lamp')] })
  })

  it.each([
    ['/api/embed', { input: [] }, 'none empty'],
    ['/api/embed', { input: 'a', dimensions: 5 }, 'dimensions'],
    ['/api/embed', { input: 'a', options: { bogus: 1 } }, 'options'],
    ['/api/embed', {}, 'input'],
    ['/api/embed', { prompt: 'a' }, 'prompt'],
    ['/api/embeddings', {}, 'prompt'],
    ['/api/embeddings', { input: 'a' }, 'input'],
    ['/api/embeddings', { prompt: ['a'] }, 'prompt'],
  ])('%s refuses %j', async (path, body, words) => {
    const { status, reply, requests } = await ask(path, body)
    expect([status, requests]).toEqual([400, []])
    expect(reply.error).toContain(words)
  })

  it.each([
    ['/api/embed', { input: 'a' }],
    ['/api/embeddings', { prompt: 'a' }],
  ])("%s has a lane's refusal as one text", async (path, body) => {
    const refusal = { type: 'error', code: 'unsupported_value', message: 'declares no pooling' } as const
    const { status, reply } = await ask(path, body, embeddingLanes([refusal]))
    expect([status, reply]).toEqual([400, { error: 'declares no pooling' }])
  })
})

describe('rerank', () => {
  const documents = ['bbbb', { text: 'aaaa' }, 'abab', 'aaaa', 'a sail']
  const rerank = async (body: object) => {
    const { fake, requests } = embeddingLanes()
    const response = await post(fake, '/v1/rerank', { model: MODEL, query: 'aaa', documents, ...body })
    expect(response.status).toBe(200)
    type Reply = { results: { index: number; relevance_score: number; document?: { text: string } }[] }
    return { reply: (await response.json()) as Reply, requests }
  }

  it('sorts by likeness, likest first, and equal ones as they came', async () => {
    const { reply, requests } = await rerank({})
    expect(requests[0].texts).toEqual(['aaa', 'bbbb', 'aaaa', 'abab', 'aaaa', 'a sail'])
    expect(reply).toMatchObject({
      object: 'list',
      model: MODEL,
      usage: { prompt_tokens: 7, total_tokens: 7 },
    })
    expect(reply.results.map(({ index }) => index)).toEqual([1, 3, 2, 4, 0])
    expect(reply.results[0].relevance_score).toBeCloseTo(1, 6)
    expect(reply.results[4].relevance_score).toBeCloseTo(Math.SQRT1_2, 6)
    expect(reply.results[0]).not.toHaveProperty('document')
  })

  it('gives as many as are asked for, with their texts if they are', async () => {
    const { reply } = await rerank({ top_n: 2, return_documents: true })
    expect(reply.results.map(({ index, document }) => [index, document])).toEqual([
      [1, { text: 'aaaa' }],
      [3, { text: 'aaaa' }],
    ])
    expect((await rerank({ top_n: 50 })).reply.results).toHaveLength(5)
  })

  it.each([
    [{ documents: [] }, 'documents'],
    [{ query: '' }, 'query'],
    [{ top_n: 0 }, 'top_n'],
    [{ documents: [{ title: 'a' }] }, 'documents[0].text'],
  ])('%j is refused', async (body, param) => {
    const response = await post(embeddingLanes().fake, '/v1/rerank', {
      model: MODEL,
      query: 'a',
      documents: ['b'],
      ...body,
    })
    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: { param: string } }).error.param).toBe(param)
  })
})
