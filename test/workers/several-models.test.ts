// Two models behind one router in workerd, each in a script of its own: what a caller of HTTP and of the binding gets, what
// ids say, keys, a kill; and with the real model as one of them, the memory of each isolate.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { promptIds } from '../../bench/lib/cases.ts'
import { hashText } from '../../src/api/http/hash-text.ts'
import type { RunOutput, Session } from '../../src/binding/types.ts'
import { tagOf } from '../../src/routing/many-models.ts'
import { heapTotal } from '../../tools/inspector.ts'
import { sampled, TELLING } from '../helpers/isolates.ts'
import { missingModel, REAL_FOLDER, TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const CALLER = `
name = "caller"
main = ${JSON.stringify(join(ROOT, 'test/workers/binding-caller.ts'))}
compatibility_date = "2026-10-23"
[[services]]
binding = "ISLET"
service = "islet"
entrypoint = "WorkersAI"
props = { tenant = "mine" }
[[services]]
binding = "OPENAI"
service = "islet"
entrypoint = "WorkersAI"
props = { tenant = "mine", stream = "openai" }
[[services]]
binding = "OTHER"
service = "islet"
entrypoint = "WorkersAI"
props = { tenant = "other" }
[[services]]
binding = "HTTP"
service = "islet"
`
const [KEY, OTHER_KEY] = ['sk-mine', 'sk-other']
const MODELS = ['tiny', 'tiny-too']
/** Most tokens that may be computed behind a cancellation. */
const LATE_TOKENS = 4

describe('two models', () => {
  let folder: string
  let worker: TestWorker
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'islet-several-'))
    const second = join(folder, 'tiny-too')
    cpSync(TINY_FOLDER, second, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(second, 'manifest.json'), 'utf8')) as object
    writeFileSync(join(second, 'manifest.json'), JSON.stringify({ ...manifest, id: 'tiny-too' }))
    const config = join(folder, 'caller.toml')
    writeFileSync(config, CALLER)
    const hashes = await Promise.all([KEY, OTHER_KEY].map(hashText))
    worker = await startWorker(
      TINY_FOLDER,
      { WINDOW: '256', API_KEYS: hashes.join(), MODEL_ALIASES: 'gpt-4o, claude=tiny-too' },
      { caller: { config, path: '/v1/models' }, others: [second], ready: KEY },
    )
  })
  afterAll(async () => {
    await worker?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const client = (apiKey: string = KEY): OpenAI =>
    new OpenAI({ apiKey, baseURL: `${worker.url}/v1`, maxRetries: 0 })
  const asked = async (path: string, body?: object) => {
    const init = body && { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(worker.url + path, { ...init, headers: { 'x-api-key': KEY } })
    return { status: response.status, text: await response.text() }
  }
  const QUESTION = { messages: [{ role: 'user' as const, content: 'In the beginning' }], max_tokens: 8, temperature: 0 } // prettier-ignore

  test('are listed, and each answers by its id or an alias, streamed and whole', async () => {
    const ai = client()
    expect((await ai.models.list()).data.map(({ id }) => id)).toEqual(MODELS)
    for (const [model, id] of [...MODELS.map((id) => [id, id]), ['gpt-4o', 'tiny'], ['claude', 'tiny-too']]) {
      const whole = await ai.chat.completions.create({ ...QUESTION, model })
      const stream = await ai.chat.completions.create({ ...QUESTION, model, stream: true })
      let text = ''
      for await (const chunk of stream) {
        expect(chunk.model).toBe(id)
        text += chunk.choices[0]?.delta.content ?? ''
      }
      expect([whole.model, whole.choices[0].message.content]).toEqual([id, text])
    }
  })

  test('a model that is not there is a 404 that lists those that are', async () => {
    const { status, text } = await asked('/v1/chat/completions', { ...QUESTION, model: 'tiny-three' })
    expect([status, text]).toEqual([404, expect.stringContaining('there is: tiny, tiny-too')])
  })

  test('health, metrics, tokens, Ollama and the page tell of both', async () => {
    const health = JSON.parse((await asked('/health')).text) as { models: { model: string; state: string }[] }
    expect(health.models.map(({ model, state }) => [model, state])).toEqual(MODELS.map((id) => [id, 'ready']))
    const { text: metrics } = await asked('/metrics')
    const tags = JSON.parse((await asked('/api/tags')).text) as { models: { name: string }[] }
    expect(tags.models.map(({ name }) => name)).toEqual(MODELS)
    for (const model of MODELS) {
      expect(metrics).toContain(`islet_up{lane="${tagOf(model)}0",model="${model}"} 1`)
      const tokens = await asked('/tokenize', { model, content: 'In the beginning' })
      expect(JSON.parse(tokens.text)).toMatchObject({ tokens: expect.any(Array) as unknown })
    }
    const page = await fetch(`${worker.url}/`, { headers: { accept: 'text/html' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(JSON.parse((await asked('/openapi.json')).text)).toHaveProperty('paths')
  })

  test.each(MODELS)('%s: a response is read on, cancelled, and goes on by its id', async (model) => {
    const ai = client()
    const long = { model, input: 'And God said', temperature: 0, max_output_tokens: 100_000 }
    const running = await ai.responses.create({ ...long, background: true, ...{ ignore_eos: true } })
    expect(running.id).toContain(`resp_${tagOf(model)}`)
    const read = await ai.responses.retrieve(running.id, { stream: true })
    let deltas = 0
    for await (const event of read) if (event.type === 'response.output_text.delta' && ++deltas === 3) break
    const cancelled = await ai.responses.cancel(running.id)
    expect(cancelled).toMatchObject({ id: running.id, status: 'cancelled', model })
    const session = async (): Promise<Session> =>
      ai.get(`/sessions/sess_${running.id.slice('resp_'.length, running.id.lastIndexOf('_'))}`)
    const before = await session()
    expect(before).toMatchObject({ model, state: 'cancelled' })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await session()).completion_tokens).toBe(before.completion_tokens)
    const done = await ai.responses.create({ ...long, max_output_tokens: 5 })
    const next = await ai.responses.create({
      input: 'More',
      previous_response_id: done.id,
      max_output_tokens: 5,
    })
    expect([next.model, next.id.slice(0, 13)]).toEqual([model, `resp_${tagOf(model)}`])
  })

  test.each(MODELS)('%s: a session is forked, and is nothing to another key', async (model) => {
    type Reply = { islet: { session: string } }
    const { islet } = JSON.parse((await asked('/v1/chat/completions', { ...QUESTION, model })).text) as Reply
    const fork = await asked(`/v1/sessions/${islet.session}/fork`, {})
    expect(fork.status).toBe(201)
    const { id, model: of } = JSON.parse(fork.text) as Session
    expect([of, id]).toEqual([model, expect.stringMatching(`^sess_${tagOf(model)}`)])
    for (const session of [islet.session, id]) {
      expect((await asked(`/v1/sessions/${session}`)).status).toBe(200)
      await expect(client(OTHER_KEY).get(`/sessions/${session}`)).rejects.toMatchObject({ status: 404 })
    }
    const foreign = { ...QUESTION, model: MODELS.find((other) => other !== model), prompt_cache_key: id }
    expect((await asked('/v1/chat/completions', foreign)).text).toContain(`of the model ${model}`)
  })

  test('a binding chooses by the name, and its ids name the model too', async () => {
    type Own = {
      whole: RunOutput
      models: { id: string }[]
      sessions: { session: Session; fork: Session; foreign: string }
    }
    for (const model of MODELS) {
      const body = JSON.stringify({ model, prompt: 'In the beginning', tokens: 12 })
      const response = await fetch(`${worker.url}/own`, { method: 'POST', body })
      const { whole, models, sessions } = (await response.json()) as Own
      expect(models.map(({ id }) => id)).toEqual(MODELS)
      expect(whole.model).toBe(model)
      for (const { id } of [sessions.session, sessions.fork]) expect(id).toContain(`sess_${tagOf(model)}`)
      expect(sessions.foreign).toBe('5006: there is no such session')
    }
  })

  test('an abort of a caller reaches the script of the second: at most four tokens behind it', async () => {
    const body = JSON.stringify({ model: 'tiny-too', prompt: 'And God said', tokens: 400_000 })
    const response = await fetch(`${worker.url}/abortStreamed`, { method: 'POST', body })
    const { came, session } = (await response.json()) as { came: number; session: Session }
    expect(session).toMatchObject({ state: 'paused', model: 'tiny-too' })
    expect(session.completion_tokens - came).toBeLessThanOrEqual(LATE_TOKENS)
  })

  test('what both have stored is there after a kill', async () => {
    const made = await Promise.all(
      MODELS.map((model) => client().responses.create({ model, input: 'Hi', max_output_tokens: 5 })),
    )
    await worker.kill()
    await worker.restart()
    for (const { id, model, output_text: text } of made)
      expect(await client().responses.retrieve(id)).toMatchObject({ model, output_text: text })
  })
})

const LIMIT_BYTES = 120e6
const SAMPLE_MS = 50
const skip = missingModel()

describe.skipIf(skip !== undefined)(
  `the isolates of two models${skip === undefined ? '' : ` (${skip})`}`,
  () => {
    let worker: TestWorker
    beforeAll(async () => {
      worker = await startWorker(REAL_FOLDER, { WINDOW: '1024' }, { others: [TINY_FOLDER], env: TELLING })
    })
    afterAll(() => worker?.stop())

    test('stay within 120 MB each, with the whole window in use, and the router has none of it', async () => {
      const samplers = await sampled(worker, ['islet', `islet-${worker.model}`, 'islet-tiny'], SAMPLE_MS)
      const complete = async (model: string, prompt: number[], tokens: number): Promise<string> => {
        const settings = { max_tokens: tokens, ignore_eos: true, temperature: 0, stream: true }
        const body = JSON.stringify({ model, prompt, ...settings })
        return (await fetch(`${worker.url}/v1/completions`, { method: 'POST', body })).text()
      }
      const long = promptIds(2000, 0)
      await Promise.all([
      complete(worker.model, long, 150),
      complete('tiny', promptIds(200, 3).map((id) => id % 500), 300),
    ]) // prettier-ignore
      expect(await complete(worker.model, [...long, ...promptIds(32, 2)], 50)).toContain('[DONE]')
      for (const sampler of samplers) await sampler.stop()
      type Health = { models: { model: string; linear_memory_bytes: number; window: number }[] }
      const { models } = (await (await fetch(`${worker.url}/health`)).json()) as Health
      const peaks = samplers.map((sampler) => heapTotal(sampler.peak()))
      for (const [place, { model, linear_memory_bytes: linear }] of models.entries()) {
        console.log(`${model}: ${linear} bytes of linear memory, a heap of ${peaks[place + 1]}`)
        expect(linear + peaks[place + 1]).toBeLessThanOrEqual(LIMIT_BYTES)
      }
      console.log(`router: a heap of ${peaks[0]}`)
      expect(models.map(({ model, window }) => [model, window])).toEqual([[worker.model, 1024], ['tiny', 1024]]) // prettier-ignore
      expect(models[0].linear_memory_bytes).toBeGreaterThan(90e6)
      expect(peaks[0]).toBeLessThan(12e6)
    }, 240_000)
  },
)
