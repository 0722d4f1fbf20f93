// One answer as it runs: frames to text, what is told while nothing comes, reading on, and stopping.

import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask, readOn, type Clock, type Hooks, type Notice, type Run } from '../../page/state/answering.ts'
import { type Message } from '../../page/state/tree.ts'

const server = { base: 'http://islet', key: '' }
const encoder = new TextEncoder()

/** A clock whose time stands still but for waits, which take no time; pictures are drawn when the test says so. */
function bed(): {
  clock: Clock
  hooks: Hooks
  draw: () => void
  told: (Notice | undefined)[]
  log: string[]
  waited: number[]
} {
  const frames: (() => void)[] = []
  const told: (Notice | undefined)[] = []
  const log: string[] = []
  const waited: number[] = []
  let time = 1000
  return {
    told,
    log,
    waited,
    draw: () => frames.splice(0).forEach((frame) => frame()),
    clock: {
      now: () => time,
      frame: (callback) => void frames.push(callback),
      async wait(ms, signal) {
        waited.push(ms)
        time += ms
        // A long wait of a test that tries at once ends by its signal alone.
        if (ms >= 60_000) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    },
    hooks: {
      grew: (tokens) => void log.push(`grew ${tokens.length}`),
      save: () => void log.push('save'),
      tell: (notice) => void told.push(notice),
      failed: () => undefined,
      memory: (report) => void log.push(`memory ${JSON.stringify(report)}`),
    },
  }
}

function message(frames = 0, more: object = {}): Message {
  return {
    id: 'a',
    parent: 'q',
    role: 'assistant',
    text: '',
    at: 1,
    answer: { state: 'running', sampling: {}, frames, ...more },
  }
}

const delta = (content: string, more: object = {}): string =>
  frame({ choices: [{ index: 0, delta: { content }, finish_reason: null, ...more }] })
const frame = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
const finish = (reason: string, islet: object = {}): string =>
  frame({ choices: [{ index: 0, delta: {}, finish_reason: reason }], islet })
const usage = frame({
  choices: [],
  usage: { prompt_tokens: 30, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 20 } },
})
const DONE = 'data: [DONE]\n\n'

type Asked = { path: string; method: string; body?: string; retry: string | null }

/** Serves the replies one after the other: texts of a stream, or an error. A stream whose text ends with `!` breaks. */
function serve(...replies: (string | { status: number; code?: string; after?: number } | null)[]): Asked[] {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit): Promise<Response> => {
    asked.push({
      path: url.replace('http://islet', ''),
      method: init.method ?? 'GET',
      ...(typeof init.body === 'string' && { body: init.body }),
      retry: new Headers(init.headers).get('x-stainless-retry-count'),
    })
    const reply = replies.shift()
    if (reply == null) throw new TypeError('no')
    if (typeof reply === 'object') {
      const headers: HeadersInit = reply.after === undefined ? {} : { 'retry-after': String(reply.after) }
      const error = { error: { message: 'said', code: reply.code ?? 'x' } }
      return new Response(JSON.stringify(error), { status: reply.status, headers })
    }
    const breaks = reply.endsWith('!')
    const parts = reply.replace(/!$/, '').split(/(?<=\n\n)/)
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const part = parts.shift()
        if (part === 'hang') await new Promise(() => {})
        if (part) return controller.enqueue(encoder.encode(part))
        if (breaks) controller.error(new TypeError('terminated'))
        else controller.close()
      },
    })
    return new Response(body, { headers: { 'x-islet-session': 'sess_1', 'x-islet-turn': 'turn_1' } })
  })
  return asked
}

afterEach(() => vi.unstubAllGlobals())

const body = { messages: [{ role: 'user', content: 'x' }] }
const prepare = async (): Promise<{ path: string; body: Record<string, unknown> }> => ({
  path: '/v1/chat/completions',
  body,
})
const started = (to: Message, { clock, hooks }: ReturnType<typeof bed>): Run =>
  ask(server, clock, to, prepare, hooks)

describe('an answer', () => {
  it('is written with all that is known of it', async () => {
    const asked = serve(
      frame({ model: 'small', choices: [{ delta: { role: 'assistant', content: '' } }] }) +
        delta('', { delta: { reasoning_content: 'hm' } }) +
        delta('Hel') +
        ': a comment\n\n' +
        delta('lo') +
        finish('stop', { truncated_tokens: 7 }) +
        usage +
        DONE,
    )
    const [to, world] = [message(), bed()]
    await started(to, world).ended
    expect(to.text).toBe('Hello')
    expect(to.answer).toMatchObject({
      state: 'done',
      model: 'small',
      thoughts: 'hm',
      session: 'sess_1',
      turn: 'turn_1',
      frames: 7,
      prompt: 30,
      reused: 20,
      tokens: 3,
      truncated: 7,
    })
    expect(asked).toEqual([
      { path: '/v1/chat/completions', method: 'POST', body: JSON.stringify(body), retry: null },
    ])
  })

  it('grows once a picture, however many frames come', async () => {
    serve(`${Array.from({ length: 100 }, () => delta('x')).join('')}hang`)
    const [to, world] = [message(), bed()]
    const run = started(to, world)
    await vi.waitFor(() => expect(world.log).toContain('save'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(to.text).toBe('')
    world.draw()
    expect(to.text).toBe('x'.repeat(100))
    expect(world.log.filter((line) => line === 'grew 0')).toHaveLength(1)
    run.stop()
    await run.ended
  })

  it('is stored with the frames that its text is made of, and no others', async () => {
    serve(`${delta('a')}${delta('b')}${DONE}`)
    const [to, world] = [message(), bed()]
    const stored: [string, number][] = []
    let time = 0
    await ask(server, { ...world.clock, now: () => (time += 300) }, to, prepare, {
      ...world.hooks,
      save: () => void stored.push([to.text, to.answer!.frames]),
    }).ended
    expect(stored[0]).toEqual(['', 0])
    for (const [text, frames] of stored) expect(text.length).toBe(Math.min(frames, 2))
    expect(stored.at(-1)).toEqual(['ab', 3])
  })

  it('says that its limit cut it', async () => {
    serve(delta('a') + finish('length') + DONE)
    const to = message()
    await started(to, bed()).ended
    expect(to.answer!.state).toBe('length')
  })

  it('has tokens with their probabilities, in the shape of chats and of completions', async () => {
    const content = [{ token: 'a', logprob: -0.5, top_logprobs: [{ token: 'b', logprob: -1 }] }]
    const flat = { tokens: ['c'], token_logprobs: [-2], top_logprobs: [{ c: -2 }] }
    serve(delta('a', { logprobs: { content } }) + frame({ choices: [{ text: 'c', logprobs: flat }] }) + DONE)
    const [to, world] = [message(), bed()]
    const seen: unknown[] = []
    await ask(server, world.clock, to, prepare, {
      ...world.hooks,
      grew: (tokens) => void seen.push(...tokens),
    }).ended
    expect(to.text).toBe('ac')
    expect(seen).toEqual([
      { text: 'a', logprob: -0.5, top: [{ text: 'b', logprob: -1 }] },
      { text: 'c', logprob: -2, top: [{ text: 'c', logprob: -2 }] },
    ])
  })

  it('hands on reports of the memory, which count as no frames', async () => {
    serve(`: islet.memory {"tokens":3}\n\n${delta('a')}${DONE}`)
    const [to, world] = [message(), bed()]
    await started(to, world).ended
    expect(world.log).toContain('memory {"tokens":3}')
    expect(to.answer!.frames).toBe(2)
  })

  it('takes frames of any shape, and shows their text as text', async () => {
    serve(
      'data: {\n\n' +
        'data: null\n\n' +
        frame({ choices: 'x' }) +
        frame({ choices: [{ delta: { content: { toString: 1 } } }], usage: 7, islet: [] }) +
        frame({ choices: [{ delta: { content: 'ok' }, logprobs: { content: [null] } }] }) +
        DONE,
    )
    const to = message()
    await started(to, bed()).ended
    expect(to).toMatchObject({ text: 'ok', answer: { state: 'done', frames: 6 } })
  })
})

describe('a stream that breaks', () => {
  it('is read on from behind its frames, and told in words', async () => {
    const asked = serve(`${delta('a')}${delta('b')}!`, null, `${delta('c')}${finish('stop')}${DONE}`)
    const [to, world] = [message(), bed()]
    await started(to, world).ended
    expect(to.text).toBe('abc')
    expect(asked.slice(1).map(({ path }) => path)).toEqual(
      Array(2).fill('/v1/sessions/sess_1/stream?after=2'),
    )
    expect(world.waited).toEqual([500, 1000])
    expect(world.told.map((notice) => notice?.text)).toContain('The connection broke; the answer is read on.')
    expect(world.told.map((notice) => notice?.text)).toContain('The server does not answer.')
    expect(world.told.at(-1)).toBeUndefined()
  })

  it.each(['lane_lost', 'model_loading', 'overloaded'])('by an error %s is read on', async (code) => {
    serve(delta('a') + frame({ error: { code, message: 'm' } }), delta('b') + finish('stop') + DONE)
    const to = message()
    await started(to, bed()).ended
    expect(to).toMatchObject({ text: 'ab', answer: { state: 'done', frames: 4 } })
  })

  it('for the platform’s limit of time goes on without that ending', async () => {
    const cut = finish('length', { stopped: 'cpu_limit' })
    const asked = serve(delta('a') + cut + usage + DONE, delta('b') + finish('stop') + usage + DONE)
    const to = message()
    await started(to, bed()).ended
    expect(asked[1].path).toBe('/v1/sessions/sess_1/stream?after=1')
    expect(to).toMatchObject({ text: 'ab', answer: { state: 'done', frames: 5 } })
  })

  it('ends as it is where the session went on with another answer, or is gone', async () => {
    serve(delta('a'))
    const other = message(1, { session: 'sess_1', turn: 'turn_0' })
    await readOn(server, bed().clock, other, bed().hooks).ended
    expect(other.answer).toMatchObject({
      state: 'stopped',
      problem: expect.stringContaining('another answer'),
    })

    serve({ status: 404, code: 'not_found' })
    const gone = message(1, { session: 'sess_1' })
    await readOn(server, bed().clock, gone, bed().hooks).ended
    expect(gone.answer).toMatchObject({ state: 'stopped', problem: expect.stringContaining('no longer has') })
  })

  it('of another reader’s takeover ends without a try', async () => {
    const asked = serve(delta('a') + frame({ error: { code: 'conflict', message: 'm' } }))
    const to = message()
    await started(to, bed()).ended
    expect(to.answer).toMatchObject({ state: 'stopped', problem: expect.stringContaining('Another page') })
    expect(asked).toHaveLength(1)
  })

  it('is given up after some minutes, with what there is', async () => {
    serve(`${delta('a')}!`)
    const [to, world] = [message(), bed()]
    await started(to, world).ended
    expect(to).toMatchObject({
      text: 'a',
      answer: { state: 'failed', problem: 'The server does not answer.' },
    })
    expect(world.waited).toHaveLength(20)
    expect(world.waited.reduce((sum, ms) => sum + ms)).toBeGreaterThan(120_000)
  })
})

describe('a page that was reloaded', () => {
  it('reads on', async () => {
    const asked = serve(delta('lo') + finish('stop') + DONE)
    const to = { ...message(3, { session: 'sess_1', turn: 'turn_1' }), text: 'Hel' }
    await readOn(server, bed().clock, to, bed().hooks).ended
    expect(asked[0].path).toBe('/v1/sessions/sess_1/stream?after=3')
    expect(to).toMatchObject({ text: 'Hello', answer: { state: 'done', frames: 6 } })
    expect(to.answer!.firstMs).toBeUndefined()
  })

  it('says so where the answer had not begun', async () => {
    const to = message()
    await readOn(server, bed().clock, to, bed().hooks).ended
    expect(to.answer).toMatchObject({ state: 'stopped', problem: expect.stringContaining('closed before') })
  })
})

describe('a request that is refused', () => {
  it('for now is sent again when the server says, and told in words', async () => {
    const asked = serve({ status: 429, after: 7 }, { status: 503 }, delta('a') + DONE)
    const [to, world] = [message(), bed()]
    await started(to, world).ended
    expect(to.text).toBe('a')
    expect(world.waited).toEqual([7000, 1000])
    expect(world.told[0]).toEqual({ text: 'The server has as much to do as it can take.', until: 8000 })
    expect(asked.map(({ retry }) => retry)).toEqual(
      [null, '0', '1'].map((retry, at) => (at ? String(at) : retry)),
    )
  })

  it('for now is sent again at once when the person says', async () => {
    serve({ status: 429, after: 60 }, delta('a') + DONE)
    const [to, world] = [message(), bed()]
    const run = started(to, world)
    await vi.waitFor(() => expect(world.waited).toEqual([60_000]))
    run.tryNow()
    await run.ended
    expect(to).toMatchObject({ text: 'a', answer: { state: 'done' } })
  })

  it('for now can be stopped while it waits', async () => {
    serve({ status: 429, after: 60 })
    const [to, world] = [message(), bed()]
    const run = started(to, world)
    await vi.waitFor(() => expect(world.waited).toEqual([60_000]))
    run.stop()
    await run.ended
    expect(to.answer).toMatchObject({ state: 'stopped' })
    expect(to.answer!.problem).toBeUndefined()
  })

  it('for good ends with the reason', async () => {
    const asked = serve({ status: 400, code: 'invalid_request' })
    const to = message()
    await started(to, bed()).ended
    expect(to.answer).toMatchObject({ state: 'failed', problem: 'said' })
    expect(asked).toHaveLength(1)
  })

  it('since its session is gone begins anew, once', async () => {
    const asked = serve({ status: 404, code: 'not_found' }, { status: 404, code: 'not_found' })
    const [to, world] = [message(), bed()]
    const told: boolean[] = []
    const told2 = async (_: AbortSignal, gone: boolean) => (told.push(gone), prepare())
    await ask(server, world.clock, to, told2, world.hooks).ended
    expect(told).toEqual([false, true])
    expect(asked).toHaveLength(2)
    expect(to.answer!.state).toBe('failed')
  })
})

it('an answer that is stopped keeps what came, and reads on later', async () => {
  serve(`${delta('a')}${delta('b')}hang`)
  const [to, world] = [message(), bed()]
  const run = started(to, world)
  await vi.waitFor(() => (world.draw(), expect(to.text).toBe('ab')))
  run.stop()
  await run.ended
  expect(to.answer).toMatchObject({ state: 'stopped', frames: 2 })
  const asked = serve(delta('c') + finish('stop') + DONE)
  await readOn(server, world.clock, to, world.hooks).ended
  expect(asked[0].path).toBe('/v1/sessions/sess_1/stream?after=2')
  expect(to).toMatchObject({ text: 'abc', answer: { state: 'done' } })
})
