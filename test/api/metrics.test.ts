// GET /metrics tells what every lane did, in Prometheus' text format; each generation is told once, without text or key.

import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/api/app.ts'
import { exposition } from '../../src/api/metrics/exposition.ts'
import type { GenerationLine } from '../../src/api/metrics/metered-lanes.ts'
import { pointOf } from '../../src/api/metrics/point.ts'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { LaneMetrics } from '../../src/protocol/lane-reports.ts'
import { count, Meter, noGenerations, type Tally } from '../../src/protocol/tally.ts'
import { noStorageUse } from '../../src/storage/storage-use.ts'
import { appOver, chat, fakeLanes, finish, HELLO, MODEL, ORIGIN, start, text, type Step } from './helpers.ts'

const METRICS: LaneMetrics = {
  ...noGenerations(),
  promptTokens: 100,
  cachedTokens: 20,
  predictedTokens: 30,
  waitMs: 500,
  promptMs: 2000,
  predictedMs: 1500,
  tokensMax: 77,
  ended: { stop: 3, overloaded: 1 },
  firstTokens: [1, 0, 2, 0, 0, 0, 0, 0, 0, 1],
  firstSeconds: 70.5,
  running: 2,
  waiting: 1,
  engine: { pagesFree: 25, pageCount: 100, linearMemoryBytes: 5e7 },
  storage: { ...noStorageUse(), rowsWritten: 9, saveMs: 250 },
}

/** Value lines by name and labels. */
function read(body: string): Map<string, number> {
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

async function scrape(lanes: Parameters<typeof fakeLanes>[1]): Promise<Response> {
  return appOver(fakeLanes(HELLO, lanes)).app.request(`${ORIGIN}/metrics`)
}

describe('the exposition', () => {
  const body = exposition([
    { labels: { lane: '0' }, metrics: METRICS },
    { labels: { lane: 'weur-1' }, metrics: { ...noGenerations(), running: 0, waiting: 0 } },
    { labels: { lane: '2' } },
  ])
  const values = read(body)

  it("has llama-server's names where they mean the same", () => {
    const expected = {
      prompt_tokens_total: 100,
      prompt_seconds_total: 2,
      tokens_predicted_total: 30,
      tokens_predicted_seconds_total: 1.5,
      n_tokens_max: 77,
      prompt_tokens_seconds: 50,
      predicted_tokens_seconds: 20,
      requests_processing: 2,
      requests_deferred: 1,
      kv_cache_usage_ratio: 0.75,
    }
    for (const [name, value] of Object.entries(expected))
      expect(values.get(`llamacpp:${name}{lane="0"}`), name).toBe(value)
    expect(values.get('llamacpp:prompt_tokens_seconds{lane="weur-1"}')).toBe(0)
  })

  it('has the rest under our own', () => {
    expect(values.get('islet_up{lane="0"}')).toBe(1)
    expect(values.get('islet_up{lane="2"}')).toBe(0)
    expect(values.get('islet_cached_tokens_total{lane="0"}')).toBe(20)
    expect(values.get('islet_generations_total{lane="0",end="stop"}')).toBe(3)
    expect(values.get('islet_generations_total{lane="0",end="overloaded"}')).toBe(1)
    expect(values.get('islet_kv_pages{lane="0",state="used"}')).toBe(75)
    expect(values.get('islet_storage_rows_written_total{lane="0"}')).toBe(9)
    expect(values.get('islet_storage_save_seconds_total{lane="0"}')).toBe(0.25)
  })

  it('has a histogram whose buckets are cumulative', () => {
    const bucket = (le: string) => values.get(`islet_first_token_seconds_bucket{lane="0",le="${le}"}`)
    expect(['0.1', '0.25', '0.5', '60', '+Inf'].map(bucket)).toEqual([1, 1, 3, 3, 4])
    expect(values.get('islet_first_token_seconds_sum{lane="0"}')).toBe(70.5)
    expect(values.get('islet_first_token_seconds_count{lane="0"}')).toBe(4)
  })

  it('says the type of each metric once, in front of all its values', () => {
    const names = [...body.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)].map(([, name]) => name)
    expect(new Set(names).size).toBe(names.length)
    let current = ''
    for (const line of body.trimEnd().split('\n')) {
      const named = /^# TYPE (\S+) \S/.exec(line)?.[1]
      if (named !== undefined) current = named
      else
        expect(line).toMatch(
          new RegExp(`^${current}(_bucket|_sum|_count)?\\{lane="[a-z0-9-]+"[^}]*\\} [-+.e0-9]+$`),
        )
    }
  })
})

describe('GET /metrics', () => {
  it('asks every lane, and is text in the format of Prometheus', async () => {
    const response = await scrape({ metrics: async () => [{ lane: '0', metrics: METRICS }, { lane: '1' }] })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const values = read(await response.text())
    expect(values.get('llamacpp:prompt_tokens_total{lane="0"}')).toBe(100)
    expect(values.get('islet_up{lane="1"}')).toBe(0)
  })

  it("where lanes cannot be listed, tells the router's own counts under a name of this router", async () => {
    const { app } = appOver(fakeLanes(HELLO, { metrics: async () => undefined }))
    const ask = async () => {
      const body = JSON.stringify(chat())
      const response = await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body })
      expect(response.status).toBe(200)
    }
    await ask()
    await ask()
    const body = await (await app.request(`${ORIGIN}/metrics`)).text()
    const again = await (await app.request(`${ORIGIN}/metrics`)).text()
    expect(body).toBe(again)
    const [, router] = /islet_up\{router="(\w+)"\} 1/.exec(body) ?? []
    const values = read(body)
    expect(values.get(`llamacpp:prompt_tokens_total{router="${router}"}`)).toBe(14)
    expect(values.get(`islet_cached_tokens_total{router="${router}"}`)).toBe(10)
    expect(values.get(`islet_generations_total{router="${router}",end="stop"}`)).toBe(2)
    expect(body).not.toContain('islet_kv_pages')
  })

  it("never holds a tenant's name", async () => {
    const key = 'sk-tenant'
    const { app } = appOver(fakeLanes(HELLO, { metrics: async () => undefined }))
    const headers = { authorization: `Bearer ${key}` }
    const fields = JSON.stringify(chat({ user: 'ann' }))
    await (
      await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body: fields, headers })
    ).text()
    const body = await (await app.request(`${ORIGIN}/metrics`, { headers })).text()
    expect(body).toContain('islet_generations_total')
    expect(body).not.toMatch(/sk-tenant|ann|[0-9a-f]{32}/)
  })
})

describe('the line of a generation', () => {
  async function told(script: Step[], body: object = chat(), path = '/v1/chat/completions') {
    const lines: (GenerationLine & { requestId: string })[] = []
    const { app } = appOver(fakeLanes(script), { tell: (line) => lines.push(line) })
    const init = {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { authorization: 'Bearer sk-secret' },
    }
    const response = await app.request(`${ORIGIN}${path}`, init)
    const id = response.headers.get('x-request-id')
    await response.text()
    return { lines, id }
  }

  it.each([false, true])('has tokens, times and the reason, once (streamed: %s)', async (stream) => {
    const { lines, id } = await told(HELLO, chat({ stream }))
    expect(lines).toEqual([
      {
        requestId: id,
        call: 'generate',
        kind: 'chat',
        model: MODEL,
        promptTokens: 12,
        cachedTokens: 5,
        completionTokens: 3,
        newTokens: 3,
        waitMs: 0,
        promptMs: 0,
        answerMs: 0,
        reason: 'stop',
      },
    ])
  })

  it('has no text and no key', async () => {
    const { lines } = await told([start, text('a private answer'), finish], chat({ user: 'ann' }))
    expect(JSON.stringify(lines)).not.toMatch(/private|Hi|ann|secret|[0-9a-f]{64}/)
  })

  it('has the code of an error, also of one that is thrown', async () => {
    const error: GenerationEvent = { type: 'error', code: 'overloaded', message: 'full' }
    expect((await told([error])).lines).toMatchObject([{ reason: 'error', code: 'overloaded' }])
    const { lines } = await told([start, text('a'), { fail: new Error('gone') }])
    expect(lines).toMatchObject([{ reason: 'error', code: 'internal_error', completionTokens: 1 }])
  })

  it('is of scores too', async () => {
    const body = { model: MODEL, input: 'x', questions: [{ type: 'predicate', instructions: 'Is it?' }] }
    const { lines } = await told(HELLO, body, '/v1/decisions')
    expect(lines).toMatchObject([{ call: 'score', reason: 'error', code: 'engine_failure' }])
  })

  it('tells of a reader that left', async () => {
    const lines: GenerationLine[] = []
    const script = [start, text('a'), { wait: 20 }, text('b'), { wait: 20 }, finish]
    const { app } = appOver(fakeLanes(script), { tell: (line) => lines.push(line) })
    const body = JSON.stringify(chat({ stream: true }))
    const response = await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body })
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(lines).toMatchObject([{ reason: 'left', promptTokens: 12 }])
    expect(lines[0]).not.toHaveProperty('code')
  })

  it('is a point of Analytics Engine with figures alone', async () => {
    const { lines } = await told(HELLO)
    expect(pointOf({ ...lines[0], waitMs: 1, promptMs: 2, answerMs: 3 })).toEqual({
      indexes: [MODEL],
      blobs: ['generate', 'chat', MODEL, 'stop', '', ''],
      doubles: [12, 5, 3, 1, 2, 3],
    })
  })

  it('is not waited for: an app that nobody asked to tell tells nobody', async () => {
    const app = createApp({
      lanes: () => fakeLanes().lanes,
      config: { apiKeys: undefined },
      now: () => 0,
      newId: () => 'id',
      newSeed: () => 1,
    })
    const body = JSON.stringify(chat())
    expect((await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body })).status).toBe(200)
  })
})

describe('a meter', () => {
  const clock =
    (...times: number[]) =>
    () =>
      times.length > 1 ? times.shift()! : times[0]

  it('cuts the time at the start and at the first token', () => {
    const meter = new Meter(clock(0, 100, 350, 1000))
    for (const event of [start, { ...text(''), ids: [] }, text('a')] as GenerationEvent[])
      expect(meter.see(event)).toBe(false)
    expect(meter.see(finish)).toBe(true)
    expect(meter.end()).toMatchObject({ waitMs: 100, promptMs: 250, answerMs: 650, reason: 'stop' })
    expect(meter.end()).toBeUndefined()
  })

  it('names an answer that the platform stopped', () => {
    const meter = new Meter(() => 0)
    meter.see({ ...finish, stopped: 'cpu_limit' } as GenerationEvent)
    expect(meter.end()?.reason).toBe('cpu_limit')
  })

  const tally: Tally = {
    ...new Meter(() => 0).end()!,
    promptTokens: 10,
    cachedTokens: 4,
    newTokens: 2,
    completionTokens: 2,
    reason: 'length',
  }

  it('is added up', () => {
    const counts = noGenerations()
    count(counts, { ...tally, waitMs: 100, promptMs: 150, answerMs: 10 })
    count(counts, { ...tally, completionTokens: 9, waitMs: 1e6 })
    expect(counts).toMatchObject({
      promptTokens: 12,
      cachedTokens: 8,
      predictedTokens: 4,
      tokensMax: 19,
      ended: { length: 2 },
    })
    expect(counts.firstTokens).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    expect(counts.firstSeconds).toBeCloseTo(1000.25)
  })

  it('counts of a reading on what is new alone, and nothing of one that repeats', () => {
    const counts = noGenerations()
    count(counts, { ...tally, again: 'repeated' })
    expect(counts).toEqual(noGenerations())
    count(counts, { ...tally, again: 'goes on' })
    expect(counts).toMatchObject({
      promptTokens: 0,
      cachedTokens: 0,
      predictedTokens: 2,
      ended: { length: 1 },
    })
    const meter = new Meter(() => 0)
    meter.told(2, 'goes on')
    for (const event of HELLO) meter.see(event as GenerationEvent)
    expect(meter.end()).toMatchObject({ again: 'goes on', newTokens: 1, completionTokens: 3 })
  })
})
