// The page is for browsers: who gets it and who gets JSON, with which headers, and that no name leads out of its folder.

import { describe, expect, it } from 'vitest'
import { appOver, fakeLanes, ORIGIN } from './helpers.ts'

/** What Chromium, Firefox and Safari send for an address that is typed. */
const BROWSER =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7'

const FILES: Record<string, string> = {
  'index.page': '<!doctype html>',
  'page-ABCD2345.js': '"script"',
  'page-ABCD2345.css': 'body{}',
  'sw.js': '"worker"',
  // What lies in the folder though nobody shall get it by name.
  'page-ABCD2345.js.map': 'map',
  'notes.txt': 'notes',
}

function over(settings: Parameters<typeof appOver>[1] = {}) {
  const asked: string[] = []
  const page = async (name: string): Promise<Response> => {
    asked.push(name)
    return name in FILES ? new Response(FILES[name]) : new Response('no', { status: 404 })
  }
  const { app } = appOver(fakeLanes(), { page, ...settings })
  const get = async (path: string, accept?: string, method = 'GET'): Promise<Response> =>
    app.request(`${ORIGIN}${path}`, { method, ...(accept !== undefined && { headers: { accept } }) })
  return { get, asked }
}

describe('GET /', () => {
  it.each([
    BROWSER,
    'text/html',
    'text/html, application/json;q=0.9',
    'TEXT/HTML;level=1, */*;q=0.1',
    'application/json;q=0.2,text/html ; q=0.3',
  ])('is the page for "%s"', async (accept) => {
    const response = await over().get('/', accept)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await response.text()).toBe('<!doctype html>')
  })

  it.each([
    undefined,
    '*/*',
    'application/json',
    'application/json, text/html',
    'text/html;q=0.4, application/json;q=0.5',
    'text/html;q=0, */*',
    'text/plain',
    'application/json, text/plain, */*',
    'text/html;q=much',
    '',
  ])('is JSON for %j', async (accept) => {
    const { get, asked } = over()
    const response = await get('/', accept)
    expect(response.status).toBe(200)
    expect(((await response.json()) as { name: string }).name).toBe('Islet')
    expect(asked).toEqual([])
  })

  it('says in either case that the answer depends on the header', async () => {
    for (const accept of [BROWSER, '*/*'])
      expect((await over().get('/', accept)).headers.get('vary')?.toLowerCase()).toContain('accept')
  })

  it('answers HEAD as GET, without the body', async () => {
    const { get } = over()
    const head = await get('/', BROWSER, 'HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
    const names = ['content-type', 'content-security-policy', 'cache-control', 'vary']
    const whole = await get('/', BROWSER)
    for (const name of names) expect(head.headers.get(name)).toBe(whole.headers.get(name))
  })

  it('is JSON where the deployment was built without the page', async () => {
    const page = async (): Promise<Response> => new Response('no', { status: 404 })
    const response = await over({ page }).get('/', BROWSER)
    expect(((await response.json()) as { name: string }).name).toBe('Islet')
  })

  it('needs no key where keys are configured: the page asks for one', async () => {
    const response = await over({ apiKeys: 'a'.repeat(64) }).get('/', BROWSER)
    expect(response.status).toBe(200)
  })
})

describe('the policy', () => {
  it('lets in scripts and styles of this origin alone, and strings never become script', async () => {
    const response = await over().get('/', BROWSER)
    const policy = Object.fromEntries(
      (response.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
        const [name, ...sources] = directive.split(' ')
        return [name, sources.join(' ')]
      }),
    )
    expect(policy).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' data:",
      'connect-src': "'self' https: http://localhost:*",
      'frame-ancestors': "'none'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'require-trusted-types-for': "'script'",
      'trusted-types': 'islet',
    })
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  })
})

describe('GET /play/:name', () => {
  it.each([
    ['page-ABCD2345.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['page-ABCD2345.css', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['sw.js', 'text/javascript; charset=utf-8', 'no-cache'],
  ])('gives %s', async (name, type, cached) => {
    const response = await over().get(`/play/${name}`)
    expect(await response.text()).toBe(FILES[name])
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('cache-control')).toBe(cached)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it('lets the service worker have the whole origin', async () => {
    expect((await over().get('/play/sw.js')).headers.get('service-worker-allowed')).toBe('/')
  })

  it.each([
    'index.page',
    'notes.txt',
    'page-ABCD2345.js.map',
    'page-abcd2345.js',
    'page-ABCD2345.js%0a',
    '..%2fmodels%2ftiny%2fweights-000.bin',
    '..%5cmodels%5ctiny%5cweights-000.bin',
    '%2e%2e%2fmodels%2ftiny%2fmanifest.json',
    '../models/tiny/weights-000.bin',
    'x/../../models/tiny/weights-000.bin',
    '%252e%252e%252fmodels%252ftiny%252fmanifest.json',
    'weights-000.bin',
    'sw.js%00.bin',
    'sw.js%2f..%2f..%2fmodels',
    '//models/tiny/manifest.json',
    '',
  ])('has nothing at /play/%s, and asks no asset for it', async (name) => {
    const { get, asked } = over()
    const response = await get(`/play/${name}`)
    expect(response.status).toBe(404)
    expect(asked).toEqual([])
  })

  it('has nothing at the name of another build', async () => {
    expect((await over().get('/play/page-ZZZZ7777.js')).status).toBe(404)
  })
})
