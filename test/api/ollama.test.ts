// Ollama's dialect: what a lane is asked, lines and whole answers, errors as one text, and what is refused in words.

import { describe, expect, it } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { plainWritten } from '../../src/protocol/written.ts'
import { wholeOllama } from '../../src/api/dialects/ollama/writer.ts'
import { timed } from '../../src/api/http/timed.ts'
import { hashText } from '../../src/api/http/hash-text.ts'
import { appOver, fakeLanes, finish, HELLO, MODEL, ORIGIN, post, SESSION, start, stored, text, type Fake } from './helpers.ts' // prettier-ignore

const hi = { role: 'user', content: 'Hi' }
const chat = (more: object = {}) => ({ model: MODEL, messages: [hi], ...more })
const prompt = (more: object = {}) => ({ model: MODEL, prompt: 'Once', ...more })

type Line = Record<string, unknown> & {
  message?: { content: string; thinking?: string; tool_calls?: unknown[] }
  response?: string
  done: boolean
}

async function linesOf(fake: Fake, path: string, body: object): Promise<Line[]> {
  const response = await post(fake, path, body)
  expect(response.headers.get('content-type')).toBe('application/x-ndjson')
  const raw = await response.text()
  expect(raw.endsWith('\n')).toBe(true)
  return raw.trimEnd().split('\n').map((line) => JSON.parse(line) as Line) // prettier-ignore
}

async function whole(fake: Fake, path: string, body: object): Promise<Line> {
  const response = await post(fake, path, { ...body, stream: false })
  const answer = (await response.json()) as Line
  expect(response.status, JSON.stringify(answer)).toBe(200)
  return answer
}

async function asked(body: object, path = '/api/chat'): Promise<GenerateRequest> {
  const fake = fakeLanes()
  await whole(fake, path, body)
  return fake.requests[0]
}

const errorOf = async (path: string, body: object, fake = fakeLanes()) => {
  const response = await post(fake, path, body)
  return { status: response.status, ...((await response.json()) as { error: string }) }
}

const DURATIONS = ['total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration']

describe('an answer', () => {
  it('of a chat comes in lines, unless it shall come whole', async () => {
    const lines = await linesOf(fakeLanes(), '/api/chat', chat())
    expect(lines.map(({ message }) => message?.content).join('')).toBe('Hello 🌍')
    expect(lines.map(({ done }) => done)).toEqual(lines.map((_, at) => at === lines.length - 1))
    for (const line of lines)
      expect(line).toMatchObject({ model: MODEL, created_at: '2025-11-23T12:13:20.000Z', message: { role: 'assistant' } }) // prettier-ignore
    const last = lines.at(-1) as Line
    expect(last).toMatchObject({
      done_reason: 'stop',
      prompt_eval_count: 12,
      eval_count: 3,
      islet: { sinks: 4 },
    })
    const answer = await whole(fakeLanes(), '/api/chat', chat())
    expect(answer).toEqual({ ...last, message: { role: 'assistant', content: 'Hello 🌍' } })
  })

  it('to a prompt is a response', async () => {
    const lines = await linesOf(fakeLanes(), '/api/generate', prompt())
    expect(lines.map(({ response }) => response).join('')).toBe('Hello 🌍')
    expect(lines.at(-1)).toMatchObject({ done: true, response: '' })
    expect(await whole(fakeLanes(), '/api/generate', prompt())).toMatchObject({
      response: 'Hello 🌍',
      done: true,
    })
  })

  it('says how long it took, in nanoseconds that add up', async () => {
    let now = 1_000_000
    const events: GenerationEvent[] = [start, text('a'), text('b'), finish]
    const seen: GenerationEvent[] = []
    const source = timed(
      (async function* () {
        for (const event of events) {
          now += 7
          yield event
        }
      })(),
      () => now,
    )
    for (let next = await source.next(); next.done !== true; next = await source.next()) seen.push(next.value)
    expect(seen.at(-1)).toEqual({ ...finish, times: { all: 28, load: 7, prompt: 7 } })
    const reply = { kind: 'ollama-chat' as const, id: 'r', created: 1, model: 'm' }
    const collected = { session: undefined, start: start as never, text: 'ab', reasoning: '', calls: [], logprobs: undefined, texts: [], reason: 'stop' as const, choices: [], finish: seen.at(-1) as never } // prettier-ignore
    const answer = wholeOllama(reply, collected) as Record<string, number>
    expect(DURATIONS.map((name) => answer[name])).toEqual([28e6, 7e6, 7e6, 14e6])
  })

  it('cut by its limit has that reason; one that is read again has no durations', async () => {
    const cut = { ...finish, reason: 'length' } as GenerationEvent
    expect(await whole(fakeLanes([start, text('a'), cut]), '/api/chat', chat())).toMatchObject({ done_reason: 'length' }) // prettier-ignore
    const fake = stored()
    await post(fake, '/api/chat', chat())
    const { reply } = fake.requests[0]
    const again = fakeLanes([], {
      async *resume() {
        yield { type: 'session', session: SESSION, turn: 't', reply }
        yield* HELLO as GenerationEvent[]
      },
    })
    const response = await appOver(again).app.request(`${ORIGIN}/v1/sessions/${SESSION}/stream`)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const last = (await response.text()).trimEnd().split('\n').at(-1) ?? ''
    expect(JSON.parse(last)).toMatchObject({ done: true, total_duration: 0, eval_count: 3 })
  })

  it('has thoughts and whole calls, whose arguments are objects', async () => {
    const events: GenerationEvent[] = [
      start,
      { type: 'text', text: '', reasoning: 'hm', ids: [1] },
      { type: 'text', text: 'so', ids: [2], calls: [{ name: 'a', arguments: '{"x":' }] },
      { type: 'text', text: '', ids: [3], calls: [{ arguments: '1.0}' }, { name: 'b', arguments: '{}' }] },
      { ...finish, reason: 'tool_calls' } as GenerationEvent,
    ]
    const raw = await (await post(fakeLanes(events), '/api/chat', chat())).text()
    expect(raw).toContain('"arguments":{"x":1.0}')
    const lines = raw.trimEnd().split('\n').map((line) => JSON.parse(line) as Line) // prettier-ignore
    expect(lines.flatMap(({ message }) => message?.thinking ?? [])).toEqual(['hm'])
    const calls = lines.flatMap(({ message }) => message?.tool_calls ?? [])
    expect(calls).toEqual([
      { id: 'call_id1_0', function: { index: 0, name: 'a', arguments: { x: 1 } } },
      { id: 'call_id1_1', function: { index: 1, name: 'b', arguments: {} } },
    ])
    expect(lines.at(-1)).toMatchObject({ done_reason: 'stop' })
    const answer = await whole(fakeLanes(events), '/api/chat', chat())
    expect(answer.message).toMatchObject({ content: 'so', thinking: 'hm', tool_calls: calls })
  })

  it('has log probabilities where they are asked for', async () => {
    const token = { token: 'a', logprob: -1, bytes: [97], top: [{ token: 'b', logprob: -2, bytes: [98] }] }
    const events: GenerationEvent[] = [
      start,
      { type: 'text', text: 'a', ids: [1], logprobs: [token] },
      finish,
    ]
    const body = chat({ logprobs: true, top_logprobs: 1 })
    const [line] = (await linesOf(fakeLanes(events), '/api/chat', body)).filter(({ logprobs }) => logprobs)
    expect(line.logprobs).toEqual([{ token: 'a', logprob: -1, bytes: [97], top_logprobs: token.top }])
    expect((await asked(body)).topLogprobs).toBe(1)
    expect((await asked(prompt({ logprobs: true }), '/api/generate')).topLogprobs).toBe(0)
  })
})

describe('what a lane is asked', () => {
  it('is what options say, in plain fields', async () => {
    const options = {
      temperature: 0.3,
      top_k: 7,
      top_p: 0.8,
      min_p: 0.1,
      repeat_penalty: 1.2,
      presence_penalty: 0.5,
      frequency_penalty: -0.5,
      seed: 5,
      stop: ['a', 'b'],
      num_predict: 9,
      num_ctx: 4096,
      mirostat: 0,
      mirostat_tau: 5,
      typical_p: 1,
    }
    for (const path of ['/api/chat', '/api/generate']) {
      const request = await asked(
        { ...(path === '/api/chat' ? chat() : prompt({ raw: true })), options },
        path,
      )
      expect(request).toMatchObject({ stop: ['a', 'b'], maxTokens: 9 })
      expect(request.sampling).toMatchObject({
        temperature: 0.3,
        topK: 7,
        topP: 0.8,
        minP: 0.1,
        repetitionPenalty: 1.2,
        presencePenalty: 0.5,
        frequencyPenalty: -0.5,
        seed: 5,
      })
      expect(request.reply).toMatchObject({ ignored: ['options.num_ctx'] })
    }
  })

  it('has no limit where none is said, or -1', async () => {
    expect((await asked(chat({ options: { num_predict: -1 } }))).maxTokens).toBeUndefined()
    expect((await asked(prompt({ raw: true }), '/api/generate')).maxTokens).toBeUndefined()
    expect((await asked(prompt({ raw: true, options: { num_predict: -2 } }), '/api/generate')).maxTokens).toBeUndefined() // prettier-ignore
  })

  it('is a chat of system and prompt, or a text that goes on', async () => {
    const one = await asked(prompt({ system: 'be brief' }), '/api/generate')
    expect(one.prompt).toEqual({ kind: 'chat', messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'Once' }] }) // prettier-ignore
    expect((await asked(prompt({ raw: true }), '/api/generate')).prompt).toEqual({
      kind: 'text',
      text: 'Once',
    })
    const gap = await asked(prompt({ suffix: 'end' }), '/api/generate')
    expect(gap.prompt).toEqual({ kind: 'text', text: 'Once', after: 'end' })
    expect(await errorOf('/api/generate', prompt({ raw: true, system: 'a' }))).toMatchObject({ status: 400 })
  })

  it('is held to a format, with the digits of its schema', async () => {
    expect(await asked(chat({ format: 'json' }))).toMatchObject({ grammar: { kind: 'json_object' }, grammarParam: 'format' }) // prettier-ignore
    const body = `{"model":"${MODEL}","prompt":"a","stream":false,"format":{"type":"object","properties":{"10":{"const":1.0},"2":{}}}}`
    for (const [path, sent] of [
      ['/api/generate', body],
      ['/api/chat', body.replace('"prompt":"a"', '"messages":[{"role":"user","content":"a"}]')],
    ]) {
      const fake = fakeLanes()
      expect((await post(fake, path, sent)).status).toBe(200)
      expect(fake.requests[0].grammar).toEqual({ kind: 'json_schema', schema: '{"type":"object","properties":{"10":{"const":1.0},"2":{}}}' }) // prettier-ignore
    }
    expect((await asked(chat({ format: '' }))).grammar).toBeUndefined()
  })

  it('may be told to think or not, and of functions', async () => {
    const tools = [{ type: 'function', function: { name: 'now', parameters: {} } }]
    const request = await asked(chat({ think: false, tools, keep_alive: '5m' }))
    expect(request.prompt).toMatchObject({ tools, variables: { enable_thinking: false } })
    expect(request.reply).toMatchObject({ ignored: ['keep_alive'] })
    expect((await asked(chat({ think: 'high' }))).prompt).toMatchObject({
      variables: { enable_thinking: true },
    })
    expect((await asked(chat())).prompt).not.toHaveProperty('variables')
  })

  it('has calls and results of a history under ids, each result under its own call', async () => {
    const call = (name: string, more: object = {}) => ({ function: { name, arguments: { a: 1 } }, ...more })
    const messages = [
      hi,
      { role: 'assistant', content: '', thinking: 'hm', tool_calls: [call('x'), call('y'), call('x')] },
      { role: 'tool', content: 'Y', tool_name: 'y' },
      { role: 'tool', content: 'X1', tool_name: 'x' },
      { role: 'tool', content: 'X2' },
      { role: 'assistant', content: '', tool_calls: [call('z', { id: 'mine' })] },
      { role: 'tool', content: 'Z', tool_call_id: 'mine' },
    ]
    const { prompt: given } = await asked(chat({ messages }))
    if (given.kind !== 'chat') throw new Error(given.kind)
    const plain = given.messages.map(plainWritten)
    expect(plain[1]).toMatchObject({ reasoning_content: 'hm' })
    expect(plain[1].tool_calls).toEqual(
      ['x', 'y', 'x'].map((name, nth) => ({
        id: `call0010${nth}`,
        type: 'function',
        function: { name, arguments: '{"a":1}' },
      })),
    )
    expect(plain.map(({ tool_call_id }) => tool_call_id)).toEqual([undefined, undefined, 'call00101', 'call00100', 'call00102', undefined, 'mine']) // prettier-ignore
    expect(
      (await errorOf('/api/chat', chat({ messages: [hi, { role: 'tool', content: 'a' }] }))).status,
    ).toBe(400)
  })
})

describe('an error', () => {
  it.each([
    ['/api/chat', chat({ temprature: 1 }), 'temprature'],
    ['/api/chat', { model: MODEL }, 'messages is required'],
    ['/api/chat', chat({ options: { temperature: 9 } }), 'options.temperature must be at most 2, not 9'],
    ['/api/chat', chat({ options: { num_predict: 1.5 } }), 'options.num_predict must be an integer'],
    ['/api/chat', chat({ options: { heat: 1 } }), 'options.heat'],
    ['/api/chat', chat({ options: { tfs_z: 0.5 } }), 'tfs_z'],
    ['/api/chat', chat({ format: 'xml' }), 'format must be "json" or a JSON Schema'],
    ['/api/chat', chat({ messages: [{ ...hi, images: ['x'] }] }), 'messages[0].images'],
    ['/api/chat', chat({ top_logprobs: 2 }), 'top_logprobs needs'],
    ['/api/generate', prompt({ template: '{{ .Prompt }}' }), 'template is supported only as ""'],
    ['/api/generate', { model: MODEL }, 'prompt is required'],
    ['/api/show', {}, 'model is required'],
  ])('%s %j is one text', async (path, body, words) => {
    const { status, error } = await errorOf(path, body)
    expect(status).toBe(400)
    expect(error).toContain(words)
  })

  it('of another model is a 404, without a key a 401, of a lane its own', async () => {
    expect(await errorOf('/api/chat', chat({ model: 'llama3' }))).toMatchObject({ status: 404 })
    expect(await errorOf('/api/show', { model: 'llama3' })).toMatchObject({ status: 404 })
    const full = fakeLanes([{ type: 'error', code: 'overloaded', message: 'full' }])
    expect(await errorOf('/api/chat', chat(), full)).toEqual({ status: 429, error: 'full' })
    const { app } = appOver(fakeLanes(), { apiKeys: await hashText('sk-one') })
    for (const path of ['/api/tags', '/api/version', '/api/ps']) {
      const response = await app.request(ORIGIN + path)
      expect(response.status).toBe(401)
      expect(typeof ((await response.json()) as { error: unknown }).error).toBe('string')
    }
  })

  it('in the middle of a stream is its last line', async () => {
    const fake = fakeLanes([start, text('a'), { type: 'error', code: 'engine_failure', message: 'oh' }])
    expect((await linesOf(fake, '/api/chat', chat())).at(-1)).toMatchObject({ error: expect.any(String) })
    const lost = fakeLanes([start, text('a'), { fail: new IsletError('lane_lost', 'gone') }])
    expect((await linesOf(lost, '/api/chat', chat())).at(-1)).toEqual({ error: 'gone' })
  })

  it('says in words that no model is changed here', async () => {
    const { app } = appOver(fakeLanes())
    for (const [method, path] of [
      ['POST', '/api/pull'],
      ['POST', '/api/push'],
      ['POST', '/api/create'],
      ['POST', '/api/copy'],
      ['DELETE', '/api/delete'],
      ['POST', '/api/blobs/sha256:ab'],
    ]) {
      const response = await app.request(ORIGIN + path, { method })
      expect(response.status, path).toBe(501)
      expect(((await response.json()) as { error: string }).error).toContain(path)
    }
  })
})

describe('the model', () => {
  const get = async (path: string, fake = fakeLanes()) =>
    (await (await appOver(fake).app.request(ORIGIN + path)).json()) as { models: Record<string, unknown>[] }

  it('is listed, shown, and running once it is loaded', async () => {
    const { models } = await get('/api/tags')
    expect(models[0]).toMatchObject({
      name: MODEL,
      model: MODEL,
      details: { family: 'smollm', parameter_size: '135M' },
    })
    const shown = await (await post(fakeLanes(), '/api/show', { model: MODEL })).json()
    expect(shown).toMatchObject({ details: { format: 'islet' }, capabilities: ['completion', 'tools'] })
    const pooled = fakeLanes(HELLO, {
      models: async () => [
        { id: MODEL, created: 0, ownedBy: 'islet', embeds: true, limits: { trained: 2048, prompt: 32768 } },
      ],
    })
    expect(await (await post(pooled, '/api/show', { model: MODEL })).json()).toMatchObject({
      model_info: { 'islet.context_length': 32768 },
      capabilities: ['completion', 'tools', 'embedding'],
    })
    expect((await get('/api/ps')).models).toMatchObject([{ name: MODEL, size: 90, context_length: 1024 }])
    const cold = fakeLanes(HELLO, {
      health: async () => ({ state: 'cold', done: 0, total: 90, window: { sinks: 4 }, model: MODEL }),
    })
    expect((await get('/api/ps', cold)).models).toEqual([])
    expect(await get('/api/version')).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  })
})
