// The binding over scripted lanes: what comes of inputs and options, how replies and streams are worded, what is thrown.

import { describe, expect, test } from 'vitest'
import { metered } from '../../src/api/app.ts'
import { INTERNAL_CODES, INVALID_INPUT, runErrorBody } from '../../src/api/dialects/workers-ai/errors.ts'
import { readReply } from '../../src/api/dialects/registry.ts'
import { failureOf } from '../../src/api/http/errors.ts'
import type { AnswerEvent } from '../../src/api/http/events.ts'
import { ABSENT, Binding } from '../../src/binding/binding.ts'
import { insideApp } from '../../src/binding/inside.ts'
import type { Props, RunInputs, RunOptions, RunOutput } from '../../src/binding/types.ts'
import { IsletError, SERVER_CODES, USER_CODES } from '../../src/lib/errors.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { fakeLanes, finish, HELLO, MODEL, SESSION, sessionOf, start, stored, text, type Fake, type Step } from '../api/helpers.ts' // prettier-ignore

function bindingOver(fake: Fake, props?: Props, limiter?: (tenant: string) => Promise<boolean>) {
  const logged: Record<string, unknown>[] = []
  const told: object[] = []
  let ids = 0
  const deps = metered({
    lanes: () => fake.lanes,
    config: { apiKeys: 'a'.repeat(64) },
    now: () => 1_763_900_000_000,
    newId: () => `id${++ids}`,
    newSeed: () => 4_000_000_000,
    log: (entry) => logged.push(entry),
    tell: (line) => told.push(line),
    ...(limiter && { limiter }),
  })
  return { binding: new Binding(insideApp(deps), props), logged, told }
}

async function asked(inputs: RunInputs, options?: RunOptions, props?: Props): Promise<GenerateRequest> {
  const fake = fakeLanes()
  await bindingOver(fake, props).binding.run(MODEL, inputs, options)
  return fake.requests[0]
}

async function run(steps: Step[], inputs: RunInputs, options?: RunOptions): Promise<RunOutput> {
  return (await bindingOver(fakeLanes(steps)).binding.run(MODEL, inputs, options)) as RunOutput
}

async function streamed(steps: Step[], inputs: RunInputs = {}, options: RunOptions = {}, props: Props = {}) {
  const { binding } = bindingOver(fakeLanes(steps), props)
  const stream = await binding.run(MODEL, { prompt: 'Hi', stream: true, ...inputs }, options)
  return new Response(stream as ReadableStream).text()
}

const framesOf = (stream: string): unknown[] =>
  stream
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice('data: '.length)))

const Hi = { prompt: 'Hi' }

describe('inputs', () => {
  test('a prompt is a message of the user, and a raw one a text', async () => {
    expect((await asked(Hi)).prompt).toEqual({ kind: 'chat', messages: [{ role: 'user', content: 'Hi' }] })
    const raw = await asked({ ...Hi, raw: true })
    expect(raw.prompt).toEqual({ kind: 'text', text: 'Hi' })
    expect(raw.maxTokens).toBeUndefined()
  })

  test('settings count among the inputs and among the options, where the inputs say nothing', async () => {
    const { sampling, maxTokens } = await asked(
      { ...Hi, max_tokens: 9, temperature: 0.5, top_p: 0.9, repetition_penalty: 1.1, frequency_penalty: 0.2 },
      { seed: 7, top_k: 5, presence_penalty: 0.1, temperature: 2 },
    )
    expect(maxTokens).toBe(9)
    expect(sampling).toMatchObject({
      ...{ temperature: 0.5, topP: 0.9, topK: 5, seed: 7 },
      ...{ repetitionPenalty: 1.1, frequencyPenalty: 0.2, presencePenalty: 0.1 },
    })
  })

  test('the schema of a response format stands there itself, or in the wrapper that OpenAI has', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } }, title: 'mail' }
    const grammar = { kind: 'json_schema', schema: JSON.stringify(schema) }
    const format = { type: 'json_schema', json_schema: schema }
    const bare = await asked({ ...Hi, response_format: format })
    expect([bare.grammar, bare.grammarParam]).toEqual([grammar, 'response_format.json_schema'])
    const wrapped = { type: 'json_schema', json_schema: { name: 'a', schema } }
    expect((await asked({ ...Hi, response_format: wrapped })).grammar).toEqual(grammar)
    expect((await asked({ ...Hi, guided_json: schema })).grammar).toEqual(grammar)
    expect((await asked({ ...Hi, response_format: { type: 'json_object' } })).grammar).toEqual({
      kind: 'json_object',
    })
  })

  test('tools come wrapped, and in the old form', async () => {
    const tool = { name: 'weather', description: 'rain', parameters: { type: 'object', properties: {} } }
    const wrapped = { type: 'function', function: tool }
    for (const one of [tool, wrapped])
      expect((await asked({ ...Hi, tools: [one] })).prompt).toMatchObject({ tools: [wrapped] })
  })

  test('whatever chat completions take is taken', async () => {
    const { stop, sampling } = await asked({ ...Hi, stop: 'x', min_p: 0.1, reasoning_effort: 'low' })
    expect([stop, sampling.minP]).toEqual([['x'], 0.1])
  })

  test.each<[string, RunInputs | undefined, RunOptions | undefined, string]>([
    ['nothing', {}, undefined, '5006: messages or prompt is required, and only one of them'],
    ['no object', undefined, undefined, '5006: inputs must be an object, such as {"prompt": "..."}'],
    [
      'both',
      { ...Hi, messages: [] },
      undefined,
      '5006: messages or prompt is required, and only one of them',
    ],
    ['an unknown input', { ...Hi, colour: 1 }, undefined, '5006: Unknown parameter: "colour"; remove it'],
    ['an unknown option', Hi, { colour: 1 }, '5006: Unknown parameter: "colour"; remove it'],
    ['lora', { ...Hi, lora: 'mine' }, undefined, '5006: lora is not supported by this server; remove it'],
    [
      'functions',
      { ...Hi, functions: [] },
      undefined,
      '5006: functions is not supported by this server; remove it',
    ],
    ['a batch', Hi, { queueRequest: true }, '5006: queueRequest is not supported by this binding; remove it'],
    ['a socket', Hi, { websocket: true }, '5006: websocket is not supported by this binding; remove it'],
    [
      'n',
      { ...Hi, n: 2, stream: true },
      undefined,
      "5006: n is for whole replies and for OpenAI's chunks: a native stream has one answer",
    ],
  ])('%s is refused', async (_, inputs, options, message) => {
    const { binding } = bindingOver(fakeLanes())
    await expect(binding.run(MODEL, inputs as RunInputs, options)).rejects.toThrow(message)
  })

  test('what the binding puts there is no input of a caller', async () => {
    const stream = await streamed(HELLO, { form: 'openai', ignored: ['lies'] })
    expect(stream).not.toContain('choices')
    expect(stream).not.toContain('lies')
  })
})

describe('options', () => {
  test('x-session-affinity is the key of the session, in any case and in Headers', async () => {
    for (const extraHeaders of [
      { 'X-Session-Affinity': 'mine' },
      new Headers({ 'x-session-affinity': 'mine' }),
    ])
      expect((await asked(Hi, { extraHeaders })).sessionKey).toBe('mine')
  })

  test('those without effect are named, empty ones are not', async () => {
    const options = {
      gateway: { id: 'g' },
      tags: ['a'],
      prefix: undefined,
      signal: undefined,
      queueRequest: false,
    }
    expect(await run(HELLO, Hi, options)).toMatchObject({
      islet: { ignored: ['options.gateway', 'options.tags'] },
    })
    expect((await run(HELLO, Hi, { gateway: undefined })).islet).not.toHaveProperty('ignored')
  })

  test('the raw response has the reply, the stream, or the error with its status', async () => {
    const { binding } = bindingOver(fakeLanes())
    const raw = { returnRawResponse: true }
    const whole = (await binding.run(MODEL, Hi, raw)) as Response
    expect(await whole.json()).toMatchObject({ response: 'Hello 🌍' })
    const stream = (await binding.run(MODEL, { ...Hi, stream: true }, raw)) as Response
    expect(stream.headers.get('content-type')).toMatch('text/event-stream')
    expect(await stream.text()).toContain('data: [DONE]')
    const error = (await binding.run('nobody', Hi, raw)) as Response
    expect(error.status).toBe(404)
    expect(await error.json()).toMatchObject({ internalCode: 5007, name: 'InferenceUpstreamError' })
  })
})

describe('who calls', () => {
  test('is the tenant of the props, whatever keys there are, and has sessions of its own', async () => {
    expect((await asked(Hi)).tenant).toBe('binding')
    expect((await asked(Hi, undefined, { tenant: 'mail' })).tenant).toBe('mail')
    const fake = fakeLanes()
    const { binding } = bindingOver(fake, { tenant: 'mail' })
    await binding.sessions({ limit: 3, after: 'sess_0_a' })
    for (const call of ['session', 'fork', 'remove'] as const)
      await expect(binding[call](SESSION)).rejects.toThrow(`5006: There is no ${SESSION}`)
    const ids = ['session', 'fork', 'remove'].map((name) => `${name} mail ${SESSION}`)
    expect(fake.asked).toEqual(['sessions mail 4 sess_0_a', ...ids])
  })

  test('is counted, and held to the rate of its tenant', async () => {
    const tenants: string[] = []
    const { binding, told } = bindingOver(fakeLanes(), { tenant: 'mail' }, async (tenant) => {
      tenants.push(tenant)
      return tenants.length === 1
    })
    await binding.run(MODEL, Hi)
    await expect(binding.chat({ messages: [{ role: 'user', content: 'Hi' }] })).rejects.toThrow(/^3036: /)
    expect(tenants).toEqual(['mail', 'mail'])
    expect(told).toMatchObject([{ call: 'generate', kind: 'workers-ai', model: MODEL }])
  })

  test.each([{ tenant: '' }, { tenant: 'x'.repeat(129) }, { stream: 'both' as 'native' }])(
    '%o is a mistake of the deployment',
    (props) => {
      expect(() => bindingOver(fakeLanes(), props)).toThrow(/^props\./)
    },
  )
})

const call = (name: string | undefined, args: string): GenerationEvent => ({
  type: 'text',
  text: '',
  calls: [{ ...(name !== undefined && { name }), arguments: args }],
  ids: [1],
})
const CALLS: Step[] = [start, call('weather', ''), call(undefined, '{"city":'), call(undefined, '"Rome"}'), { ...finish, reason: 'tool_calls' } as GenerationEvent] // prettier-ignore

describe('a reply', () => {
  test("has Workers AI's fields and OpenAI's", async () => {
    const reply = await run([sessionOf(null), ...HELLO], Hi)
    expect(reply).toMatchObject({
      response: 'Hello 🌍',
      object: 'chat.completion',
      model: MODEL,
      choices: [{ message: { role: 'assistant', content: 'Hello 🌍' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
      islet: { session: SESSION },
    })
    expect(reply).not.toHaveProperty('tool_calls')
  })

  test('has calls in both forms of Workers AI', async () => {
    const { response, tool_calls, choices } = await run(CALLS, Hi)
    expect(response).toBe('')
    const named = { name: 'weather', arguments: '{"city":"Rome"}' }
    const both = [{ type: 'function', function: named, name: 'weather', arguments: { city: 'Rome' } }]
    expect(tool_calls).toMatchObject(both)
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
    expect(choices[0].message.tool_calls).toMatchObject([{ function: named }])
  })

  test('says what its JSON says, and the text where it was cut', async () => {
    const format = { response_format: { type: 'json_schema', json_schema: { type: 'object' } } }
    expect((await run([start, text('{"a":'), text('1}'), finish], { ...Hi, ...format })).response).toEqual({
      a: 1,
    })
    expect((await run([start, text('{"a":'), finish], { ...Hi, ...format })).response).toBe('{"a":')
    expect((await run([start, text('{"a":1}'), finish], Hi)).response).toBe('{"a":1}')
  })
})

describe('a stream', () => {
  const thought: GenerationEvent = { type: 'text', text: '', reasoning: 'hm', ids: [2] }

  test('is native chunks, without choices', async () => {
    const stream = await streamed([sessionOf(null), start, thought, text('Hel'), text('lo'), finish])
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true)
    const frames = framesOf(stream)
    expect(frames).toMatchObject([
      { response: '', reasoning_content: 'hm' },
      { response: 'Hel' },
      { response: 'lo' },
      { response: '', finish_reason: 'stop', usage: { total_tokens: 15 }, islet: { session: SESSION } },
    ])
    for (const frame of frames) expect(frame).not.toHaveProperty('choices')
  })

  test('tells a call by its name, then its arguments', async () => {
    const [name, ...rest] = framesOf(await streamed(CALLS))
    expect(name).toMatchObject({
      tool_calls: [{ index: 0, type: 'function', function: { name: 'weather' } }],
    })
    const pieces = rest.flatMap((frame) => (frame as { tool_calls?: { function: { arguments: string } }[] }).tool_calls ?? []) // prettier-ignore
    expect(pieces.map((piece) => piece.function.arguments).join('')).toBe('{"city":"Rome"}')
  })

  test("is OpenAI's chunks by the props, without response", async () => {
    const frames = framesOf(await streamed(HELLO, {}, {}, { stream: 'openai' }))
    for (const frame of frames) {
      expect(frame).toHaveProperty('choices')
      expect(frame).not.toHaveProperty('response')
    }
    expect(frames.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 15 } })
  })

  test('of the form that islet/binding asks for is the whole reply behind a sign of life a token', async () => {
    const stream = await streamed(HELLO, {}, { form: 'whole' })
    expect(stream.match(/^:\n\n/gm)).toHaveLength(4)
    const whole = (await run(HELLO, Hi)) as object
    expect(framesOf(stream)).toEqual([whole])
  })

  test('that fails ends with the error, and without its end', async () => {
    const error: GenerationEvent = { type: 'error', code: 'engine_failure', message: 'broken' }
    for (const [form, props] of [
      [{}, {}],
      [{ form: 'whole' }, {}],
      [{}, { stream: 'openai' }],
    ] as [object, Props][]) {
      const stream = await streamed([start, text('Hel'), error], {}, form as RunOptions, props)
      expect(framesOf(stream).at(-1)).toEqual({
        error: runErrorBody(failureOf(new IsletError('engine_failure', 'broken'))),
      })
      expect(stream).not.toContain('[DONE]')
    }
  })

  test('that is left ends the generation', async () => {
    const fake = fakeLanes([start, text('Hel'), { wait: 20 }, text('lo'), finish])
    const stream = (await bindingOver(fake).binding.run(MODEL, { ...Hi, stream: true })) as ReadableStream
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel()
    expect([fake.closed, fake.produced < 4]).toEqual([1, true])
  })
})

describe('errors', () => {
  test('each of our codes is one of Workers AI', () => {
    const mapped = Object.values(INTERNAL_CODES).flatMap(({ codes }) => codes)
    expect(new Set(mapped).size).toBe(mapped.length)
    for (const code of SERVER_CODES) expect(mapped, code).toContain(code)
    for (const code of [...USER_CODES, ...SERVER_CODES]) {
      const { internalCode, message } = runErrorBody(failureOf(new IsletError(code, 'says')))
      expect(Number(internalCode in INTERNAL_CODES || internalCode === INVALID_INPUT), code).toBe(1)
      expect(message.startsWith(`${internalCode}: `)).toBe(true)
    }
  })

  test('a failure of ours is logged, and says nothing of what it was', async () => {
    const { binding, logged } = bindingOver(fakeLanes([{ fail: new Error('a secret') }]))
    const error = (await binding.run(MODEL, Hi).catch((thrown: unknown) => thrown)) as Error & {
      code: number
    }
    expect(error.message).toMatch(/^3043: The server failed/)
    expect([error.name, error.code]).toEqual(['InferenceUpstreamError', 3043])
    expect(logged).toMatchObject([{ code: 'internal_error', message: 'a secret' }])
  })

  test.each(ABSENT)('%s is told not to be there', (name) => {
    const { binding } = bindingOver(fakeLanes())
    expect(() => binding.absent(name)).toThrow(`5006: ${name} is a service of Cloudflare`)
  })
})

test('a kept reply is read again in its own words', async () => {
  const { reply: kept } = await asked({ ...Hi, stream: true })
  const { reply, dialect } = readReply(kept)
  expect([dialect.kind, reply.model]).toEqual(['workers-ai', MODEL])
  expect(dialect.writer(reply).write(text('Hel') as AnswerEvent)).toEqual([{ data: { response: 'Hel' } }])
})

describe('our own methods', () => {
  const messages = [{ role: 'user', content: 'Hi' }]

  test('chat and stream are chat completions', async () => {
    const { binding } = bindingOver(stored())
    expect(await binding.chat({ messages })).toMatchObject({
      choices: [{ message: { content: 'Hello 🌍' } }],
    })
    const stream = await new Response(await binding.stream({ messages })).text()
    expect(stream).toContain('"object":"chat.completion.chunk"')
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test('extract gives what the JSON says, under the schema', async () => {
    const fake = fakeLanes([start, text('{"n":3}'), finish])
    const schema = { type: 'object', properties: { n: { type: 'integer' } } }
    expect(await bindingOver(fake).binding.extract({ prompt: 'Three', schema })).toEqual({ n: 3 })
    expect(fake.requests[0].grammar).toEqual({ kind: 'json_schema', schema: JSON.stringify(schema) })
    const cut = bindingOver(fakeLanes([start, text('{"n":'), finish])).binding
    await expect(cut.extract({ messages, schema })).rejects.toThrow(
      '3043: The answer was cut off: it is no JSON',
    )
  })

  test('models lists what is served, and narrows the list', async () => {
    const { binding } = bindingOver(fakeLanes())
    expect(await binding.models()).toMatchObject([{ id: MODEL, task: { name: 'Text Generation' } }, {}])
    expect(await binding.models({ search: 'SmolLM2' })).toHaveLength(1)
    expect(await binding.models({ task: 'Text-to-Image' })).toEqual([])
  })
})
