// Islet as a library in workerd: mounted in an app with its own door, two of them, bindings by other names, direct calls.

import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatCompletion, SessionList } from '../../src/binding/types.ts'
import { hashText } from '../../src/api/http/hash-text.ts'
import { LINEAR_BYTES } from '../../src/lib/limits.ts'
import { missingModel, REAL_FOLDER, TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const KEY = 'sk-library'
const MORE = '[[durable_objects.bindings]]\nname = "MIND"\nclass_name = "LaneObject"\n'

let worker: TestWorker
beforeAll(async () => {
  const main = `${ROOT}test/workers/library-app.ts`
  worker = await startWorker(TINY_FOLDER, { KEYS: await hashText(KEY) }, { main, config: MORE })
})
afterAll(() => worker?.stop())

const client = (base: string, apiKey: string, user?: string): OpenAI =>
  new OpenAI({ apiKey, baseURL: `${worker.url}${base}/v1`, maxRetries: 0, ...(user && { defaultHeaders: { 'x-user': user } }) }) // prettier-ignore

const ASKED = { messages: [{ role: 'user' as const, content: 'In the beginning' }], max_tokens: 8, temperature: 0 } // prettier-ignore

const asked = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
  const response = await fetch(worker.url + path, init)
  return { status: response.status, text: await response.text() }
}
const posted = (path: string, body: object = ASKED) =>
  asked(path, { method: 'POST', body: JSON.stringify(body) })

describe('mounted', () => {
  test('at any path, whole and streamed, the answers are the same', async () => {
    const model = worker.model
    const whole = await client('/ai', 'none', 'ada').chat.completions.create({ ...ASKED, model })
    const stream = await client('/teams/blue/ai', 'none', 'ada').chat.completions.create({ ...ASKED, model, stream: true }) // prettier-ignore
    let text = ''
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
    expect(text.length).toBeGreaterThan(3)
    expect(whole.choices[0].message.content).toBe(text)
    const keyed = await client('/keyed', KEY).chat.completions.create({ ...ASKED, model })
    expect(keyed.choices[0].message.content).toBe(text)
  })

  test('the app has its own paths, and its callers alone are served', async () => {
    expect((await asked('/v1/models')).text).toBe('not of Islet')
    expect((await asked('/ai/v1/models')).status).toBe(401)
    expect((await asked('/keyed/v1/models', { headers: { 'x-user': 'ada' } })).status).toBe(401)
    expect((await asked('/ai/metrics', { headers: { 'x-user': 'ada' } })).status).toBe(403)
    expect((await asked('/ai/metrics', { headers: { 'x-user': 'root ada' } })).text).toContain('islet_')
  })

  test('a broken stream is read on below a path, by its caller alone', async () => {
    const headers = { 'x-user': 'ada' }
    const body = JSON.stringify({ ...ASKED, model: worker.model, stream: true })
    const response = await fetch(`${worker.url}/ai/v1/chat/completions`, { method: 'POST', body, headers })
    const session = response.headers.get('x-islet-session') ?? ''
    expect(await response.text()).toContain('[DONE]')
    const path = `/ai/v1/sessions/${session}/stream?after=1`
    expect((await asked(path, { headers })).text).toContain('[DONE]')
    expect((await asked(path, { headers: { 'x-user': 'bob' } })).status).toBe(404)
  })
})

describe('direct calls', () => {
  test('answer as HTTP does, for the tenant that they name', async () => {
    const whole = JSON.parse((await posted('/chat')).text) as ChatCompletion
    const over = await client('/ai', 'none', 'ada').chat.completions.create({ ...ASKED, model: worker.model })
    expect(whole.choices[0].message.content).toBe(over.choices[0].message.content)
    expect((await posted('/stream')).text).toContain('data: [DONE]')
    const { data } = JSON.parse((await posted('/sessions')).text) as SessionList
    expect(data.map(({ id }) => id)).toContain(whole.islet.session)
  })

  test('end by a signal, through islet/binding', async () => {
    const endless = { prompt: 'In the beginning', max_tokens: 2000 }
    expect((await posted('/abort', endless)).text).toMatch(/^enough behind \d{1,2}$/)
  })
})

test.skipIf(missingModel() !== undefined)(
  'what is reserved is taken from the window by plan, and told',
  async () => {
    const real = await startWorker(REAL_FOLDER, { WINDOW: '1024', RESERVE_MB: '16' })
    try {
      let health: { status?: string; window?: number; note?: string; linear_memory_bytes?: number } = {}
      while (health.status !== 'ok') {
        health = (await (await fetch(`${real.url}/health`)).json()) as typeof health
        expect(health.status).not.toBe('error')
      }
      expect(health.window).toBe(784)
      expect(health.note).toMatch(/^the window is \d+ instead of 1024: .* beside 16000000 of RESERVE_MB/)
      expect(health.linear_memory_bytes).toBeLessThan(LINEAR_BYTES - 16e6 + 65_536)
      expect(real.log()).toContain('RESERVE_MB')
    } finally {
      await real.stop()
    }
  },
)

test('what is missing or too much is said by name', async () => {
  expect(await asked('/lost/v1/models')).toEqual({
    status: 500,
    text: 'there is no binding NOWHERE: name yours by the option bindings.lane',
  })
  expect((await asked('/second')).text).toBe(
    'a script has one class of lanes: another model needs a script of its own',
  )
})
