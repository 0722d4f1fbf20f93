// Conversations as openai for Node asks for them, over a real lane: items, responses in them, conflicts, and what survives.

import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/api/app.ts'
import type { LaneConfig } from '../../src/lane/lane.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { plainWritten } from '../../src/protocol/written.ts'
import { createLanes } from '../../src/routing/client.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { laneStub } from '../helpers/lane-stub.ts'
import { laneOn, laneStorage, mockManifest } from '../helpers/mock-lane.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { gather, ORIGIN } from './helpers.ts'

const manifest = { ...mockManifest(), spec: { ...MOCK_SPEC, context: 4096 } }

/** A server over one lane; `restart` puts a new object on the same storage, as after a kill. */
function server(config: Partial<LaneConfig> = {}) {
  const kept = laneStorage()
  const options = {
    model: { pageCount: 400 },
    config: { maxPrompt: 2000, ...config },
    parts: { readText: () => Promise.resolve({ manifest, tokenizer: byteTokenizer() }) },
  }
  let lane = laneOn(kept, options).lane
  const asked: GenerateRequest[] = []
  const stub = laneStub(() => lane)
  const spied = {
    ...stub,
    generate: (request: GenerateRequest, name: string) => (asked.push(request), stub.generate(request, name)),
  }
  const lanes = createLanes(() => spied, {
    lanes: 1,
    regions: [],
    region: undefined,
    model: 'mock',
    log: () => undefined,
  })
  let ids = 0
  const app = createApp({
    lanes: () => lanes,
    config: { apiKeys: undefined },
    now: () => Date.now(),
    newId: () => `id${++ids}`,
    newSeed: () => 1,
    log: () => undefined,
  })
  const clientOf = (apiKey: string) =>
    new OpenAI({
      apiKey,
      baseURL: `${ORIGIN}/v1`,
      maxRetries: 0,
      fetch: async (url, init) => app.fetch(new Request(url as string, init)),
    })
  return {
    app,
    asked,
    clientOf,
    client: clientOf('any'),
    sql: kept.sql,
    lane: () => lane,
    restart: () => void (lane = laneOn(kept, options).lane),
    /** What the last request told the model. */
    told: () => {
      const prompt = asked.at(-1)?.prompt
      if (prompt?.kind !== 'chat') throw new Error('nothing was asked')
      return prompt.messages
        .map(plainWritten)
        .map(
          ({ role, content }) =>
            `${role}: ${typeof content === 'string' ? content : JSON.stringify(content)}`,
        )
    },
  }
}

type Client = OpenAI
const say = (content: string, role: 'user' | 'assistant' | 'system' = 'user') => ({ role, content })
const ask = (conversation: unknown, input = 'Hi', more: object = {}) =>
  ({ model: 'mock', input, conversation, max_output_tokens: 5, temperature: 0, ...more }) as OpenAI.Responses.ResponseCreateParamsNonStreaming & { stream?: false } // prettier-ignore
type Item = { id: string; type: string; role?: string; content?: { type: string; text: string }[] }
const itemsOf = async (client: Client, id: string): Promise<Item[]> =>
  (await gather(client.conversations.items.list(id, { order: 'asc', limit: 2 }))) as unknown as Item[]
const wordsOf = (items: readonly Item[]) => items.map(({ role, content }) => `${role}: ${content?.[0].text}`)

describe('a conversation', () => {
  it('is made, shown, changed and deleted', async () => {
    const { client } = server()
    const made = await client.conversations.create({ metadata: { topic: 'demo' } })
    expect(made).toMatchObject({ object: 'conversation', metadata: { topic: 'demo' } })
    expect(made.id).toMatch(/^conv_0_/)
    expect(made.created_at).toBeGreaterThan(1_700_000_000)
    expect(await client.conversations.retrieve(made.id)).toMatchObject(made)
    const changed = await client.conversations.update(made.id, { metadata: { topic: 'other' } })
    expect(changed).toMatchObject({ ...made, metadata: { topic: 'other' } })
    expect(await client.conversations.retrieve(made.id)).toMatchObject(changed)
    expect(await client.conversations.delete(made.id)).toMatchObject({
      id: made.id,
      object: 'conversation.deleted',
      deleted: true,
    })
    await expect(client.conversations.retrieve(made.id)).rejects.toMatchObject({ status: 404 })
    await expect(client.conversations.delete(made.id)).rejects.toMatchObject({ status: 404 })
  })

  it('needs no body, and refuses what it does not know', async () => {
    const { client, app } = server()
    expect(await client.conversations.create()).toMatchObject({ metadata: {} })
    for (const [body, param] of [
      [{ item: [] }, 'item'],
      [{ items: [{ role: 'nobody', content: 'a' }] }, 'items[0].role'],
      [{ metadata: { a: 5 } }, 'metadata'],
    ] as const) {
      const init = { method: 'POST', body: JSON.stringify(body) }
      const response = await app.request(`${ORIGIN}/v1/conversations`, init)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { param } })
    }
  })

  it('has items, in pages of either order, each under an id that stays', async () => {
    const { client } = server()
    const { id } = await client.conversations.create({ items: [say('one'), say('two', 'assistant')] })
    const call = { type: 'function_call' as const, call_id: 'c', name: 'now', arguments: '{}' }
    const output = { type: 'function_call_output' as const, call_id: 'c', output: 'noon' }
    const added = await client.conversations.items.create(id, { items: [call, output, say('three')] })
    expect(added).toMatchObject({ object: 'list', has_more: false })
    expect(added.data.map(({ type }) => type)).toEqual(['function_call', 'function_call_output', 'message'])
    const all = await itemsOf(client, id)
    expect(all.map(({ type }) => type)).toEqual(['message', 'message', 'function_call', 'function_call_output', 'message']) // prettier-ignore
    expect(new Set(all.map((item) => item.id)).size).toBe(5)
    expect(all[0].content).toEqual([{ type: 'input_text', text: 'one' }])
    expect(all[1].content).toMatchObject([{ type: 'output_text', text: 'two' }])
    const newest = await client.conversations.items.list(id, { limit: 1 })
    expect(newest.data).toMatchObject([all[4]])
    expect(newest.has_more).toBe(true)
    const item = await client.conversations.items.retrieve(all[1].id, { conversation_id: id })
    expect(item).toMatchObject(all[1])
    const left = await client.conversations.items.delete(all[1].id, { conversation_id: id })
    expect(left).toMatchObject({ id, object: 'conversation' })
    expect(await itemsOf(client, id)).toEqual(all.filter((each) => each !== all[1]))
    const gone = client.conversations.items.retrieve(all[1].id, { conversation_id: id })
    await expect(gone).rejects.toMatchObject({ status: 404 })
  })

  it('is its tenant’s own', async () => {
    const { client, clientOf } = server()
    const { id } = await client.conversations.create({ items: [say('secret')] })
    const other = clientOf('other')
    const [{ id: item }] = await itemsOf(client, id)
    for (const attempt of [
      () => other.conversations.retrieve(id),
      () => other.conversations.update(id, { metadata: {} }),
      () => other.conversations.delete(id),
      () => other.conversations.items.list(id),
      () => other.conversations.items.create(id, { items: [say('a')] }),
      () => other.conversations.items.retrieve(item, { conversation_id: id }),
      () => other.responses.create(ask(id)),
    ])
      await expect(attempt()).rejects.toMatchObject({ status: 404 })
    expect(wordsOf(await itemsOf(client, id))).toEqual(['user: secret'])
  })
})

describe('a response in a conversation', () => {
  it('is told the items that are there, and its input and answer become items', async () => {
    const { client, told } = server()
    const { id } = await client.conversations.create({ items: [say('one'), say('two', 'assistant')] })
    const first = await client.responses.create(ask(id, 'three', { instructions: 'be brief' }))
    expect(first.conversation).toEqual({ id })
    expect(told()).toEqual(['system: be brief', 'user: one', 'assistant: two', 'user: three'])
    const items = await itemsOf(client, id)
    expect(wordsOf(items)).toEqual([
      'user: one',
      'assistant: two',
      'user: three',
      `assistant: ${first.output_text}`,
    ])
    expect(items[3].id).toBe(first.output[0].id)
    const second = await client.responses.create(ask({ id }, 'four', { instructions: 'be brief' }))
    expect(told()).toEqual(['system: be brief', ...wordsOf(items), 'user: four'])
    expect(second.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(10)
    expect((await itemsOf(client, id)).slice(0, 4)).toEqual(items)
    expect((await gather(client.responses.inputItems.list(second.id))).length).toBe(5)
  })

  it('goes on behind changes between two, and keeps when the conversation began', async () => {
    const { client, told } = server()
    const made = await client.conversations.create({ metadata: { a: '1' } })
    const first = await client.responses.create(ask(made.id, 'one'))
    await client.conversations.items.create(made.id, { items: [say('noted', 'system')] })
    await client.conversations.update(made.id, { metadata: { a: '2' } })
    const [, answer] = await itemsOf(client, made.id)
    await client.conversations.items.delete(answer.id, { conversation_id: made.id })
    await client.responses.create(ask(made.id, 'two'))
    expect(told()).toEqual(['user: one', 'system: noted', 'user: two'])
    expect(await client.conversations.retrieve(made.id)).toMatchObject({ ...made, metadata: { a: '2' } })
    expect((await client.responses.retrieve(first.id)).output_text).toBe(first.output_text)
  })

  it('streams, and is counted beforehand', async () => {
    const { client } = server()
    const { id } = await client.conversations.create({ items: [say('one')] })
    const { input_tokens } = await client.responses.inputTokens.count({ conversation: id, input: 'two' })
    const events = await gather(await client.responses.create({ ...ask(id, 'two'), stream: true }))
    const last = events.at(-1)
    if (last?.type !== 'response.completed' && last?.type !== 'response.incomplete')
      throw new Error(last?.type)
    expect(last.response.conversation).toEqual({ id })
    expect(last.response.usage?.input_tokens).toBe(input_tokens)
    expect(await itemsOf(client, id)).toHaveLength(3)
  })

  it('is refused beside another one, where nothing is kept, and in one that is not there', async () => {
    const { client } = server()
    const { id } = await client.conversations.create()
    const { id: previous } = await client.responses.create(ask(id))
    for (const [body, status] of [
      [ask(id, 'Hi', { previous_response_id: previous }), 400],
      [ask(id, 'Hi', { store: false }), 400],
      [ask('conv_0_nothing'), 404],
      [ask('conv_'), 404],
      [ask('sess_0_r1'), 404],
      [ask(previous), 404],
    ] as const)
      await expect(client.responses.create(body)).rejects.toMatchObject({ status, param: 'conversation' })
    const output = { type: 'function_call_output' as const, call_id: 'c', output: 'noon' }
    const unasked = client.responses.create({ ...ask(id), input: [output] })
    await expect(unasked).rejects.toMatchObject({ status: 400, param: 'input[0].call_id' })
  })

  it('can be gone on from by its own id, beside the conversation', async () => {
    const { client, told } = server()
    const { id } = await client.conversations.create({ items: [say('one')] })
    const first = await client.responses.create(ask(id, 'two'))
    await client.responses.create(ask(undefined, 'three', { previous_response_id: first.id }))
    expect(told()).toEqual(['user: one', 'user: two', `assistant: ${first.output_text}`, 'user: three'])
    expect(await itemsOf(client, id)).toHaveLength(3)
  })

  it('while another one is made is a conflict, and so is a change', async () => {
    const { client, lane } = server()
    const { id } = await client.conversations.create()
    const stream = await client.responses.create({
      ...ask(id, 'one', { max_output_tokens: 40 }),
      stream: true,
    })
    for await (const event of stream) {
      if (event.type !== 'response.output_text.delta') continue
      expect(lane().sessions.driven).toBe(1)
      const conflict = { status: 409, code: 'conflict' }
      await expect(client.responses.create(ask(id, 'two'))).rejects.toMatchObject(conflict)
      const added = client.conversations.items.create(id, { items: [say('a')] })
      await expect(added).rejects.toMatchObject(conflict)
      expect(await itemsOf(client, id)).toEqual([])
      break
    }
    while (lane().sessions.driven > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    // What was left in the middle is no part of it.
    await client.responses.create(ask(id, 'three'))
    expect(wordsOf(await itemsOf(client, id))[0]).toBe('user: three')
  })

  it('that was cancelled leaves the conversation as it was', async () => {
    const { client, lane } = server()
    const { id } = await client.conversations.create({ items: [say('one')] })
    const long = ask(id, 'two', { background: true, max_output_tokens: 900 })
    const begun = await client.responses.create(long)
    await expect(client.responses.create(ask(id, 'three'))).rejects.toMatchObject({ status: 409 })
    await client.responses.cancel(begun.id)
    await lane().awake()
    expect(wordsOf(await itemsOf(client, id))).toEqual(['user: one'])
    await client.responses.create(ask(id, 'three'))
    expect(await itemsOf(client, id)).toHaveLength(3)
  })

  it('that is sent again goes on with what was begun', async () => {
    const { client } = server()
    const { id } = await client.conversations.create()
    const first = await client.responses.create(ask(id, 'one'))
    const headers = { 'x-stainless-retry-count': '1' }
    const again = await client.responses.create(ask(id, 'one'), { headers })
    expect([again.id, again.output_text]).toEqual([first.id, first.output_text])
    expect(await itemsOf(client, id)).toHaveLength(2)
  })
})

describe('what is kept', () => {
  it('is there after a kill, items and responses', async () => {
    const { client, restart, told } = server()
    const { id } = await client.conversations.create({ items: [say('one')], metadata: { a: 'b' } })
    const before = await itemsOf(client, id)
    restart()
    expect(await itemsOf(client, id)).toEqual(before)
    const first = await client.responses.create(ask(id, 'two'))
    restart()
    expect(await client.conversations.retrieve(id)).toMatchObject({ metadata: { a: 'b' } })
    expect(wordsOf(await itemsOf(client, id))).toEqual([
      'user: one',
      'user: two',
      `assistant: ${first.output_text}`,
    ])
    await client.responses.create(ask(id, 'three'))
    expect(told()).toHaveLength(4)
  })

  it('is one row while nothing is answered, and goes with the conversation', async () => {
    const { client, sql } = server()
    const rows = (): unknown => sql.exec('SELECT COUNT(*) AS rows FROM turns').toArray()[0]['rows']
    const { id } = await client.conversations.create()
    for (const word of ['one', 'two', 'x'.repeat(20_000)])
      await client.conversations.items.create(id, { items: [say(word)] })
    expect(rows()).toBe(1)
    expect(wordsOf(await itemsOf(client, id))[2]).toHaveLength('user: '.length + 20_000)
    await client.responses.create(ask(id, 'now', { truncation: 'auto', max_output_tokens: 1 }))
    expect(rows()).toBe(2)
    await client.conversations.delete(id)
    expect(rows()).toBe(0)
  })

  it('counts as a session of its tenant, the oldest of which makes room', async () => {
    const { client, app } = server({ budget: { tenantBytes: 1e9, tenantSessions: 2, laneBytes: 8e9 } })
    const made: string[] = []
    for (let i = 0; i < 3; i++) {
      const attempt = async (): Promise<string> => (await client.conversations.create()).id
      made.push(await attempt().catch(attempt))
    }
    await expect(client.conversations.retrieve(made[0])).rejects.toMatchObject({ status: 404 })
    expect(await client.conversations.retrieve(made[2])).toMatchObject({ id: made[2] })
    const sessions = await app.request(`${ORIGIN}/v1/sessions`, { headers: { authorization: 'Bearer any' } })
    const { data } = (await sessions.json()) as { data: { id: string; tokens: number }[] }
    expect(data.map(({ id, tokens }) => [id.replace('sess', 'conv'), tokens])).toEqual([[made[2], 0], [made[1], 0]]) // prettier-ignore
  })

  it('is no answer before there is one, and no response by another name', async () => {
    const { client, app } = server()
    const { id } = await client.conversations.create({ items: [say('one')] })
    const headers = { authorization: 'Bearer any' }
    const session = id.replace('conv', 'sess')
    const statusOf = async (path: string, method = 'GET') =>
      (await app.request(ORIGIN + path, { method, headers })).status
    expect(await statusOf(`/v1/sessions/${session}/stream`)).toBe(404)
    expect(await statusOf(`/v1/sessions/${id}/stream`)).toBe(404)
    expect(await statusOf(`/v1/responses/resp_${id}`)).toBe(404)
    expect(await statusOf(`/v1/responses/resp_${id}`, 'DELETE')).toBe(404)
    const [{ id: item }] = await itemsOf(client, id)
    expect(item).not.toContain(session.slice('sess_'.length))
    expect(await statusOf(`/v1/sessions/${session}/fork`, 'POST')).toBe(201)
    expect(await itemsOf(client, id)).toHaveLength(1)
    await client.responses.create(ask(id))
    expect(await statusOf(`/v1/responses/resp_${id}`)).toBe(404)
  })

  it('is not touched by what only calls itself so', async () => {
    const { client } = server()
    const { id } = await client.conversations.create({ items: [say('one')] })
    const prompt_cache_key = id
    const messages = [say('one')]
    await client.chat.completions.create({ model: 'mock', messages, max_tokens: 2, prompt_cache_key })
    await client.responses.create(ask(undefined, 'one', { prompt_cache_key }))
    expect(wordsOf(await itemsOf(client, id))).toEqual(['user: one'])
  })
})
