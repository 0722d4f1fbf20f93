// The shield asks the platform's rate limiter for each request of a key, and tells clients what is known of the limit.

import { RateLimitError } from 'openai'
import { describe, expect, it } from 'vitest'
import { hashText } from '../../src/api/http/hash-text.ts'
import { appOver, chat, clientOver, fakeLanes, HELLO, ORIGIN, type Settings } from './helpers.ts'

const rate = { limit: 3, seconds: 10 } as const

/** A limiter as the platform's: so many for each key. */
function counting(limit: number): { limiter: NonNullable<Settings['limiter']>; asked: string[] } {
  const asked: string[] = []
  const limiter = async (tenant: string) => {
    asked.push(tenant)
    return asked.filter((other) => other === tenant).length <= limit
  }
  return { limiter, asked }
}

const headersOf = (response: Response) =>
  ['limit', 'remaining', 'reset'].map((name) => response.headers.get(`x-ratelimit-${name}-requests`))

describe('the shield', () => {
  it('refuses more than the binding allows, and says when to come again', async () => {
    const fake = fakeLanes(HELLO)
    const { app } = appOver(fake, { ...counting(3), rate })
    const ask = () =>
      app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(chat()) })
    for (let i = 0; i < 3; i++) {
      const response = await ask()
      expect(response.status).toBe(200)
      // How many remain, the binding does not say.
      expect(headersOf(response)).toEqual(['3', null, null])
    }
    const response = await ask()
    expect(response.status).toBe(429)
    expect(headersOf(response)).toEqual(['3', '0', '10s'])
    expect(response.headers.get('retry-after')).toBe('10')
    expect(await response.json()).toMatchObject({
      error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', param: null },
    })
    expect(fake.requests).toHaveLength(3)
  })

  it('counts each key for itself, and nobody whose key is none', async () => {
    const { limiter, asked } = counting(1)
    const [a, b] = await Promise.all([hashText('a'), hashText('b')])
    const { app } = appOver(fakeLanes(HELLO), { limiter, apiKeys: `${a},${b}:infer` })
    const ask = async (key: string) =>
      (await app.request(`${ORIGIN}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status
    expect([await ask('a'), await ask('b'), await ask('a'), await ask('c')]).toEqual([200, 200, 429, 401])
    expect(asked).toEqual([a, b, a])
  })

  it('leaves /health and the front page to everybody', async () => {
    const { limiter, asked } = counting(0)
    const { app } = appOver(fakeLanes(HELLO), { limiter })
    for (const path of ['/', '/health']) expect((await app.request(`${ORIGIN}${path}`)).status).toBe(200)
    expect(asked).toEqual([])
  })

  it('tells no limit that it was not told, and waits for the longest period', async () => {
    const { app } = appOver(fakeLanes(HELLO), counting(0))
    const response = await app.request(`${ORIGIN}/v1/models`)
    expect(response.status).toBe(429)
    expect(headersOf(response)).toEqual([null, '0', '60s'])
    expect(response.headers.get('retry-after')).toBe('60')
  })

  it('lets everything through where the limiter fails, and logs it', async () => {
    const limiter = () => Promise.reject(new Error('no limiter'))
    const { app, logged } = appOver(fakeLanes(HELLO), { limiter })
    expect((await app.request(`${ORIGIN}/v1/models`)).status).toBe(200)
    expect(logged).toMatchObject([{ code: 'limiter_lost', message: 'Error: no limiter' }])
  })

  it('is an error of its own kind for a client', async () => {
    const { client } = clientOver(fakeLanes(HELLO), { ...counting(0), rate })
    const error = await client.models.list({ maxRetries: 0 }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RateLimitError)
    expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' })
    expect((error as RateLimitError).headers.get('retry-after')).toBe('10')
  })

  it('says nothing where none is bound', async () => {
    const response = await appOver(fakeLanes(HELLO)).app.request(`${ORIGIN}/v1/models`)
    expect(headersOf(response)).toEqual([null, null, null])
  })
})

describe('CORS (E6)', () => {
  it('reflects what a browser asks for, and lets it read what clients look at', async () => {
    const { app } = appOver(fakeLanes(HELLO), { ...counting(9), rate })
    const origin = 'http://localhost:3000'
    const names = [
      'arch',
      'lang',
      'os',
      'package-version',
      'retry-count',
      'runtime',
      'runtime-version',
      'timeout',
      'helper-method',
    ]
    const asked = [
      'authorization',
      'content-type',
      'x-api-key',
      'anthropic-version',
      ...names.map((name) => `x-stainless-${name}`),
    ]
    const preflight = await app.request(`${ORIGIN}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked.join(','),
      },
    })
    expect(preflight.headers.get('access-control-allow-headers')?.split(/, */)).toEqual(asked)
    const response = await app.request(`${ORIGIN}/v1/models`, { headers: { origin } })
    const exposed = response.headers.get('access-control-expose-headers')?.split(',') ?? []
    const read = ['x-request-id', 'retry-after', 'retry-after-ms', 'x-islet-session']
    const limits = ['limit', 'remaining', 'reset'].map((name) => `x-ratelimit-${name}-requests`)
    for (const name of [...read, ...limits]) expect(exposed).toContain(name)
  })
})
