// Two models behind one app, over a real lane each: which of them answers, by name, alias, session or conversation.

import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/api/app.ts'
import { insideApp } from '../../src/binding/inside.ts'
import { Binding } from '../../src/binding/binding.ts'
import type { ApiDeps } from '../../src/api/context.ts'
import { createLanes } from '../../src/routing/client.ts'
import { manyModels, tagOf, type RoutedModel } from '../../src/routing/many-models.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { laneStub } from '../helpers/lane-stub.ts'
import { mockLane, mockManifest } from '../helpers/mock-lane.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { ORIGIN } from './helpers.ts'

const manifest = { ...mockManifest(), spec: { ...MOCK_SPEC, context: 4096 } }

function routed(model: string): RoutedModel {
  const { lane } = mockLane({
    model: { pageCount: 400 },
    config: { model, maxPrompt: 2000 },
    parts: {
      readText: () => Promise.resolve({ manifest: { ...manifest, id: model }, tokenizer: byteTokenizer() }),
    },
  })
  const tag = tagOf(model)
  const lanes = createLanes(() => laneStub(() => lane), {
    ...{ lanes: 1, regions: [], region: undefined, model, tag },
    aliases: [`my-${model}`],
    log: () => undefined,
  })
  return { model, tag, lanes }
}

function server() {
  const lanes = manyModels([routed('first'), routed('second')])
  let ids = 0
  const deps: ApiDeps = {
    lanes: () => lanes,
    config: { apiKeys: undefined },
    now: () => Date.now(),
    newId: () => `id${++ids}`,
    newSeed: () => 1,
    log: () => undefined,
  }
  const app = createApp(deps)
  const client = new OpenAI({
    apiKey: 'any',
    baseURL: `${ORIGIN}/v1`,
    maxRetries: 0,
    fetch: async (url, init) => app.fetch(new Request(url as string, init)),
  })
  const headers = { authorization: 'Bearer any' }
  const post = async (path: string, body: object) => {
    const response = await app.request(ORIGIN + path, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const get = async (path: string) =>
    (await (await app.request(ORIGIN + path, { headers })).json()) as Record<string, unknown>
  return { client, post, get, binding: new Binding(insideApp(deps)) }
}

const LIMIT = { max_output_tokens: 4, temperature: 0 }
const tagIn = (id: string): string => /m[0-9a-f]{6}-/.exec(id)?.[0] ?? ''
const SECOND = tagOf('second')

describe('the model', () => {
  it('that a request names answers, by its id or an alias', async () => {
    const { client } = server()
    const listed = await client.models.list()
    expect(listed.data.map(({ id }) => id)).toEqual(['first', 'second'])
    for (const [model, id] of [['SECOND', 'second'], ['my-second', 'second'], ['first', 'first']]) {
      const messages = [{ role: 'user' as const, content: 'Hi' }]
      const reply = await client.chat.completions.create({ model, messages, max_tokens: 3 })
      expect(reply.model).toBe(id)
    } // prettier-ignore
  })

  it('that is not there is a 404 that lists those that are, in every dialect', async () => {
    const { post } = server()
    const messages = [{ role: 'user', content: 'Hi' }]
    for (const [path, body] of [
      ['/v1/chat/completions', { messages }],
      ['/v1/completions', { prompt: 'Hi' }],
      ['/v1/responses', { input: 'Hi' }],
      ['/v1/messages', { messages, max_tokens: 3 }],
      ['/v1/embeddings', { input: 'Hi' }],
      ['/v1/conversations', {}],
      ['/v1/decisions', { input: 'Hi', questions: [{ type: 'predicate', instructions: 'It is.' }] }],
      ['/api/chat', { messages }],
      ['/tokenize', { content: 'Hi' }],
    ] as const) {
      const { status, body: said } = await post(path, { ...body, model: 'third' })
      expect([path, status]).toEqual([path, 404])
      expect(JSON.stringify(said)).toContain('there is: first, second')
    }
  })

  it('is the first one where none is named', async () => {
    const { post } = server()
    expect((await post('/v1/responses', { input: 'Hi', ...LIMIT })).body['model']).toBe('first')
  })

  it('is told apart by lists, health, metrics and the binding', async () => {
    const { get, binding, post } = server()
    expect(await get('/health')).toMatchObject({ models: [{ model: 'first' }, { model: 'second' }] })
    await post('/v1/responses', { model: 'second', input: 'Hi', ...LIMIT })
    const tags = (await get('/api/tags')) as { models: { name: string }[] }
    expect(tags.models.map(({ name }) => name)).toEqual(['first', 'second'])
    expect((await binding.models()).map(({ id }) => id)).toEqual(['first', 'second'])
    for (const model of ['first', 'second'])
      expect(await binding.run(model, { prompt: 'Hi', max_tokens: 3 })).toMatchObject({ model })
    await expect(binding.run('third', { prompt: 'Hi' })).rejects.toThrow(/^5007: .*first, second/)
  })
})

describe('a response', () => {
  it('is read and goes on by its id, with its model where none is named', async () => {
    const { client } = server()
    const asked = await client.responses.create({ model: 'second', input: 'Hi', ...LIMIT })
    expect(tagIn(asked.id)).toBe(SECOND)
    expect(await client.responses.retrieve(asked.id)).toMatchObject({ id: asked.id, model: 'second' })
    const next = { input: 'More', previous_response_id: asked.id, ...LIMIT }
    const gone = await client.responses.create(next)
    expect([gone.model, tagIn(gone.id)]).toEqual(['second', SECOND])
    const { session } = (gone as unknown as { islet: { session: string } }).islet
    expect(asked.id).toContain(session.slice('sess_'.length))
    const counted = (model?: string) =>
      client.post('/responses/input_tokens', {
        body: { input: 'More', previous_response_id: asked.id, model },
      })
    expect(await counted()).toEqual(await counted('second'))
    await client.responses.delete(asked.id)
    await expect(client.responses.retrieve(asked.id)).rejects.toMatchObject({ status: 404 })
  })

  it('is read by another model as text, which answers in a session of its own', async () => {
    const { client } = server()
    const asked = await client.responses.create({ model: 'second', input: 'Say yes', ...LIMIT })
    const other = await client.responses.create({
      ...{ model: 'first', input: 'More', previous_response_id: asked.id },
      ...LIMIT,
    })
    expect([other.model, tagIn(other.id)]).toEqual(['first', tagOf('first')])
    const items = await client.responses.inputItems.list(other.id, { order: 'asc' })
    expect(JSON.stringify(items.data)).toMatch(/Say yes.*More/)
    expect(await client.responses.retrieve(asked.id)).toMatchObject({ model: 'second' })
  })
})

describe('a conversation', () => {
  it('stays with the model that it is begun with', async () => {
    const { client, post } = server()
    const { body } = await post('/v1/conversations', { model: 'second' })
    const id = String(body['id'])
    expect(tagIn(id)).toBe(SECOND)
    const reply = await client.responses.create({ input: 'Hi', conversation: id, ...LIMIT })
    expect(reply.model).toBe('second')
    await client.conversations.items.create(id, { items: [{ role: 'user', content: 'Note' }] })
    await client.conversations.update(id, { metadata: { a: 'b' } })
    expect((await client.conversations.items.list(id)).data).toHaveLength(3)
    const other = { model: 'first', input: 'Hi', conversation: id, ...LIMIT }
    await expect(client.responses.create(other)).rejects.toMatchObject({ status: 400, param: 'model' })
    await client.conversations.delete(id)
    await expect(client.conversations.retrieve(id)).rejects.toMatchObject({ status: 404 })
  })

  it('without a model is one of the first', async () => {
    const { client } = server()
    expect(tagIn((await client.conversations.create()).id)).toBe(tagOf('first'))
  })
})

describe('sessions', () => {
  it('of both are one list; each is shown, forked and deleted by its id', async () => {
    const { post, get, client } = server()
    for (const model of ['first', 'second']) await post('/v1/responses', { model, input: 'Hi', ...LIMIT })
    const { data } = (await get('/v1/sessions')) as { data: { id: string; model: string }[] }
    expect(data.map(({ model }) => model).sort()).toEqual(['first', 'second'])
    for (const { id, model } of data) {
      expect(await get(`/v1/sessions/${id}`)).toMatchObject({ id, model })
      const { status, body } = await post(`/v1/sessions/${id}/fork`, {})
      expect([status, body['model'], tagIn(String(body['id']))]).toEqual([201, model, tagIn(id)])
    }
    expect(await client.delete('/sessions')).toMatchObject({ deleted: 4 })
  })

  it('of one key are one for each model, and the id of one is none of another', async () => {
    const { post } = server()
    const ask = (body: object) => post('/v1/completions', { prompt: 'Hi', max_tokens: 3, ...body })
    const sessionOf = ({ body }: { body: Record<string, unknown> }) =>
      (body['islet'] as { session: string }).session
    const [one, two] = [
      sessionOf(await ask({ model: 'first', prompt_cache_key: 'k' })),
      sessionOf(await ask({ model: 'second', prompt_cache_key: 'k' })),
    ]
    expect([tagIn(one), tagIn(two)]).toEqual([tagOf('first'), SECOND])
    expect(sessionOf(await ask({ prompt_cache_key: two }))).toBe(two)
    expect((await ask({ model: 'first', prompt_cache_key: two })).body).toMatchObject({
      error: { param: 'model', message: expect.stringContaining('of the model second') as string },
    })
  })
})
