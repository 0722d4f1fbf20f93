// In the real worker: metrics of its lanes, a line for each generation, the rate limiter, and a reference that opens nothing else.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashText } from '../../src/api/http/hash-text.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

/** As wrangler.toml shows it. */
const LIMITER =
  '[[ratelimits]]\nname = "RATE_LIMITER"\nnamespace_id = "1001"\nsimple = { limit = 30, period = 60 }\n'

let worker: TestWorker
beforeAll(async () => {
  const keys = await Promise.all(['sk-a', 'sk-infer', 'sk-burst'].map(hashText))
  const vars = { LANES: '2', RATE_LIMIT: '30/60', API_KEYS: `${keys[0]} ${keys[1]}:infer ${keys[2]}` }
  worker = await startWorker(TINY_FOLDER, vars, { config: LIMITER, ready: 'sk-a' })
})
afterAll(() => worker?.stop())

const ask = (path: string, key = 'sk-a', init: RequestInit = {}): Promise<Response> =>
  fetch(`${worker.url}${path}`, { ...init, headers: { authorization: `Bearer ${key}` }, redirect: 'manual' })

const complete = (prompt: string, key?: string): Promise<Response> =>
  ask('/v1/completions', key, {
    method: 'POST',
    body: JSON.stringify({
      model: worker.model,
      prompt,
      max_tokens: 5,
      ignore_eos: true,
      prompt_cache_key: prompt,
    }),
  })

describe('GET /metrics', () => {
  it('adds up over the lanes what was asked of them', async () => {
    for (const prompt of ['one', 'two', 'three', 'four']) expect((await complete(prompt)).status).toBe(200)
    expect((await ask('/metrics', 'sk-infer')).status).toBe(403)
    const response = await ask('/metrics')
    expect(response.status).toBe(200)
    const body = await response.text()
    const sum = (name: string): number =>
      [...body.matchAll(new RegExp(`^${name}\\{lane="[01]".*\\} (\\S+)$`, 'gm'))].reduce(
        (all, [, n]) => all + Number(n),
        0,
      )
    expect(sum('islet_up')).toBe(2)
    expect(sum('llamacpp:tokens_predicted_total')).toBe(20)
    expect(sum('islet_generations_total')).toBe(4)
    expect(sum('islet_first_token_seconds_count')).toBe(4)
    expect(sum('islet_storage_rows_written_total')).toBeGreaterThan(0)
    expect(body).not.toContain(await hashText('sk-a'))
  })
})

describe('the log', () => {
  it('has a line for each generation, without text and key', async () => {
    const id = (await complete('a secret of mine', 'sk-infer')).headers.get('x-request-id')
    const line = (): string | undefined =>
      worker
        .log()
        .split('\n')
        .find((text) => text.includes(`"requestId":"${id}"`))
    for (let i = 0; i < 50 && line() === undefined; i++)
      await new Promise((resolve) => setTimeout(resolve, 100))
    const told = JSON.parse(line()!.slice(line()!.indexOf('{'))) as Record<string, unknown>
    expect(told).toMatchObject({
      event: 'generation',
      call: 'generate',
      kind: 'text',
      completionTokens: 5,
      reason: 'length',
    })
    expect(worker.log()).not.toMatch(/secret of mine|sk-infer/)
    expect(worker.log()).not.toContain(await hashText('sk-infer'))
  })
})

describe('the reference', () => {
  it('is given out, and nothing else of the assets is', async () => {
    const document = (await (await fetch(`${worker.url}/openapi.json`)).json()) as {
      openapi: string
      paths: object
    }
    expect(document.openapi).toMatch(/^3\.1/)
    expect(Object.keys(document.paths)).toContain('/v1/chat/completions')
    const page = await fetch(`${worker.url}/docs`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(await page.text()).toContain('<!doctype html>')
    const hidden = [
      `/models/${worker.model}/weights-000.bin`,
      `/models/${worker.model}/manifest.json`,
      `/docs/../models/${worker.model}/manifest.json`,
      `/docs/%2e%2e/models/${worker.model}/manifest.json`,
      `/reference/..%2fmodels/${worker.model}/manifest.json`,
      '/reference/openapi.json',
      '/docs.page',
    ]
    for (const path of hidden) expect((await ask(path)).status, path).toBe(404)
  })
})

describe('the rate limiter', () => {
  it('refuses a burst of one key, and no other key', async () => {
    const statuses: number[] = []
    let last: Response | undefined
    for (let i = 0; i < 40; i++) {
      last = await ask('/v1/models', 'sk-burst')
      statuses.push(last.status)
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(30)
    expect(last?.status).toBe(429)
    expect(last?.headers.get('retry-after')).toBe('60')
    expect(last?.headers.get('x-ratelimit-limit-requests')).toBe('30')
    expect(last?.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect((await ask('/v1/models')).status).toBe(200)
  })
})
