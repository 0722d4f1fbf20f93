// Paths, methods, limits, models, health, keys, hosts and origins.

import { describe, expect, it } from 'vitest'
import { parseKeyHashes } from '../../src/api/http/auth.ts'
import { hashText } from '../../src/api/http/hash-text.ts'
import type { LaneHealth } from '../../src/protocol/lane-reports.ts'
import { MODEL, ORIGIN, READY, HELLO, appOver, chat, clientOver, fakeLanes } from './helpers.ts'

const call = (path: string, init: RequestInit = {}, config = {}, fake = fakeLanes()) =>
  appOver(fake, config).app.request(path.startsWith('http') ? path : ORIGIN + path, init)

async function errorOf(response: Response) {
  return (
    (await response.json()) as { error: { message: string; type: string; param: unknown; code: string } }
  ).error
}

describe('paths and methods', () => {
  const cases: [method: string, path: string, status: number, allow?: string][] = [
    ['GET', '/', 200],
    ['HEAD', '/', 200],
    ['GET', '/health', 200],
    ['HEAD', '/health', 200],
    ['GET', '/v1/models', 200],
    ['HEAD', '/v1/models', 200],
    ['GET', `/v1/models/${MODEL}`, 200],
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/models/', 200],
    ['GET', `/v1/models/${MODEL}/`, 200],
    ['GET', '/health/', 200],
    ['GET', '/v1/nothing/', 404],
    ['GET', '/v1/responses/', 405, 'POST, OPTIONS'],
    ['GET', '/v1/chat/completions/', 405, 'POST, OPTIONS'],
    ['POST', '/v1/sessions/x/stream/', 405, 'GET, OPTIONS'],
    ['GET', '/favicon.ico', 404],
    ['POST', '/v1/moderations', 404],
    ['GET', '/%zz', 404],
    ['GET', '/v1/models/%E0%A4%A', 404],
    ['GET', '/v1/chat/completions', 405, 'POST, OPTIONS'],
    ['HEAD', '/v1/chat/completions', 405, 'POST, OPTIONS'],
    ['PUT', '/v1/completions', 405, 'POST, OPTIONS'],
    ['DELETE', `/v1/models/${MODEL}`, 405, 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/models', 405, 'GET, HEAD, OPTIONS'],
    ['POST', '/health', 405, 'GET, HEAD, OPTIONS'],
    ['PATCH', '/', 405, 'GET, HEAD, OPTIONS'],
    ['GET', '/v1/responses', 405, 'POST, OPTIONS'],
    ['PUT', '/v1/responses/resp_x', 405, 'GET, HEAD, DELETE, OPTIONS'],
    ['GET', '/v1/responses/resp_x/cancel', 405, 'POST, OPTIONS'],
    ['GET', '/v1/sessions/x/fork', 405, 'POST, OPTIONS'],
    ['POST', '/v1/sessions/x/stream', 405, 'GET, OPTIONS'],
  ]
  for (const [method, path, status, allow] of cases) {
    it(`${method} ${path} ${status}`, async () => {
      const response = await call(path, { method })
      expect(response.status).toBe(status)
      expect(response.headers.get('x-request-id')).toBe('id1')
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
      if (allow !== undefined) expect(response.headers.get('allow')).toBe(allow)
      if (method === 'HEAD') expect(await response.text()).toBe('')
      else if (status >= 400) {
        const code =
          status === 405
            ? 'method_not_allowed'
            : path.startsWith('/v1/models/%')
              ? 'model_not_found'
              : 'not_found'
        expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error', code })
      }
    })
  }

  it('bodies above the limit are 413, declared or not; any content type that parses is read', async () => {
    const body = JSON.stringify(chat({ metadata: 'x'.repeat(500) }))
    const path = '/v1/chat/completions'
    for (const init of [{ body }, { body: new Blob([body]).stream(), duplex: 'half' }]) {
      const response = await call(path, { method: 'POST', ...init }, { maxBodyBytes: 400 })
      expect(response.status).toBe(413)
      expect((await errorOf(response)).code).toBe('body_too_large')
    }
    const headers = { 'content-type': 'text/plain' }
    expect((await call(path, { method: 'POST', body, headers }, { maxBodyBytes: 2000 })).status).toBe(200)
    expect((await call(path, { method: 'POST', body: 'a=b', headers })).status).toBe(400)
    expect((await call(path, { method: 'POST' })).status).toBe(400)
  })
})

describe('a slash at the end of a path', () => {
  it.each([
    ['/v1/chat/completions', chat()],
    ['/v1/completions', { model: MODEL, prompt: 'a' }],
    ['/v1/responses', { model: MODEL, input: 'a' }],
  ])('%s/ is as without it', async (path, body) => {
    const response = await call(`${path}/`, { method: 'POST', body: JSON.stringify(body) })
    expect(response.status).toBe(200)
    expect((await call(`${path}/`, { method: 'POST', body: '{}' })).status).toBe(400)
  })

  it('is guarded as without it', async () => {
    const apiKeys = await hashText('a key')
    expect((await call('/v1/models/', {}, { apiKeys })).status).toBe(401)
  })
})

describe('models (B7)', () => {
  it('list and retrieve through the client, with slashes and without case', async () => {
    const { client } = clientOver(fakeLanes())
    const ids = (await client.models.list()).data.map((model) => model.id)
    expect(ids).toEqual([MODEL, 'org/tiny b'])
    expect(await client.models.retrieve('ORG/tiny b')).toMatchObject({
      id: 'org/tiny b',
      object: 'model',
      owned_by: 'islet',
    })
    expect((await call('/v1/models/org/tiny%20b')).status).toBe(200)
    await expect(client.models.retrieve('nope')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    })
  })
})

describe('health', () => {
  const states: [LaneHealth, number, string][] = [
    [READY, 200, 'ok'],
    [{ ...READY, state: 'loading', done: 10 }, 503, 'loading'],
    [{ ...READY, state: 'cold', done: 0 }, 503, 'loading'],
    [{ ...READY, state: 'failed', message: 'shard 2 has another hash' }, 503, 'error'],
  ]
  for (const [health, status, word] of states) {
    it(`${health.state}: ${status}`, async () => {
      const response = await call('/health', {}, {}, fakeLanes(HELLO, { health: async () => health }))
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({
        status: word,
        state: health.state,
        model: MODEL,
        window: 1024,
        sinks: 4,
        loaded_bytes: health.done,
        ...(health.message !== undefined && { message: health.message }),
      })
    })
  }

  it('names all windows where they differ by depth, and the widest', async () => {
    const body = async (window: LaneHealth['window']): Promise<Record<string, unknown>> => {
      const lanes = fakeLanes(HELLO, { health: async () => ({ ...READY, window }) })
      return (await (await call('/health', {}, {}, lanes)).json()) as Record<string, unknown>
    }
    const deep = await body({ window: 1024, sinks: 4, byDepth: [256, 1024] })
    expect(deep).toMatchObject({ window: 1024, windows: [256, 1024], sinks: 4 })
    expect(await body(READY.window)).not.toHaveProperty('windows')
  })

  it('of a lane that cannot be asked is a 500 without its secrets', async () => {
    const health = () => Promise.reject(new Error('internal detail'))
    const response = await call('/health', {}, {}, fakeLanes(HELLO, { health }))
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('internal detail')
  })
})

describe('keys and hosts', async () => {
  const apiKeys = `${await hashText('sk-one')},\n${(await hashText('sk-two')).toUpperCase()}\n`
  const cases: [
    name: string,
    keys: string | undefined,
    url: string,
    auth: string | undefined,
    status: number,
  ][] = [
    ['no keys, localhost', undefined, 'http://localhost:8787', undefined, 200],
    ['no keys, 127.0.0.1', undefined, 'http://127.0.0.1', undefined, 200],
    ['no keys, [::1]', ' \n', 'http://[::1]:1', 'Bearer x', 200],
    ['no keys, a name on the network', undefined, 'https://islet.example.workers.dev', undefined, 401],
    [
      'no keys, a name on the network and a bearer',
      undefined,
      'https://islet.example.workers.dev',
      'Bearer x',
      401,
    ],
    ['no keys, a name that begins like loopback', undefined, 'http://localhost.example.com', undefined, 401],
    ['no keys, another local address', undefined, 'http://192.168.1.5', undefined, 401],
    ['keys, none sent', apiKeys, 'https://islet.example.com', undefined, 401],
    ['keys, none sent from loopback', apiKeys, 'http://localhost', undefined, 401],
    ['keys, a wrong one', apiKeys, 'http://localhost', 'Bearer sk-three', 401],
    ['keys, the hash itself', apiKeys, 'http://localhost', `Bearer ${apiKeys.slice(0, 64)}`, 401],
    ['keys, another scheme', apiKeys, 'http://localhost', 'Basic sk-one', 401],
    ['keys, an empty bearer', apiKeys, 'http://localhost', 'Bearer ', 401],
    ['keys, the first', apiKeys, 'https://islet.example.com', 'Bearer sk-one', 200],
    ['keys, the second, scheme in lower case', apiKeys, 'https://islet.example.com', 'bearer sk-two', 200],
    ['a key instead of a hash', 'sk-one', 'http://localhost', 'Bearer sk-one', 401],
  ]
  for (const [name, keys, url, auth, status] of cases) {
    it(`${name}: ${status}`, async () => {
      const headers: Record<string, string> = auth === undefined ? {} : { authorization: auth }
      const response = await call(`${url}/v1/models`, { headers }, { apiKeys: keys })
      expect(response.status).toBe(status)
      if (status === 200) return
      const error = await errorOf(response)
      expect(error).toMatchObject({ code: 'invalid_api_key', type: 'invalid_request_error', param: null })
      expect(error.message).not.toContain('sk-')
      if (keys === undefined) expect(error.message).toMatch(/API_KEYS.*sha256sum/)
    })
  }

  it('health and the front page need no key, but a configured one or a loopback host', async () => {
    for (const path of ['/', '/health']) {
      expect((await call(`https://islet.example.com${path}`, {}, { apiKeys })).status).toBe(200)
      expect((await call(`https://islet.example.com${path}`)).status).toBe(401)
    }
  })

  it('health tells who has no key the state, and nothing of what others do', async () => {
    const busy: LaneHealth = {
      ...READY,
      message: 'm',
      note: 'n',
      linearMemoryBytes: 5,
      running: 2,
      waiting: 1,
      storage: {} as NonNullable<LaneHealth['storage']>,
    }
    const ask = async (keys: string | undefined, authorization?: string) => {
      const lanes = fakeLanes(HELLO, { health: async () => busy })
      const headers = authorization === undefined ? undefined : { authorization }
      const response = await call('/health', { headers }, { apiKeys: keys }, lanes)
      expect(response.status).toBe(200)
      return (await response.json()) as Record<string, unknown>
    }
    const state = { status: 'ok', state: 'ready', model: MODEL, loaded_bytes: 90, total_bytes: 90 }
    for (const authorization of [undefined, 'Bearer sk-three', 'Bearer ', `Bearer ${apiKeys.slice(0, 64)}`])
      expect(await ask(apiKeys, authorization)).toEqual(state)
    for (const [keys, authorization] of [
      [apiKeys, 'Bearer sk-two'],
      [undefined, undefined],
      [undefined, 'Bearer whoever'],
    ]) {
      const body = await ask(keys, authorization)
      expect(body).toMatchObject({ ...state, running: 2, waiting: 1, storage: {}, window: 1024, note: 'n' })
    }
  })

  it('without keys a page of another site may ask nothing', async () => {
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'http://localhost.evil.example' },
      { origin: 'http://192.168.1.5' },
      { origin: 'null' },
      { origin: 'file://' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'Cross-Site' },
      { 'sec-fetch-site': 'whatever' },
    ]
    const requests: [method: string, path: string][] = [
      ['POST', '/v1/chat/completions'],
      ['POST', '/v1/completions'],
      ['POST', '/v1/responses'],
      ['POST', '/v1/sessions/sess_1_a/fork'],
      ['GET', '/v1/sessions/sess_1_a/stream'],
      ['DELETE', '/v1/sessions'],
      ['GET', '/health'],
      ['HEAD', '/v1/models'],
      ['GET', '/'],
      ['PUT', '/nothing'],
    ]
    for (const headers of foreign) {
      for (const [method, path] of requests) {
        let asked = 0
        const health = () => Promise.resolve((asked++, READY))
        const fake = fakeLanes(HELLO, { health })
        // What a form sends needs no preflight.
        const init = { method, headers: { ...headers, 'content-type': 'text/plain' } }
        const body = method === 'POST' ? JSON.stringify(chat()) : undefined
        const response = await call(path, { ...init, body }, {}, fake)
        expect(response.status, JSON.stringify([headers, method, path])).toBe(403)
        expect(response.headers.get('access-control-allow-origin')).toBeNull()
        if (method !== 'HEAD') {
          const error = await errorOf(response)
          expect(error).toMatchObject({ code: 'origin_not_allowed', type: 'invalid_request_error' })
          expect(error.message).toContain('API_KEYS')
        }
        expect([asked, fake.requests, fake.asked]).toEqual([0, [], []])
      }
      const preflight = { ...headers, 'access-control-request-method': 'POST' }
      const response = await call('/v1/chat/completions', { method: 'OPTIONS', headers: preflight })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('programs and pages of this machine may ask without keys, and any page with one', async () => {
    const own: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'same-site' },
      { origin: ORIGIN, 'sec-fetch-site': 'same-origin' },
      { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' },
      { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://[::1]' },
    ]
    const body = JSON.stringify(chat())
    const ask = (headers: Record<string, string>, config = {}) =>
      call('/v1/chat/completions', { method: 'POST', body, headers }, config)
    for (const headers of own) {
      const response = await ask(headers)
      expect(response.status).toBe(200)
      expect(response.headers.get('access-control-allow-origin')).toBe(headers['origin'] ?? null)
    }
    const authorization = 'Bearer sk-one'
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const response = await ask({ ...foreign, authorization }, { apiKeys })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://evil.example')
    expect((await ask(foreign, { apiKeys })).status).toBe(401)
  })

  it('tenants: the hash of the key, of any bearer on loopback, or anonymous', async () => {
    const fake = fakeLanes()
    const body = JSON.stringify(chat())
    const ask = (config: object, authorization?: string) =>
      call(
        '/v1/chat/completions',
        { method: 'POST', body, headers: authorization ? { authorization } : {} },
        config,
        fake,
      )
    await ask({ apiKeys }, 'Bearer sk-two')
    await ask({}, 'Bearer whoever')
    await ask({})
    const expected = [await hashText('sk-two'), await hashText('whoever'), 'anonymous']
    expect(fake.requests.map((request) => request.tenant)).toEqual(expected)
    expect(new Set(fake.requests.map((request) => request.sessionKey)).size).toBe(3)
  })

  it('hashes are what sha256sum prints', async () => {
    expect(await hashText('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(parseKeyHashes(undefined)).toEqual([])
    expect(() => parseKeyHashes('sk-mine')).toThrow(/Entry 1.*not a hash/)
  })
})

describe('CORS (E6)', async () => {
  const apiKeys = await hashText('k')
  const preflight = (origin: string, config = {}) =>
    call(
      '/v1/chat/completions',
      {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers':
            'authorization,content-type,x-stainless-os,x-stainless-retry-count',
        },
      },
      config,
    )
  const origins: [origin: string, withKeys: boolean, allowed: boolean][] = [
    ['http://localhost:3000', false, true],
    ['http://127.0.0.1', false, true],
    ['http://[::1]:8080', false, true],
    ['https://evil.example', false, false],
    ['http://localhost.evil.example', false, false],
    ['null', false, false],
    ['https://app.example', true, true],
  ]
  for (const [origin, withKeys, allowed] of origins) {
    it(`${origin} ${withKeys ? 'with keys' : 'without keys'}: ${allowed ? 'allowed' : 'not'}`, async () => {
      const config = withKeys ? { apiKeys } : {}
      const before = await preflight(origin, config)
      expect(before.status).toBe(204)
      expect(before.headers.get('access-control-allow-origin')).toBe(allowed ? origin : null)
      expect(before.headers.get('access-control-allow-headers')).toContain('x-stainless-retry-count')
      expect(before.headers.get('access-control-allow-methods')).toContain('POST')
      const response = await call('/v1/models', { headers: { origin, authorization: 'Bearer k' } }, config)
      expect(response.status).toBe(allowed ? 200 : 403)
      expect(response.headers.get('access-control-allow-origin')).toBe(allowed ? origin : null)
      expect(response.headers.get('access-control-expose-headers')).toMatch(/x-request-id.*retry-after/)
      expect(response.headers.get('vary')).toContain('Origin')
    })
  }

  it('errors carry the headers too, so that a page can read them', async () => {
    const response = await call('/v1/models', { headers: { origin: 'https://app.example' } }, { apiKeys })
    expect(response.status).toBe(401)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
  })
})
