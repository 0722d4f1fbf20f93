// The sub-app in somebody else's app: at any path, behind their own door, with their own names, and nothing copied.

import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { subApp } from '../src/mount.ts'
import { setupOf, type IsletOptions } from '../src/options.ts'
import { appOver, chat, fakeLanes, HELLO, MODEL, ORIGIN, type Settings } from './api/helpers.ts'

type Variables = { user: string; tenant: string; requestId: number }

const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} }

function islet(options: IsletOptions = {}, settings: Settings = {}) {
  const fake = fakeLanes(HELLO)
  const toldCaller = options.caller !== undefined
  const { app, logged } = appOver(fake, { toldCaller, ...settings })
  const seen: Request[] = []
  const watched = { ...app, fetch: (request: Request, ...rest: [object]) => (seen.push(request), app.fetch(request, ...rest)) } // prettier-ignore
  const setup = setupOf<object, IsletOptions>(options)
  const sub = subApp((env: object) => ({ app: watched as unknown as typeof app, setup: setup(env) }))
  return { sub, fake, logged, seen }
}

/** An app with its own door, and names of its own that the API has too. */
function owned(mounted: ReturnType<typeof islet>['sub'], at = '/ai') {
  const app = new Hono<{ Variables: Variables }>()
  app.use(`${at}/*`, async (c, next) => {
    const key = c.req.header('authorization')
    if (key === undefined) return c.text('sign in', 401)
    c.set('user', key)
    c.set('tenant', 'not ours')
    c.set('requestId', 7)
    await next()
    c.header('x-seen', `${c.get('tenant')} ${c.get('requestId')}`)
  })
  app.get('/', (c) => c.text('home'))
  app.route(at, mounted)
  app.onError((error, c) => c.text(`app: ${error.message}`, 500))
  app.notFound((c) => c.text('app: nothing', 404))
  return {
    app,
    ask: async (path: string, init: RequestInit = {}, user: string | null = 'ada') =>
      app.request(`${ORIGIN}${path}`, { ...init, headers: { ...init.headers, ...(user !== null && { authorization: user }) } }, {}, ctx), // prettier-ignore
  }
}

const byUser: IsletOptions = { caller: (c) => c.get('user') as string | undefined }
const asking = (body: object = chat()): RequestInit => ({ method: 'POST', body: JSON.stringify(body) })

describe('mounted below a path', () => {
  test('it is behind the door of the app, and serves whom that lets in', async () => {
    const { sub, fake } = islet(byUser)
    const { ask } = owned(sub)
    expect(await (await ask('/ai/v1/models', {}, null)).text()).toBe('sign in')
    const answer = await ask('/ai/v1/chat/completions', asking())
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ object: 'chat.completion' })
    expect(fake.requests.map(({ tenant }) => tenant)).toEqual(['ada'])
    expect(await (await ask('/')).text()).toBe('home')
  })

  test('the variables of the app stay its own, and so do the headers that it sets', async () => {
    const { sub, fake } = islet(byUser)
    const response = await owned(sub).ask('/ai/v1/chat/completions', asking())
    expect(response.headers.get('x-seen')).toBe('not ours 7')
    expect(response.headers.get('x-request-id')).toBe('id1')
    expect(fake.requests[0].tenant).toBe('ada')
  })

  test.each(['/', '/ai', '/ai/', '/a/b/c', '/teams/:team/ai'])('at %s', async (at) => {
    const { sub } = islet(byUser)
    const { ask } = owned(sub, at === '/' ? '' : at.replace(/\/$/, ''))
    const base = at.replace(':team', 'my%20team').replace(/\/$/, '')
    for (const path of ['/v1/models', '/v1/models/', `/v1/models/${MODEL}?x=1`, '/v1/models/org%2Ftiny%20b'])
      expect([path, (await ask(base + path)).status]).toEqual([path, 200])
    expect((await ask(`${base}/v1/nothing`)).status).toBe(404)
  })

  test('what is wrong is worded by the API, in the words of each path', async () => {
    const { ask } = owned(islet(byUser).sub)
    const nothing = await ask('/ai/v1/nothing')
    expect(await nothing.json()).toMatchObject({ error: { message: 'There is nothing at "/v1/nothing"' } })
    expect((await ask('/ai/v1/models', { method: 'DELETE' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    const message = await ask('/ai/v1/messages', asking({}))
    expect(await message.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
    expect((await ask('/ai/v1/models', { method: 'HEAD' })).status).toBe(200)
  })

  test('the root tells what there is; the page is at the root of an origin alone', async () => {
    const page = async (): Promise<Response> => new Response('<!doctype html>')
    const html = { headers: { accept: 'text/html' } }
    const below = owned(islet(byUser, { page }).sub)
    for (const path of ['/ai', '/ai/'])
      expect(await (await below.ask(path, html)).json()).toMatchObject({ name: 'Islet' })
    expect((await below.ask('/ai/play/sw.js')).status).toBe(404)
    const { sub } = islet({}, { page })
    expect(await (await sub.request(`${ORIGIN}/`, html, {}, ctx)).text()).toBe('<!doctype html>')
  })

  test('a request goes on as it is, once, by one route', async () => {
    const { sub, seen } = islet(byUser)
    const { app } = owned(sub)
    const request = new Request(`${ORIGIN}/ai/v1/chat/completions`, {
      ...asking(),
      headers: { authorization: 'ada' },
    })
    expect((await app.fetch(request, {}, ctx)).status).toBe(200)
    expect(seen).toEqual([request])
    expect(seen[0]).toBe(request)
    expect(sub.routes).toHaveLength(1)
  })
})

describe('a caller that the app tells', () => {
  test('is asked for no key, from any host, and gets no headers for other origins', async () => {
    const { sub } = islet(byUser, { apiKeys: 'a'.repeat(64) })
    const app = new Hono<{ Variables: Variables }>()
    app.use(async (c, next) => (c.set('user', 'ada'), next()))
    app.route('/ai', sub)
    const headers = { origin: 'https://elsewhere.test' }
    const response = await app.request('https://app.test/ai/v1/models', { headers }, {}, ctx)
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('who is nobody is a 401, and no tenant is a fault of the app', async () => {
    const nobody = await owned(islet({ caller: () => undefined }).sub).ask('/ai/v1/models')
    expect(nobody.status).toBe(401)
    for (const tenant of ['', 'x'.repeat(129), 7 as unknown as string]) {
      const { sub, logged } = islet({ caller: async () => tenant })
      expect((await owned(sub).ask('/ai/v1/models')).status).toBe(500)
      expect(JSON.stringify(logged)).toContain('must be a string of 1 to 128 characters')
    }
  })

  test('may infer and read, and operate where that is said', async () => {
    const status = async (options: IsletOptions, path: string, init?: RequestInit): Promise<number> =>
      (await owned(islet(options).sub).ask(path, init)).status
    expect(await status(byUser, '/ai/v1/sessions')).toBe(200)
    expect(await status(byUser, '/ai/metrics')).toBe(403)
    expect(await status(byUser, '/ai/v1/sessions', { method: 'DELETE' })).toBe(403)
    const operator: IsletOptions = { caller: () => ({ tenant: 'root', scopes: ['operate'] }) }
    expect(await status(operator, '/ai/metrics')).toBe(200)
    expect(await status(operator, '/ai/v1/chat/completions', asking())).toBe(403)
    const health = async (options: IsletOptions): Promise<unknown> =>
      (await owned(islet(options).sub).ask('/ai/health')).json()
    expect(await health(byUser)).not.toHaveProperty('window')
    expect(await health(operator)).toHaveProperty('window', 1024)
  })

  test('without one the keys count, as they do where Islet serves alone', async () => {
    const { ask } = owned(islet({}, { apiKeys: 'a'.repeat(64) }).sub)
    expect((await ask('/ai/v1/models')).status).toBe(401)
  })
})

test('what is wrong with the options is an error of the app', async () => {
  const setup = setupOf<object, IsletOptions>(() => ({ chunk: 30 }))
  const sub = subApp((env: object) => ({ app: appOver(fakeLanes()).app, setup: setup(env) }))
  const response = await owned(sub).ask('/ai/v1/models')
  expect(await response.text()).toContain('app: option chunk is 30')
  await expect(async () => sub.request(`${ORIGIN}/v1/models`, {}, {}, ctx)).rejects.toThrow('option chunk')
})
