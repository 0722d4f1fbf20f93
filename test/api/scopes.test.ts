// Scopes say what a key may do: each route names those that suffice, and a key without scopes may do everything.

import { describe, expect, it } from 'vitest'
import { hashText } from '../../src/api/http/hash-text.ts'
import { findKey, parseKeys } from '../../src/api/http/keys.ts'
import { accessTo, ROUTES } from '../../src/api/routes.ts'
import { appOver, chat, fakeLanes, HELLO, ORIGIN, READY } from './helpers.ts'

const [plain, infer, read, operate, both] = await Promise.all(
  ['sk-plain', 'sk-infer', 'sk-read', 'sk-operate', 'sk-both'].map(hashText),
)
const apiKeys = `${plain}, ${infer}:infer\n${read}:read@${infer},${operate.toUpperCase()}:operate ${both}:read+infer`

async function ask(method: string, path: string, key: string, fake = fakeLanes(HELLO)) {
  const body = method === 'POST' ? JSON.stringify(chat()) : undefined
  const headers = { authorization: `Bearer sk-${key}` }
  return appOver(fake, { apiKeys }).app.request(`${ORIGIN}${path}`, { method, headers, body })
}

const CASES: [method: string, path: string, allowed: string[]][] = [
  ['POST', '/v1/chat/completions', ['plain', 'infer', 'both']],
  ['POST', '/v1/decisions', ['plain', 'infer', 'both']],
  ['POST', '/v1/responses/resp_0_a_b/cancel', ['plain', 'infer', 'both']],
  ['POST', '/v1/sessions/sess_0_a/fork', ['plain', 'infer', 'both']],
  ['GET', '/v1/responses/resp_0_a_b', ['plain', 'infer', 'read', 'both']],
  ['GET', '/v1/sessions/sess_0_a/stream', ['plain', 'infer', 'read', 'both']],
  ['GET', '/v1/responses/resp_0_a_b/input_items', ['plain', 'read', 'both']],
  ['GET', '/v1/sessions', ['plain', 'read', 'both']],
  ['HEAD', '/v1/sessions', ['plain', 'read', 'both']],
  ['GET', '/v1/sessions/sess_0_a', ['plain', 'read', 'both']],
  ['GET', '/v1/sessions/sess_0_a/memory', ['plain', 'read', 'both']],
  ['DELETE', '/v1/sessions', ['plain', 'operate']],
  ['DELETE', '/v1/sessions/sess_0_a', ['plain', 'operate']],
  ['DELETE', '/v1/responses/resp_0_a_b', ['plain', 'operate']],
  ['GET', '/metrics', ['plain', 'operate']],
  ['GET', '/v1/models', ['plain', 'infer', 'read', 'operate', 'both']],
]

describe.each(CASES)('%s %s', (method, path, allowed) => {
  it(`takes ${allowed.join(', ')} alone`, async () => {
    for (const key of ['plain', 'infer', 'read', 'operate', 'both']) {
      const fake = fakeLanes(HELLO)
      const response = await ask(method, path, key, fake)
      expect(response.status === 403, key).toBe(!allowed.includes(key))
      if (response.status === 403) expect([fake.requests, fake.asked]).toEqual([[], []])
    }
    expect((await ask(method, path, 'nobody')).status).toBe(401)
  })
})

describe('a refusal', () => {
  it('names the scope that is missing, and those that the key has', async () => {
    const response = await ask('POST', '/v1/chat/completions', 'read')
    const { error } = (await response.json()) as { error: Record<string, unknown> }
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'insufficient_scope', param: null })
    expect(error['message']).toBe('This needs a key with the scope infer; this one has read')
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope", scope="infer"')
    expect(await (await ask('GET', '/v1/sessions/sess_0_a/stream', 'operate')).text()).toContain(
      'infer or read',
    )
  })

  it('of the details of /health is their absence', async () => {
    const fake = fakeLanes(HELLO, { health: async () => ({ ...READY, running: 2 }) })
    for (const key of ['plain', 'infer', 'read', 'operate', 'both']) {
      const body = (await (await ask('GET', '/health', key, fake)).json()) as object
      expect('running' in body, key).toBe(['plain', 'operate'].includes(key))
    }
  })
})

describe('the tenant', () => {
  it('is that of the entry behind @, so that a key may read what another asked for', async () => {
    const fake = fakeLanes(HELLO)
    await ask('GET', '/v1/sessions', 'read', fake)
    await ask('GET', '/v1/sessions', 'both', fake)
    await ask('POST', '/v1/chat/completions', 'infer', fake)
    expect(fake.asked).toEqual([`sessions ${infer} 101`, `sessions ${both} 101`])
    expect(fake.requests.map(({ tenant }) => tenant)).toEqual([infer])
  })
})

describe('API_KEYS', () => {
  it('reads scopes and tenants, and hashes alone as all of them', () => {
    expect(parseKeys(apiKeys)).toEqual([
      { hash: plain, scopes: undefined, tenant: plain },
      { hash: infer, scopes: ['infer'], tenant: infer },
      { hash: read, scopes: ['read'], tenant: infer },
      { hash: operate, scopes: ['operate'], tenant: operate },
      { hash: both, scopes: ['infer', 'read'], tenant: both },
    ])
    expect(parseKeys(undefined)).toEqual([])
  })

  it.each([
    [`${plain}:`, 'Entry 1 of the secret API_KEYS has a scope'],
    [`${plain}:infer,${infer}:admin`, 'Entry 2 of the secret API_KEYS has a scope'],
    [`${plain}:infer+infer`, 'has a scope'],
    [`${plain}:INFER`, 'has a scope'],
    [`${plain}@${infer}`, 'names, behind @, no hash of another entry'],
    [`${plain}@`, 'names, behind @, no hash of another entry'],
    [`${plain}:infer@x`, 'names, behind @, no hash of another entry'],
    [`${plain}x`, 'is not a hash'],
    [`:infer`, 'is not a hash'],
  ])('refuses %s', async (secret, says) => {
    expect(() => parseKeys(secret)).toThrow(says)
    const headers = { authorization: 'Bearer sk-plain' }
    const response = await appOver(fakeLanes(), { apiKeys: secret }).app.request(`${ORIGIN}/v1/models`, {
      headers,
    })
    expect(response.status).toBe(401)
    const told = await response.text()
    expect(told).toContain('HASH:infer+read')
    expect(told).not.toContain(plain)
  })

  it('of two entries of one hash the last counts', () => {
    expect(findKey(parseKeys(`${plain}:infer,${plain}:read`), plain)?.scopes).toEqual(['read'])
    expect(findKey(parseKeys(plain), infer)).toBeUndefined()
  })
})

describe('the route table', () => {
  it.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s says who may ask it (access in src/api/routes.ts)',
    (_, { access }) => expect(access).toBeDefined(),
  )

  it('opens to everybody only what tells nothing of anyone', () => {
    const open = ROUTES.filter(({ access }) => access === 'open').map(({ path }) => path)
    expect(open).toEqual(['/openapi.json', '/docs', '/health', '/', '/play/:name'])
    const { access: _, ...forgotten } = ROUTES[0]
    expect(accessTo(forgotten)).toEqual(['operate'])
  })
})
