// The state of the server: where it is, what its failures are called, and which words a standing has.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { call, callJson, send, ServerError } from '../../page/client/server.ts'
import { events, type ServerEvent } from '../../page/client/events.ts'
import {
  askNow,
  baseOf,
  connect,
  health,
  model,
  models,
  reachable,
  server,
  useModel,
  useServer,
  tell,
  trouble,
  wrongBase,
  type Health,
} from '../../page/state/server.ts'
import { standing, standingOf, words, wordsOf } from '../../page/state/standing.ts'

const HERE = { base: '', key: '' }
const LOADING: Health = {
  status: 'loading',
  state: 'loading',
  model: 'tiny',
  loaded_bytes: 3_400_000,
  total_bytes: 10_000_000,
}
const READY: Health = { ...LOADING, status: 'ok', state: 'ready' }

type Asked = { url: string; headers: Headers; init: RequestInit }
let asked: Asked[]
let replies: (() => Response | Promise<Response>)[]

/** Each request takes the next reply; the last one stays. */
function reply(...given: (() => Response | Promise<Response>)[]): void {
  replies = given
}

beforeEach(() => {
  asked = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    asked.push({ url, headers: new Headers(init.headers), init })
    const next = replies.length > 1 ? replies.shift() : replies[0]
    if (next === undefined) throw new TypeError('fetch failed')
    return next()
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
  useServer(HERE)
})

function refused(status: number, error: object, headers: Record<string, string> = {}): () => Response {
  return () => Response.json({ error }, { status, headers })
}

async function caught(promise: Promise<unknown>): Promise<ServerError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ServerError)
  return error as ServerError
}

describe('call', () => {
  it('adds the key, and the base in front of the path', async () => {
    reply(() => Response.json({}))
    await call({ base: 'https://other.example/x', key: 'k1' }, '/v1/models')
    expect(asked[0].url).toBe('https://other.example/x/v1/models')
    expect(asked[0].headers.get('authorization')).toBe('Bearer k1')
    await call(HERE, '/v1/models')
    expect(asked[1].headers.has('authorization')).toBe(false)
  })

  it('sends JSON as JSON, and no body where there is none', async () => {
    reply(() => Response.json({ a: 1 }))
    expect(await callJson(HERE, 'POST', '/v1/x', { b: 2 })).toEqual({ a: 1 })
    expect(asked[0].init).toMatchObject({ method: 'POST', body: '{"b":2}' })
    expect(asked[0].headers.get('content-type')).toBe('application/json')
    await callJson(HERE, 'DELETE', '/v1/x')
    expect(asked[1].init.body).toBeUndefined()
  })

  it('says that nothing answers where nothing does', async () => {
    reply(() => Promise.reject(new TypeError('fetch failed')))
    const error = await caught(call(HERE, '/v1/models'))
    expect([error.status, error.message]).toEqual([0, 'The server does not answer.'])
  })

  it('throws what an abort throws', async () => {
    const signal = AbortSignal.abort()
    const reason = signal.reason as Error
    reply(() => Promise.reject(reason))
    await expect(send(HERE, '/', { signal })).rejects.toBe(reason)
  })

  it('says when to ask again', async () => {
    reply(refused(429, { message: 'queue is full', code: 'overloaded' }, { 'retry-after': '3' }))
    const error = await caught(call(HERE, '/v1/chat/completions'))
    expect(error).toMatchObject({ status: 429, code: 'overloaded', retryAfter: 3 })
    expect(error.message).toBe('The server has as much to do as it can take. Try again in 3 s.')
  })

  it('keeps what the server says of a wrong field, and of which', async () => {
    reply(
      refused(400, {
        message: 'temperature must be at most 2',
        code: 'invalid_request',
        param: 'temperature',
      }),
    )
    const error = await caught(call(HERE, '/v1/chat/completions'))
    expect(error).toMatchObject({ message: 'temperature must be at most 2', param: 'temperature' })
    expect(error.retryAfter).toBeUndefined()
  })

  it('names no field where the server names none', async () => {
    reply(refused(400, { message: 'far too long', code: 'invalid_request', param: null }))
    expect((await caught(call(HERE, '/v1/chat/completions'))).param).toBeUndefined()
  })

  it('has words for a refusal that is no JSON', async () => {
    reply(() => new Response('<h1>Bad gateway</h1>', { status: 502 }))
    expect((await caught(call(HERE, '/'))).message).toBe('The server answered with status 502.')
    reply(() => Response.json('odd', { status: 401 }))
    expect((await caught(call(HERE, '/'))).message).toContain('wants a key')
  })
})

describe('events', () => {
  const streamOf = (...chunks: (string | Uint8Array)[]): Response =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const chunk of chunks)
            controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk)
          controller.close()
        },
      }),
    )
  async function all(response: Response, onComment?: (text: string) => void): Promise<ServerEvent[]> {
    const list: ServerEvent[] = []
    for await (const event of events(response, undefined, onComment)) list.push(event)
    return list
  }

  it('are the same however the bytes are cut, within a letter too', async () => {
    const bytes = new TextEncoder().encode(': wait\n\nevent: a\ndata: Grüße 🌍\n\nid: 7\ndata: [DONE]\n\n')
    for (let cut = 1; cut < bytes.length; cut++) {
      const comments: string[] = []
      const list = await all(streamOf(bytes.slice(0, cut), bytes.slice(cut)), (text) => comments.push(text))
      expect(list.map(({ event, data, id }) => [event, data, id])).toEqual([
        ['a', 'Grüße 🌍', undefined],
        [undefined, '[DONE]', '7'],
      ])
      expect(comments).toEqual(['wait'])
    }
  })

  it('have their fields as the standard says, whatever ends a line', async () => {
    const raw =
      ':a\r\n: b\r\ndata:1\r\ndata:  2\r\ndata\r\nother: x\r\n\r\nevent: alone\r\n\r\nid: a:b\rdata: 3\r\r'
    for (let cut = 1; cut < raw.length; cut++) {
      const comments: string[] = []
      const list = await all(streamOf(raw.slice(0, cut), raw.slice(cut), 'data: 4\n\n'), (text) =>
        comments.push(text),
      )
      expect(list.map(({ data, id }) => [data, id])).toEqual([
        ['1\n 2\n', undefined],
        ['3', 'a:b'],
        ['4', undefined],
      ])
      expect(comments).toEqual(['a', 'b'])
    }
  })

  it('end with the body: what is not whole is no event', async () => {
    expect(await all(streamOf('data: a\n\ndata: b'))).toHaveLength(1)
    expect(await all(new Response(null))).toEqual([])
  })

  it('stop where the signal fires, and let go of the body', async () => {
    let cancelled = false
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      cancel: () => void (cancelled = true),
    })
    const stop = new AbortController()
    const seen: string[] = []
    await expect(
      (async () => {
        for await (const { data } of events(new Response(body), stop.signal)) {
          seen.push(data)
          stop.abort()
        }
      })(),
    ).rejects.toMatchObject({ name: 'AbortError' })
    expect([seen, cancelled]).toEqual([['1'], true])
  })

  it('let go of the body where the reader leaves', async () => {
    let cancelled = false
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      cancel: () => void (cancelled = true),
    })
    for await (const _ of events(new Response(body))) break
    expect(cancelled).toBe(true)
  })
})

describe('an address', () => {
  it.each([
    ['https://islet.example.dev/', 'https://islet.example.dev'],
    [' https://islet.example.dev/v1/ ', 'https://islet.example.dev'],
    ['http://localhost:8787/v1', 'http://localhost:8787'],
    ['', ''],
  ])('%j is %j', (written, base) => expect(baseOf(written)).toBe(base))

  it.each(['https://a.example', 'http://localhost:1', 'http://localhost', ''])('%j may be asked', (written) =>
    expect(wrongBase(written)).toBeUndefined(),
  )
  it.each([
    'http://a.example',
    'islet.example',
    'ftp://localhost',
    'javascript:alert(1)',
    'http://127.0.0.1:1',
  ])('%j may not, and the page says why', (written) => expect(wrongBase(written)).toContain('https://'))
})

describe('connect', () => {
  it('asks until the model has loaded, and reads its card once', async () => {
    vi.useFakeTimers()
    const card = { id: 'tiny', islet: { sampling: { temperature: 0.2 } } }
    reply(
      () => Response.json(LOADING, { status: 503 }),
      () => Response.json({ data: [card] }),
      () => Response.json(READY),
    )
    const end = connect()
    await vi.advanceTimersByTimeAsync(0)
    expect([reachable.val, health.val, model.val]).toEqual([true, LOADING, card])
    expect([standing(), words().state]).toEqual(['loading', 'Loading 34 %'])
    await vi.advanceTimersByTimeAsync(400)
    expect([standing(), asked.length]).toEqual(['ready', 3])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked.length).toBe(3)
    end()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked.length).toBe(3)
  })

  it('talks to the model that was chosen, of several', async () => {
    vi.useFakeTimers()
    const two = [READY, { ...LOADING, model: 'other' }]
    const data = [{ id: 'tiny' }, { id: 'other' }]
    reply(
      () => Response.json({ ...LOADING, models: two }, { status: 503 }),
      () => Response.json({ data }),
      () => Response.json({ ...LOADING, models: two }, { status: 503 }),
      () => Response.json({ data }),
      () => Response.json({ ...READY, models: [READY, { ...READY, model: 'other' }] }),
    )
    const end = connect()
    await vi.advanceTimersByTimeAsync(0)
    expect([model.val?.id, models.val]).toEqual(['tiny', data])
    useModel('other')
    await vi.advanceTimersByTimeAsync(0)
    expect([model.val?.id, health.val]).toEqual(['other', two[1]])
    await vi.advanceTimersByTimeAsync(400)
    expect(health.val).toMatchObject({ model: 'other', status: 'ok' })
    end()
    useModel('')
  })

  it('notices that the server went, asks on, and that it is back', async () => {
    vi.useFakeTimers()
    reply(
      () => Response.json(READY),
      () => Response.json({ data: [{ id: 'tiny' }] }),
      () => Promise.reject(new TypeError('refused')),
      () => Promise.reject(new TypeError('refused')),
      () => Response.json(READY),
    )
    const end = connect()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(standing()).toBe('away')
    expect(words().sentence).toContain('does not answer')
    await vi.advanceTimersByTimeAsync(4000)
    expect(standing()).toBe('ready')
    end()
  })

  it('asks anew when the server becomes another one, or somebody wants it', async () => {
    vi.useFakeTimers()
    reply(() => Response.json({ ...READY, data: [] }))
    const end = connect()
    await vi.advanceTimersByTimeAsync(0)
    useServer({ base: 'https://other.example/v1/', key: ' k ' })
    await vi.advanceTimersByTimeAsync(0)
    expect(server()).toEqual({ base: 'https://other.example', key: 'k' })
    expect(asked.at(-1)?.url).toMatch(/^https:\/\/other\.example\//)
    expect(asked.at(-1)?.headers.get('authorization')).toBe('Bearer k')
    const before = asked.length
    askNow()
    await vi.advanceTimersByTimeAsync(0)
    expect(asked.length).toBeGreaterThan(before)
    end()
  })

  it('says that a key is needed until one fits', async () => {
    vi.useFakeTimers()
    reply(() => Response.json(READY), refused(401, { message: 'no key' }))
    const end = connect()
    await vi.advanceTimersByTimeAsync(0)
    expect([standing(), words().state]).toEqual(['key', 'Key needed'])
    reply(
      () => Response.json(READY),
      () => Response.json({ data: [{ id: 'tiny' }] }),
    )
    useServer({ key: 'right' })
    await vi.advanceTimersByTimeAsync(0)
    expect(standing()).toBe('ready')
    end()
  })
})

describe('tell', () => {
  it('shows a 429 until it is over', () => {
    vi.useFakeTimers()
    tell(new ServerError(429, 'overloaded', 'Busy.', { retryAfter: 3 }))
    expect(trouble.val).toMatchObject({ text: 'Busy.', status: 429 })
    vi.advanceTimersByTime(2999)
    expect(trouble.val).toBeDefined()
    vi.advanceTimersByTime(1)
    expect(trouble.val).toBeUndefined()
  })

  it('leaves to views what concerns one request alone', () => {
    for (const error of [new ServerError(400, 'invalid_request', 'no'), new Error('odd'), 'odd']) tell(error)
    expect(trouble.val).toBeUndefined()
  })
})

describe('the standing', () => {
  it.each([
    [undefined, undefined, undefined, 'connecting'],
    [false, READY, undefined, 'away'],
    [true, READY, { text: '', status: 401 }, 'key'],
    [true, READY, { text: '', status: 429, until: 1 }, 'ready'],
    [true, LOADING, undefined, 'loading'],
    [true, { ...LOADING, status: 'error' as const }, undefined, 'failed'],
  ])('of %j %j %j is %s', (reachable, health, trouble, expected) =>
    expect(standingOf(reachable, health, trouble)).toBe(expected),
  )

  it('has words with what is known', () => {
    expect(wordsOf('loading', LOADING, '').sentence).toContain('3.4 MB of 10 MB')
    expect(wordsOf('loading', { ...LOADING, total_bytes: 0 }, '').state).toBe('Loading')
    expect(wordsOf('failed', { ...LOADING, message: 'checksum' }, '').sentence).toContain(': checksum')
    expect(wordsOf('away', undefined, 'https://x.example').sentence).toContain('https://x.example')
    expect(wordsOf('ready', READY, '')).toEqual({ state: 'Ready' })
  })
})
