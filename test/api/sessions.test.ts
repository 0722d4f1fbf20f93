// Sessions over HTTP: their names in replies, what is asked of lanes, and reading on after any number of frames.

import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { hashText } from '../../src/api/http/hash-text.ts'
import type { SessionView } from '../../src/protocol/lane-reports.ts'
import {
  HELLO,
  MODEL,
  ORIGIN,
  SESSION,
  appOver,
  chat,
  clientOver,
  completion,
  fakeLanes,
  finish,
  post,
  sessionOf,
  start,
  stored,
  watched,
} from './helpers.ts'

const view: SessionView = {
  id: SESSION,
  model: 'm',
  state: 'done',
  createdAt: 1_000_500,
  usedAt: 2_000_000,
  expiresAt: 9_000_000,
  tokens: 40,
  completionTokens: 10,
  window: { window: undefined, sinks: 4, outOfSight: 0 },
  memory: { pages: 3, bytes: 300 },
  storage: { pages: 2, bytes: 200 },
}

describe('the memory of a session', () => {
  const report = {
    tokens: 40,
    reused: 17,
    pageTokens: 16,
    views: [
      { layers: 3, window: undefined, sinks: 0, outOfSight: 0 },
      { layers: 9, window: 16, sinks: 4, outOfSight: 19 },
    ],
    runs: [{ count: 3, memory: true, storage: false, reused: true, shared: 2, inSight: [true, false] }],
  }
  const worded = {
    object: 'session.memory',
    tokens: 40,
    cached_tokens: 17,
    page_tokens: 16,
    views: [
      { layers: 3, window: null, sinks: 0, out_of_sight: 0 },
      { layers: 9, window: 16, sinks: 4, out_of_sight: 19 },
    ],
    pages: [{ count: 3, memory: true, storage: false, reused: true, shared: 2, in_sight: [true, false] }],
  }
  const pool = { pages: 9, used: 5, session: 3, template: 1 }

  it('is asked of the key that asks, and told in words of the API', async () => {
    const asked: string[] = []
    const isolate = { weights: 1, pool: 2, scratch: 3, heap: 4, limit: 5 }
    let known: object = { pool, isolate }
    const fake = fakeLanes(HELLO, {
      memory: async (tenant, id) => {
        asked.push(`${tenant} ${id}`)
        return { id, ...report, ...known }
      },
    })
    const get = async () =>
      (await appOver(fake).app.request(`${ORIGIN}/v1/sessions/${SESSION}/memory`)).json()
    expect(await get()).toEqual({ id: SESSION, ...worded, pool, isolate })
    known = {}
    expect(await get()).toEqual({ id: SESSION, ...worded, pool: null, isolate: null })
    expect(asked).toEqual([`anonymous ${SESSION}`, `anonymous ${SESSION}`])
  })

  it('of an unknown one is not found', async () => {
    const reply = await appOver(fakeLanes()).app.request(`${ORIGIN}/v1/sessions/${SESSION}/memory`)
    expect([reply.status, await reply.json()]).toMatchObject([404, { error: { code: 'not_found' } }])
  })

  it('is asked for in a stream by `islet.memory` alone, and comes as a comment', async () => {
    const memory = { ...report, pool }
    const progress: GenerationEvent = { type: 'progress', state: 'prefill', done: 1, total: 2, memory }
    const fake = fakeLanes([progress, ...watched(memory).slice(0, 2), ...HELLO.slice(2)])
    const ask = async (islet: object) =>
      (await post(fake, '/v1/chat/completions', chat({ stream: true, islet }))).text()
    const wire = await ask({ memory: true })
    const comment = wire.split('\n\n').filter((frame) => frame.startsWith(':'))
    const wanted = `: islet.memory ${JSON.stringify({ ...worded, pool })}`
    expect(comment).toEqual([wanted, wanted])
    expect(wire.indexOf(wanted)).toBe(0)
    expect(wire.lastIndexOf(wanted)).toBeGreaterThan(0)
    await ask({ memory: false })
    await ask({})
    expect(fake.requests.map((request) => request.memory)).toEqual([true, undefined, undefined])
    const bad = await post(fake, '/v1/chat/completions', chat({ islet: { memory: 1 } }))
    expect([bad.status, await bad.json()]).toMatchObject([400, { error: { param: 'islet.memory' } }])
  })
})

describe('a stored generation', () => {
  it('names its session in header and body, streamed or not', async () => {
    const whole = await post(stored(), '/v1/chat/completions', chat())
    expect(whole.headers.get('x-islet-session')).toBe(SESSION)
    expect(await whole.json()).toMatchObject({ id: 'chatcmpl-id1', islet: { session: SESSION } })
    const stream = await post(stored(), '/v1/completions', completion({ stream: true }))
    expect(stream.headers.get('x-islet-session')).toBe(SESSION)
    expect(await stream.text()).toContain(`"islet":{"session":"${SESSION}"`)
  })

  it('asks with store, hash of the body, retry and reply', async () => {
    const fake = stored()
    const body = JSON.stringify(chat({ stream: true, stream_options: { include_usage: true } }))
    await (await post(fake, '/v1/chat/completions', body)).text()
    await post(fake, '/v1/completions', completion({ store: false }), { 'x-stainless-retry-count': '1' })
    const [first, second] = fake.requests
    expect(first).toMatchObject({
      store: true,
      bodyHash: await hashText(body),
      retry: false,
      background: false,
    })
    expect(first.reply).toMatchObject({ kind: 'chat', id: 'chatcmpl-id1', includeUsage: true })
    expect(second).toMatchObject({ store: false, retry: true, unseen: true, reply: { kind: 'text' } })
    // Of a stream its client sees the beginning; in the background nobody waits for it.
    expect(first.unseen).toBeUndefined()
    await post(fake, '/v1/responses', { model: MODEL, input: 'Hi', background: true })
    expect(fake.requests.map(({ background, unseen }) => [background, unseen])).toContainEqual([
      true,
      undefined,
    ])
  })

  it('that a retry continues has the id and time it began with', async () => {
    const older = { kind: 'chat', id: 'chatcmpl-old', created: 5, model: 'm', includeUsage: false }
    for (const stream of [false, true]) {
      const fake = fakeLanes([sessionOf(older), ...HELLO])
      const text = await (await post(fake, '/v1/chat/completions', chat({ stream }))).text()
      expect(text).toContain('"id":"chatcmpl-old"')
      expect(text).toContain('"created":5')
      expect(text).not.toContain('chatcmpl-id1')
    }
  })

  it('that fails right after its name has its own status', async () => {
    const fake = fakeLanes([sessionOf(null), { type: 'error', code: 'overloaded', message: 'full' }])
    expect((await post(fake, '/v1/chat/completions', chat({ stream: true }))).status).toBe(429)
    expect(fake.closed).toBe(1)
  })

  it('that was stopped short says so', async () => {
    const cut: GenerationEvent = { ...finish, reason: 'length', stopped: 'cpu_limit' } as GenerationEvent
    const reply = await post(fakeLanes([start, cut]), '/v1/chat/completions', chat())
    expect(await reply.json()).toMatchObject({ islet: { stopped: 'cpu_limit' } })
  })
})

describe('/v1/sessions', () => {
  it('words views, forks and deletions', async () => {
    const { app } = appOver(
      fakeLanes(HELLO, {
        sessions: async () => [view],
        session: async () => view,
        fork: async () => ({ ...view, id: 'sess_1_new' }),
        remove: async () => undefined,
      }),
    )
    const ask = async (method: string, path: string) =>
      app.request(`${ORIGIN}/v1/sessions${path}`, { method })
    const object = {
      id: SESSION,
      object: 'session',
      state: 'done',
      created_at: 1000,
      used_at: 2000,
      expires_at: 9000,
      tokens: 40,
      completion_tokens: 10,
      window: null,
      cache: { memory: { pages: 3, bytes: 300 }, storage: { pages: 2, bytes: 200 } },
    }
    expect(await (await ask('GET', '')).json()).toMatchObject({ object: 'list', data: [object] })
    expect(await (await ask('GET', `/${SESSION}`)).json()).toMatchObject(object)
    const forked = await ask('POST', `/${SESSION}/fork`)
    expect(forked.status).toBe(201)
    expect(await forked.json()).toMatchObject({ id: 'sess_1_new' })
    const deleted = { id: SESSION, object: 'session.deleted', deleted: true }
    expect(await (await ask('DELETE', `/${SESSION}`)).json()).toEqual(deleted)
    expect(await (await ask('DELETE', '')).json()).toEqual({ object: 'session.list.deleted', deleted: 3 })
    expect((await ask('PUT', '')).headers.get('allow')).toBe('GET, HEAD, DELETE, OPTIONS')
  })

  it('lists a page at a time', async () => {
    const asked: object[] = []
    const views = ['c', 'b', 'a'].map((id) => ({ ...view, id: `sess_0_${id}` }))
    const sessions = async (_: string, page: { limit: number; after?: string }) => {
      asked.push(page)
      return views.slice(0, page.limit)
    }
    const { app } = appOver(fakeLanes(HELLO, { sessions }))
    const list = async (query: string) => (await app.request(`${ORIGIN}/v1/sessions${query}`)).json()
    const ends = { first_id: 'sess_0_c', last_id: 'sess_0_b' }
    expect(await list('?limit=2&after=sess_0_d')).toMatchObject({ ...ends, has_more: true })
    expect(await list('')).toMatchObject({ last_id: 'sess_0_a', has_more: false })
    expect(asked).toEqual([
      { limit: 3, after: 'sess_0_d' },
      { limit: 101, after: undefined },
    ])
    for (const bad of ['0', '1001', 'x'])
      expect(await list(`?limit=${bad}`)).toMatchObject({
        error: { code: 'invalid_request', param: 'limit' },
      })
  })

  it('asks lanes in the name of the key, and passes on what is not found', async () => {
    const fake = fakeLanes()
    const { app } = appOver(fake)
    const tenant = await hashText('other')
    const asks = ['GET /x', 'DELETE /x', 'POST /x/fork', 'GET /x/stream'].map((ask) => ask.split(' '))
    for (const [method, path] of asks) {
      const headers = { authorization: 'Bearer other' }
      const response = await app.request(`${ORIGIN}/v1/sessions${path}`, { method, headers })
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
    }
    expect(fake.asked).toEqual(['session', 'remove', 'fork', 'resume'].map((name) => `${name} ${tenant} x`))
  })
})

describe('a stream that is read again', () => {
  const kinds = ['chat', 'text'] as const
  for (const kind of kinds) {
    it(`${kind}: goes on after exactly N frames, for every N`, async () => {
      const reply = { kind, id: 'i', created: 5, model: 'm', includeUsage: true }
      const fake = fakeLanes(HELLO, {
        async *resume() {
          yield sessionOf(reply)
          for (const event of HELLO) yield event as GenerationEvent
        },
      })
      const read = async (query: string) => {
        const response = await appOver(fake).app.request(`${ORIGIN}/v1/sessions/${SESSION}/stream${query}`)
        expect(response.headers.get('x-islet-session')).toBe(SESSION)
        return (await response.text()).split('\n\n').filter((frame) => frame.startsWith('data:'))
      }
      const all = await read('')
      expect(all.at(-1)).toBe('data: [DONE]')
      expect(all.length).toBeGreaterThan(5)
      for (let n = 0; n <= all.length + 1; n++) expect(await read(`?after=${n}`)).toEqual(all.slice(n))
    })
  }

  it('refuses a bad count, and HEAD', async () => {
    const fake = fakeLanes()
    for (const bad of ['-1', 'x', '1.5', '']) {
      const response = await appOver(fake).app.request(`${ORIGIN}/v1/sessions/s/stream?after=${bad}`)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { param: 'after' } })
    }
    const head = await appOver(fake).app.request(`${ORIGIN}/v1/sessions/s/stream`, { method: 'HEAD' })
    expect(head.status).toBe(405)
    expect(fake.asked).toEqual([])
  })

  it('may be deleted and resumed by pages of this machine', async () => {
    const { app } = clientOver(fakeLanes())
    const headers = {
      origin: 'http://localhost:1',
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'x-stainless-retry-count',
    }
    const response = await app.request(`${ORIGIN}/v1/sessions`, { method: 'OPTIONS', headers })
    expect(response.headers.get('access-control-allow-methods')).toContain('DELETE')
    expect(response.headers.get('access-control-allow-headers')).toContain('x-stainless-retry-count')
  })
})
