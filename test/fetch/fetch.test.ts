// The fetch that reads on: a stream that is cut anywhere, as often as it likes, comes whole and no frame twice.

import { describe, expect, test } from 'vitest'
import { readingOn, type ReadingOn } from '../../src/fetch/fetch.ts'
import { rng } from '../helpers/rng.ts'

const ORIGIN = 'http://localhost:8787'
const NAMES = { 'x-islet-session': 'sess_0_a', 'x-islet-turn': '0_a_t' }
const SSE = { 'content-type': 'text/event-stream; charset=utf-8', ...NAMES }
const PING = 'event: ping\ndata: {"type":"ping"}\n\n'

/** Frames of one answer in each dialect; the texts have what frames end with. */
const DIALECTS: Record<string, string[]> = {
  chat: [
    ...['', 'Hel\\n\\nlo', ' 🌍', ' [DONE]', ' event: error'].map(
      (text) => `data: {"id":"c","text":"${text}"}`,
    ),
    'data: [DONE]',
  ],
  responses: [
    ...['created', 'output_text.delta', 'output_text.done', 'completed'].map(
      (name, i) => `event: response.${name}\ndata: {"type":"response.${name}","sequence_number":${i}}`,
    ),
  ],
  messages: ['message_start', 'content_block_delta', 'message_delta', 'message_stop'].map(
    (name) => `event: ${name}\ndata: {"type":"${name}"}`,
  ),
}
const whole = (frames: readonly string[]): string => frames.map((frame) => `${frame}\n\n`).join('')

type Asked = { url: string; init: RequestInit | undefined }
/** What comes of one call: bytes in pieces, and how they end. */
type Reply =
  { pieces: (string | Uint8Array)[]; end?: 'break' | 'hang'; status?: number; headers?: object } | Error

/** A server that gives these replies in order. */
function server(replies: ((asked: Asked) => Reply)[]) {
  const asked: Asked[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const call = { url: input instanceof Request ? input.url : String(input), init }
    asked.push(call)
    const reply = replies.shift()?.(call) ?? new Error('nobody asked for this')
    if (reply instanceof Error) throw reply
    const { status = 200, headers = SSE, end } = reply
    const pieces = [...reply.pieces]
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const piece = pieces.shift()
          if (piece !== undefined)
            return controller.enqueue(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece)
          if (end === 'hang') return new Promise(() => undefined)
          if (end === 'break') controller.error(new TypeError('terminated'))
          else controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { status, headers: headers as Record<string, string> })
  }
  return { asked, fetch: fetch as typeof globalThis.fetch }
}

const POST = { method: 'POST', body: '{}', headers: { authorization: 'Bearer k', 'content-length': '2' } }

async function read(
  replies: ((asked: Asked) => Reply)[],
  options: ReadingOn = {},
  path = '/v1/chat/completions',
) {
  const { asked, fetch } = server(replies)
  const response = await readingOn({ fetch, wait: 1, ...options })(`${ORIGIN}${path}`, POST)
  let text = ''
  let error: unknown
  const decoder = new TextDecoder()
  try {
    for await (const bytes of response.body as ReadableStream<Uint8Array>)
      text += decoder.decode(bytes, { stream: true })
  } catch (thrown) {
    error = thrown
  }
  return { asked, response, text, error }
}

const afterOf = ({ url }: Asked): number => Number(new URL(url).searchParams.get('after'))

describe.each(Object.entries(DIALECTS))('%s', (_, frames) => {
  test('cut at every byte, with and without an error, comes whole from one more request', async () => {
    const bytes = new TextEncoder().encode(whole(frames))
    for (let cut = 0; cut < bytes.length; cut++) {
      const end = cut % 2 === 0 ? ('break' as const) : undefined
      const { text, error, asked } = await read([
        () => ({ pieces: [bytes.slice(0, cut)], end }),
        (call) => ({ pieces: [whole(frames.slice(afterOf(call)))] }),
      ])
      expect([text, error]).toEqual([whole(frames), undefined])
      const last = bytes.length - 2
      expect(asked).toHaveLength(cut > last + 1 ? 1 : 2)
    }
  })

  test('cut again and again, in pieces of any size and among signs of life, comes whole', async () => {
    const random = rng(17)
    for (let round = 0; round < 30; round++) {
      const part = ({ url }: Asked): Reply => {
        const from = url.includes('/stream') ? afterOf({ url, init: undefined }) : 0
        const rest = frames
          .slice(from)
          .map((frame) => `:\n\n${PING}${frame}\n\n`)
          .join('')
        const bytes = new TextEncoder().encode(rest)
        const cut = 1 + random.int(bytes.length + 20)
        const pieces = []
        for (let at = 0; at < cut; at += 7) pieces.push(bytes.slice(at, Math.min(at + 7, cut)))
        return { pieces, end: 'break' }
      }
      const { text, error } = await read(
        Array.from({ length: 200 }, () => part),
        { tries: 100, wait: 0 },
      )
      expect(error).toBeUndefined()
      expect(text.replaceAll(':\n\n', '').replaceAll(PING, '')).toBe(whole(frames))
    }
  })
})

const [FIRST, ...REST] = DIALECTS['chat']
const broken = (): Reply => ({ pieces: [whole([FIRST])], end: 'break' })
const rest = (): Reply => ({ pieces: [whole(REST)] })

test('asks the session where it was, with the same key and no body', async () => {
  const { asked } = await read([broken, rest], {}, '/proxy/v1/chat/completions')
  expect(asked[1].url).toBe(`${ORIGIN}/proxy/v1/sessions/sess_0_a/stream?after=1`)
  const { method, body, headers } = asked[1].init ?? {}
  expect([method, body]).toEqual(['GET', undefined])
  expect(Object.fromEntries(new Headers(headers))).toEqual({ authorization: 'Bearer k' })
})

test('takes a Request with what it brings', async () => {
  const { asked, fetch } = server([broken, rest])
  const request = new Request(`${ORIGIN}/v1/completions`, POST)
  expect(await (await readingOn({ fetch, wait: 1 })(request)).text()).toBe(whole([FIRST, ...REST]))
  expect(new Headers(asked[1].init?.headers).get('authorization')).toBe('Bearer k')
})

test('waits longer each time, while nobody is there or the server is not ready', async () => {
  const times: number[] = []
  const timed = (reply: Reply) => (): Reply => (times.push(performance.now()), reply)
  const { text } = await read(
    [broken, timed(new TypeError('refused')), timed({ pieces: [], status: 503 }), timed({ pieces: [], status: 429 }), rest], // prettier-ignore
    { wait: 20 },
  )
  expect(text).toBe(whole([FIRST, ...REST]))
  expect(times[1] - times[0]).toBeGreaterThanOrEqual(38)
  expect(times[2] - times[1]).toBeGreaterThanOrEqual(78)
})

test.each<[string, Reply[], number]>([
  ['no try brings it on', Array.from({ length: 9 }, () => new TypeError('refused')), 4],
  ['the session is gone', [{ pieces: [], status: 404 }], 2],
  ['it is another model by now', [{ pieces: [], status: 409 }], 2],
  ['the session went on with another turn', [{ ...rest(), headers: { ...SSE, 'x-islet-turn': 'other' } }], 2],
])('fails as it broke when %s', async (_, replies, calls) => {
  const { text, error, asked } = await read([broken, ...replies.map((reply) => () => reply)], { tries: 3 })
  expect(text).toBe(whole([FIRST]))
  expect(error).toMatchObject({ message: 'terminated' })
  expect(asked).toHaveLength(calls)
})

const errorFrame = (code: string): string =>
  `data: {"error":{"message":"m","type":"server_error","code":"${code}"}}`

test('an error that ends the answer is handed on, and nothing is asked again', async () => {
  for (const last of [
    errorFrame('engine_failure'),
    errorFrame('conflict'),
    'event: error\ndata: {"type":"error","error":{"type":"api_error"}}',
    'event: response.failed\ndata: {}',
  ]) {
    const { text, error, asked } = await read([() => ({ pieces: [whole([FIRST, last])] })])
    expect([text, error, asked.length]).toEqual([whole([FIRST, last]), undefined, 1])
  }
})

test('an error that cuts off this reader alone is read over, or handed on where nothing comes of it', async () => {
  for (const cut of [
    errorFrame('lane_lost'),
    errorFrame('overloaded'),
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}',
  ]) {
    const first = (): Reply => ({ pieces: [whole([FIRST, cut])] })
    expect((await read([first, rest])).text).toBe(whole([FIRST, ...REST]))
    const { text, error } = await read([first], { tries: 2 })
    expect([text, error]).toEqual([whole([FIRST, cut]), undefined])
  }
})

test('an abort ends it at once, while it waits too', async () => {
  for (const reply of [broken, (): Reply => ({ pieces: [whole([FIRST])], end: 'hang' })]) {
    const { asked, fetch } = server([reply])
    const leaving = new AbortController()
    const init = { ...POST, signal: leaving.signal }
    const response = await readingOn({ fetch, wait: 5000 })(`${ORIGIN}/v1/completions`, init)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    const next = reader.read()
    setTimeout(() => leaving.abort(new Error('left')), 20)
    if (reply === broken) await expect(next).rejects.toThrow('left')
    expect(asked).toHaveLength(1)
  }
})

test('a reader that cancels asks for nothing more', async () => {
  const { asked, fetch } = server([broken, rest])
  const response = await readingOn({ fetch, wait: 20 })(`${ORIGIN}/v1/completions`, POST)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  const next = reader.read().catch(() => undefined)
  await reader.cancel()
  await next
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(asked).toHaveLength(1)
})

test('whatever is no stream of a session is the response itself', async () => {
  for (const headers of [
    { ...NAMES, 'content-type': 'application/json' },
    { 'content-type': 'text/event-stream' },
  ]) {
    const { fetch } = server([() => ({ pieces: ['{}'], headers })])
    let given: Response | undefined
    const noting = async (...asked: Parameters<typeof fetch>): Promise<Response> =>
      (given = await fetch(...asked))
    expect(await readingOn({ fetch: noting })(`${ORIGIN}/v1/completions`, POST)).toBe(given)
  }
  const refused = readingOn({ fetch: () => Promise.reject(new TypeError('refused')) })
  await expect(refused(`${ORIGIN}/v1/completions`, POST)).rejects.toThrow('refused')
})

test('status and headers of the stream are those of its beginning', async () => {
  const { response } = await read([() => ({ ...(broken() as object), status: 201 }) as Reply, rest])
  expect(response.status).toBe(201)
  expect(response.headers.get('x-islet-session')).toBe('sess_0_a')
})
