// /tokenize, /detokenize, /apply-template and input_tokens: what a lane is asked, what is answered, and what is refused.

import { describe, expect, it } from 'vitest'
import { hashText } from '../../src/api/http/hash-text.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { TurnView } from '../../src/protocol/lane-reports.ts'
import type { TokenRequest } from '../../src/protocol/tokens.ts'
import { appOver, clientOver, fakeLanes, MODEL, ORIGIN, post, TURN } from './helpers.ts'

/** Lanes that answer every task with these events; `requests` are those that they were asked. */
function tokenLanes(events: GenerationEvent[], extra = {}) {
  const requests: TokenRequest[] = []
  const fake = fakeLanes([], {
    async *tokens(request): AsyncGenerator<GenerationEvent> {
      requests.push(request)
      yield* events
    },
    ...extra,
  })
  return { fake, requests }
}

const said = (fields: object): GenerationEvent => ({ type: 'tokens', ...fields, last: true })
const bodyOf = async (response: Promise<Response>): Promise<{ status: number; body: unknown }> => {
  const { status } = await response
  return { status, body: await (await response).json() }
}
const errorOf = async (response: Promise<Response>) =>
  ((await (await response).json()) as { error: Record<string, unknown> }).error

describe('/tokenize', () => {
  it('gives ids, in pieces as they come', async () => {
    const { fake, requests } = tokenLanes([{ type: 'tokens', ids: [5, 6] }, said({ ids: [7], text: '' })])
    const asked = bodyOf(post(fake, '/tokenize', { content: 'Hi' }))
    expect(await asked).toEqual({ status: 200, body: { tokens: [5, 6, 7] } })
    const task = { kind: 'encode', text: 'Hi', bos: false, names: true, pieces: false }
    expect(requests).toMatchObject([{ tenant: 'anonymous', model: MODEL, task }])
  })

  it('gives what each prints, with the words of llama-server', async () => {
    const events = [
      { type: 'tokens' as const, ids: [5], pieces: ['H'] },
      said({ ids: [6], pieces: [[240, 159]] }),
    ]
    const { fake, requests } = tokenLanes(events)
    const body = { content: 'H🌍', add_special: true, parse_special: false, with_pieces: true, model: MODEL }
    expect((await bodyOf(post(fake, '/tokenize', body))).body).toEqual({
      tokens: [
        { id: 5, piece: 'H' },
        { id: 6, piece: [240, 159] },
      ],
    })
    expect(requests[0].task).toEqual({ kind: 'encode', text: 'H🌍', bos: true, names: false, pieces: true })
  })

  it('questions of one tenant share a session key, and no other does', async () => {
    const { fake, requests } = tokenLanes([said({ ids: [] })])
    for (const [content, key] of [
      ['a', 'x'],
      ['b', 'x'],
      ['a', 'y'],
    ])
      // prettier-ignore
      await post(fake, '/tokenize', { content }, { authorization: `Bearer ${key}` })
    const keys = requests.map(({ sessionKey }) => sessionKey)
    expect(keys[0]).toBe(keys[1])
    expect(keys[2]).not.toBe(keys[0])
    expect(requests[2].tenant).toBe(await hashText('y'))
  })

  it.each([
    ['/tokenize', {}, 'content'],
    ['/tokenize', { content: 5 }, 'content'],
    ['/tokenize', { content: 'a', with_piece: true }, 'with_piece'],
    ['/detokenize', { tokens: [1, -1] }, 'tokens[1]'],
    ['/detokenize', { tokens: [1.5] }, 'tokens[0]'],
    ['/detokenize', { content: 'a' }, 'content'],
    ['/apply-template', { messages: [] }, 'messages'],
    ['/apply-template', { messages: [{ role: 'user', content: 'a' }], temprature: 1 }, 'temprature'],
    ['/v1/responses/input_tokens', { input: 5 }, 'input'],
    ['/v1/responses/input_tokens', { input: 'a', model: 'other' }, 'model'],
    ['/v1/responses/input_tokens', { input: 'a', model: 5 }, 'model'],
  ])('%s refuses %j by name', async (path, body, param) => {
    const { fake, requests } = tokenLanes([said({})])
    expect(await errorOf(post(fake, path, body))).toMatchObject({ param })
    expect(requests).toEqual([])
  })

  it('an error of the lane has its status and names the field', async () => {
    const code = 'context_length_exceeded'
    const { fake } = tokenLanes([{ type: 'error', code, message: 'too long', param: 'content' }])
    const response = post(fake, '/tokenize', { content: 'a' })
    expect((await response).status).toBe(400)
    expect(await errorOf(response)).toMatchObject({ code, param: 'content' })
  })

  it('that ends before it is whole is no answer', async () => {
    const { fake } = tokenLanes([{ type: 'tokens', ids: [5] }])
    expect((await post(fake, '/tokenize', { content: 'a' })).status).toBe(500)
  })

  it('needs a key where keys are configured, at each of these paths', async () => {
    const { fake, requests } = tokenLanes([said({ ids: [1], text: 'a', count: 1 })])
    const { app } = appOver(fake, { apiKeys: await hashText('sk-one') })
    const bodies = {
      '/tokenize': { content: 'a' },
      '/detokenize': { tokens: [1] },
      '/apply-template': { messages: [{ role: 'user', content: 'a' }] },
      '/v1/responses/input_tokens': { input: 'a' },
    }
    for (const [path, body] of Object.entries(bodies)) {
      const ask = (headers: Record<string, string>) =>
        app.request(ORIGIN + path, { method: 'POST', body: JSON.stringify(body), headers })
      expect((await ask({})).status, path).toBe(401)
      expect((await ask({ authorization: 'Bearer sk-one' })).status, path).toBe(200)
    }
    expect(requests).toHaveLength(4)
  })
})

describe('/detokenize and /apply-template', () => {
  it('give the text', async () => {
    const { fake, requests } = tokenLanes([{ type: 'tokens', text: 'Hel' }, said({ text: 'lo' })])
    expect((await bodyOf(post(fake, '/detokenize', { tokens: [1, 2] }))).body).toEqual({ content: 'Hello' })
    expect(requests[0].task).toEqual({ kind: 'decode', ids: [1, 2] })
  })

  it('a chat goes to the template as a chat request would, tools and variables too', async () => {
    const { fake, requests } = tokenLanes([said({ text: '<user>a' })])
    const tool = { type: 'function', function: { name: 'now', parameters: {} } }
    const messages = [{ role: 'developer', content: 'a' }]
    const body = { messages, tools: [tool], chat_template_kwargs: { enable_thinking: false } }
    expect((await bodyOf(post(fake, '/apply-template', body))).body).toEqual({ prompt: '<user>a' })
    const prompt = { kind: 'chat', messages: [{ role: 'system', content: 'a' }], tools: [tool], variables: { enable_thinking: false } } // prettier-ignore
    expect(requests[0].task).toEqual({ kind: 'render', prompt, opening: true })
    await post(fake, '/apply-template', { ...body, tool_choice: 'none', add_generation_prompt: false })
    const { tools: _, ...untold } = prompt
    expect(requests[1].task).toEqual({ kind: 'render', prompt: untold, opening: false })
  })
})

describe('input_tokens', () => {
  const view: TurnView = {
    session: 'sess_1_abc',
    turn: TURN,
    reply: null,
    state: 'done',
    createdAt: 0,
    conversation: [{ role: 'user', content: 'first' }],
    events: [{ type: 'text', text: 'answer', ids: [1] }],
  }

  it('counts what a response would be given, as the real client asks', async () => {
    const { fake, requests } = tokenLanes([said({ count: 42 })], { turn: async () => view })
    const { client } = clientOver(fake)
    const counted = await client.responses.inputTokens.count({
      model: MODEL,
      input: 'next',
      instructions: 'be brief',
      previous_response_id: `resp_${TURN}`,
      truncation: 'auto',
    })
    expect(counted).toMatchObject({ object: 'response.input_tokens', input_tokens: 42 })
    const messages = [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'answer' },
      { role: 'user', content: 'next' },
    ]
    expect(requests[0]).toMatchObject({
      places: { prompt: 'input' },
      task: { kind: 'count', prompt: { messages } },
    })
  })

  it('of a message is its prompt alone, with errors in its own shape', async () => {
    const { fake, requests } = tokenLanes([said({ count: 17 })])
    const tools = [{ name: 'now', input_schema: { type: 'object' } }]
    const asked = { model: MODEL, system: 'S', messages: [{ role: 'user', content: 'Hi' }], tools }
    expect((await bodyOf(post(fake, '/v1/messages/count_tokens', asked))).body).toEqual({ input_tokens: 17 })
    const messages = [{ role: 'system', content: 'S' }, { role: 'user', content: 'Hi' }] // prettier-ignore
    expect(requests[0].task).toMatchObject({
      kind: 'count',
      prompt: { messages, tools: [{ type: 'function' }] },
    })
    const refused = await bodyOf(post(fake, '/v1/messages/count_tokens', { ...asked, max_tokens: 5 }))
    expect(refused).toMatchObject({
      status: 400,
      body: { type: 'error', error: { type: 'invalid_request_error' } },
    })
  })

  it('of a response that is not kept is a 404', async () => {
    const { fake } = tokenLanes([said({ count: 42 })])
    const body = { input: 'a', previous_response_id: `resp_${TURN}` }
    const response = post(fake, '/v1/responses/input_tokens', body)
    expect((await response).status).toBe(404)
    expect(await errorOf(response)).toMatchObject({ param: 'previous_response_id' })
  })
})
