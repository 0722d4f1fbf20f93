// Another Worker binds Islet as a service: the AI SDK with workers-ai-provider as it is, signals, errors, our own methods.
// Both run in one `wrangler dev` of two configurations, with no experimental flag.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatCompletion, RunOutput, Session } from '../../src/binding/types.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const service = (binding: string, props: string): string =>
  `[[services]]\nbinding = "${binding}"\nservice = "islet"\nentrypoint = "WorkersAI"\nprops = ${props}\n`

const CALLER = `
name = "caller"
main = ${JSON.stringify(join(ROOT, 'test/workers/binding-caller.ts'))}
compatibility_date = "2026-10-23"
${service('ISLET', '{ tenant = "mine" }')}
${service('OPENAI', '{ tenant = "mine", stream = "openai" }')}
${service('OTHER', '{ tenant = "other" }')}
[[services]]
binding = "HTTP"
service = "islet"
`

/** Most tokens that may be computed after the one with which a caller left. */
const LATE_TOKENS = 4

let folder: string
let worker: TestWorker
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'islet-caller-'))
  const config = join(folder, 'caller.toml')
  writeFileSync(config, CALLER)
  const caller = { config, path: '/v1/models' }
  worker = await startWorker(TINY_FOLDER, { WINDOW: '256', QUEUE: '2' }, { caller })
})
afterAll(async () => {
  await worker?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function ask<T>(scenario: string, prompt = 'In the beginning', tokens = 12): Promise<T> {
  const body = JSON.stringify({ model: worker.model, prompt, tokens })
  const response = await fetch(`${worker.url}/${scenario}`, { method: 'POST', body })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return JSON.parse(text) as T
}

/** The JSON of a stream's frames, and whether it ended as streams end. */
function framesOf(stream: string): Record<string, unknown>[] {
  const frames = stream.split('\n\n').filter((frame) => frame.startsWith('data: '))
  expect(frames.pop()).toBe('data: [DONE]')
  return frames.map((frame) => JSON.parse(frame.slice('data: '.length)) as Record<string, unknown>)
}

const SENT = { max_tokens: 12, messages: [{ role: 'user', content: 'In the beginning' }], temperature: 0 }

describe('the AI SDK with workers-ai-provider 4.0.0 as it is', () => {
  type Said = { text: string; finishReason: string; usage: number; prompt: number; seen: unknown[] }
  type Told = {
    text: string
    calls: { toolName: string; input: { city: string } }[]
    results: string[]
    steps: number
  }

  test('generateText: what the provider sends, settings among the options too, and what it makes of the reply', async () => {
    const { text, finishReason, usage, prompt, seen } = await ask<Said>('whole')
    expect(text.length).toBeGreaterThan(10)
    expect([finishReason, usage]).toEqual(['length', 12])
    expect(prompt).toBeGreaterThan(4)
    const options = {
      gateway: 'undefined',
      signal: 'undefined',
      extraHeaders: 'object',
      seed: 'number',
      top_k: 'number',
    }
    expect(seen).toEqual([{ model: 'tiny', inputs: SENT, options: expect.anything() }])
    expect(Object.fromEntries((seen[0] as { options: [] }).options)).toEqual(options)
  })

  test("streamText, from native chunks and from OpenAI's alike", async () => {
    type Streamed = {
      deltas: string[]
      finishReason: string
      usage: { outputTokens: number }
      seen: { inputs: unknown }[]
    }
    const [native, openai] = await ask<Streamed[]>('streamed')
    for (const { deltas, finishReason, usage, seen } of [native, openai]) {
      expect(deltas.length).toBeGreaterThan(8)
      expect([finishReason, usage.outputTokens]).toEqual(['length', 12])
      expect(seen[0].inputs).toEqual({ ...SENT, stream: true })
    }
    expect(openai.deltas).toEqual(native.deltas)
    expect((await ask<Said>('whole')).text).toBe(native.deltas.join(''))
  })

  test('tools, whole and streamed, and the round behind a result', async () => {
    const { whole, rounds, streamed, reason } = await ask<{ whole: Told; rounds: Told; streamed: Told['calls']; reason: string }>('tools', 'Rain?', 300) // prettier-ignore
    for (const [call] of [whole.calls, rounds.calls, streamed]) {
      expect(call.toolName).toBe('weather')
      expect(Object.keys(call.input)).toEqual(['city'])
    }
    expect(whole.results).toEqual([`rain in ${whole.calls[0].input.city}`])
    expect(reason).toBe('tool-calls')
    expect(rounds.steps).toBe(2)
    expect(rounds.text).not.toBe('')
  })

  test('objects, whole and streamed', async () => {
    const { whole, streamed } = await ask<Record<string, { kind: string; urgent: boolean }>>('objects')
    for (const each of [whole, streamed]) {
      expect(['bill', 'spam']).toContain(each.kind)
      expect(each.urgent).toBeTypeOf('boolean')
    }
  })

  test('a mistake has its status, and is not tried again', async () => {
    expect(await ask('errors')).toMatchObject({ provider: 400 })
  })
})

describe('an abort signal', () => {
  test('is nothing that RPC carries', async () => {
    const { cause } = await ask<{ cause: string }>('signal')
    expect(cause).toMatch(/^DataCloneError/)
  })

  test('goes through islet/binding: the answer is the same, whole and streamed', async () => {
    const { text, streamed } = await ask<{ text: string; streamed: string }>('signalled')
    expect(text.length).toBeGreaterThan(10)
    expect(streamed).toBe(text)
  })

  type Aborted = { came: number; last: string; session: Session }

  test.each([
    ['abortStreamed', 'abort'],
    ['abortWhole', 'AbortError'],
  ])('%s: at most four tokens are computed behind it', async (scenario, how) => {
    const { came, last, session } = await ask<Aborted>(scenario, 'And God said', 400_000)
    expect(last).toBe(how)
    expect(came).toBeGreaterThan(2)
    expect(session.state).toBe('paused')
    console.log(`${scenario}: ${came} tokens had come, ${session.completion_tokens} were computed`)
    expect(session.completion_tokens - came).toBeLessThanOrEqual(LATE_TOKENS)
  })

  test('goes off by a timer of the caller too', async () => {
    const { last, session } = await ask<Aborted>('abortTimed', 'And God said', 400_000)
    expect(last).toBe('TimeoutError')
    expect(session.state).toBe('paused')
  })
})

type Thrown = { name: string; message: string }
type Errors = { [name: string]: Thrown } & { raw: Thrown }

test('errors are thrown with the codes of Workers AI', async () => {
  const { raw, provider: _, ...errors } = await ask<Errors>('errors')
  const codes = Object.entries(errors).map(([name, { message }]) => [name, message.split(':')[0]])
  expect(Object.fromEntries(codes)).toEqual({
    model: '5007',
    streamed: '5007',
    input: '5006',
    unknown: '5006',
    long: '5021',
    batch: '5006',
    gateway: '5006',
    markdown: '5006',
    session: '5006',
  })
  for (const { name } of Object.values(errors)) expect(name).toBe('InferenceUpstreamError')
  expect(errors.input.message).toBe('5006: temperature must be a number, not "hot"')
  expect(raw).toMatchObject({ status: 404, body: { internalCode: 5007 } })
})

test('a full queue is 3040', async () => {
  const answers = await ask<string[]>('crowd', 'And God said', 200)
  const codes = answers.map((answer) => answer.split(':')[0])
  expect(codes.filter((code) => code === 'answered').length).toBeGreaterThanOrEqual(2)
  expect(new Set(codes)).toEqual(new Set(['answered', '3040']))
})

test('replies, streams and our own methods', async () => {
  type Own = {
    whole: RunOutput
    raw: { type: string; reply: RunOutput }
    json: RunOutput
    text: RunOutput
    chat: ChatCompletion
    extract: { n: number }
    decide: { answers: { probability: number }[] }
    models: { id: string }[]
    none: unknown[]
    sessions: { session: Session; fork: Session; listed: { data: Session[] }; foreign: string }
    left: string
  } & Record<'native' | 'openai' | 'stream', string>
  const own = await ask<Own>('own')
  const { whole, raw, sessions } = own
  const said = whole.response as string
  expect(said.length).toBeGreaterThan(10)
  expect(whole.choices[0].message.content).toBe(said)
  expect(whole.usage.completion_tokens).toBe(12)
  expect(whole.islet).toMatchObject({ ignored: ['options.tags'] })
  expect(raw.type).toBe('application/json')
  expect(raw.reply.response).toBe(said)
  expect(own.json.response).toEqual(JSON.parse(own.json.choices[0].message.content ?? ''))
  expect(own.text.response).toBeTypeOf('string')

  const native = framesOf(own.native)
  const openai = framesOf(own.openai)
  expect(native.map(({ response }) => response).join('')).toBe(said)
  expect(native.at(-1)).toMatchObject({ finish_reason: 'length', usage: { completion_tokens: 12 } })
  for (const chunk of native) expect(chunk).not.toHaveProperty('choices')
  for (const chunk of openai) expect(chunk).not.toHaveProperty('response')
  const deltas = openai.flatMap(({ choices }) => choices as { delta: { content?: string } }[])
  expect(deltas.map(({ delta }) => delta.content ?? '').join('')).toBe(said)

  expect(own.chat.choices[0].message.content).toBe(said)
  expect(framesOf(own.stream).length).toBeGreaterThan(8)
  expect(own.extract.n).toBeTypeOf('number')
  expect(own.decide.answers[0].probability).toBeGreaterThan(0)
  expect(own.models).toMatchObject([{ id: 'tiny' }])
  expect(own.none).toEqual([])

  expect(sessions.session).toMatchObject({ id: whole.islet.session, state: 'done', completion_tokens: 12 })
  expect(sessions.listed.data.map(({ id }) => id)).toEqual([sessions.fork.id, sessions.session.id])
  expect(sessions.foreign).toBe('5006: there is no such session')
  expect(own.left).toBe('5006: there is no such session')
})
