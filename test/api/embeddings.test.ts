// Embeddings and rerank as real clients ask for them: numbers and base64, refusals that say what to do.

import { describe, expect, it } from 'vitest'
import { base64Of } from '../../src/answer/pool.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { EmbedRequest } from '../../src/protocol/scores.ts'
import { clientOver, fakeLanes, MODEL, post } from './helpers.ts'

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
