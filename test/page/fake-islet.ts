// A fake server of the API for tests of the page: it streams what a test says, at the speed it says, and remembers what it was asked.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'

export type Asked = { method: string; path: string; body: Record<string, unknown> }

export type Script = {
  /** What the answer to a question says, token by token. */
  tokens: readonly string[]
  /** Milliseconds between tokens; 0 is as fast as they are read. */
  pace?: number
  thoughts?: readonly string[]
  finish?: 'stop' | 'length'
}

type Turn = { id: string; frames: string[]; pace: number }

export type FakeIslet = {
  url: string
  asked: Asked[]
  /** What the next answers say; the last one stays. */
  script: (...scripts: Script[]) => void
  /** Refuses the next requests for an answer. */
  refuse: (...errors: { status: number; after?: number; message?: string }[]) => void
  /** Breaks the streams that run, as a lost worker does. */
  breakOff: () => void
  /** What serves all other paths, such as the page's files. */
  serve: (handler: (request: IncomingMessage, response: ServerResponse) => boolean) => void
  close: () => Promise<void>
}

const MODEL = 'small-model'

/** Listens on loopback. */
export async function fakeIslet(): Promise<FakeIslet> {
  const asked: Asked[] = []
  const sessions = new Map<string, Turn>()
  const streams = new Set<ServerResponse>()
  let scripts: Script[] = [{ tokens: ['Hello', ' there', '.'] }]
  let refusals: { status: number; after?: number; message?: string }[] = []
  let others: (request: IncomingMessage, response: ServerResponse) => boolean = () => false
  let made = 0

  function json(
    response: ServerResponse,
    value: unknown,
    status = 200,
    headers: Record<string, string> = {},
  ): void {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }

  function turnOf(path: string, body: Record<string, unknown>): Turn {
    const {
      tokens,
      thoughts = [],
      pace = 0,
      finish = 'stop',
    } = scripts.length > 1 ? scripts.shift()! : scripts[0]
    const isChat = path.startsWith('/v1/chat')
    const chunk = (choice: object, more: object = {}): string =>
      JSON.stringify({
        id: 'c',
        model: MODEL,
        choices: [{ index: 0, finish_reason: null, ...choice }],
        ...more,
      })
    const logprobs = (token: string): object =>
      body['logprobs'] === true
        ? { logprobs: { content: [{ token, logprob: -0.1, top_logprobs: [{ token, logprob: -0.1 }] }] } }
        : {}
    const frames = isChat ? [chunk({ delta: { role: 'assistant', content: '' } })] : []
    for (const reasoning_content of thoughts) frames.push(chunk({ delta: { reasoning_content } }))
    for (const content of tokens)
      frames.push(isChat ? chunk({ delta: { content }, ...logprobs(content) }) : chunk({ text: content }))
    frames.push(chunk({ ...(isChat ? { delta: {} } : { text: '' }), finish_reason: finish }, { islet: {} }))
    const cached_tokens = String(body['prompt_cache_key']).startsWith('sess_') ? 40 : 0
    const usage = {
      prompt_tokens: 50,
      completion_tokens: tokens.length,
      prompt_tokens_details: { cached_tokens },
    }
    frames.push(JSON.stringify({ choices: [], usage }), '[DONE]')
    return { id: `turn_${++made}`, frames, pace }
  }

  function stream(response: ServerResponse, session: string, turn: Turn, after: number): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'x-islet-session': session,
      'x-islet-turn': turn.id,
    })
    response.flushHeaders()
    streams.add(response)
    let at = after
    const started = performance.now()
    const next = (): void => {
      if (response.destroyed) return
      // As many as are due by now: timers alone are too coarse for hundreds a second.
      const due =
        turn.pace === 0 ? turn.frames.length : after + Math.floor((performance.now() - started) / turn.pace)
      while (at < Math.min(due, turn.frames.length)) response.write(`data: ${turn.frames[at++]}\n\n`)
      if (at < turn.frames.length) return void setTimeout(next, Math.max(1, turn.pace))
      streams.delete(response)
      response.end()
    }
    next()
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams } = new URL(request.url!, 'http://fake')
    const method = request.method!
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-headers', '*')
    response.setHeader('access-control-expose-headers', '*')
    if (method === 'OPTIONS') return void response.writeHead(204).end()
    if (path === '/health')
      return json(response, { status: 'ok', state: 'ready', model: MODEL, loaded_bytes: 1, total_bytes: 1 })
    if (path === '/v1/models')
      return json(response, { object: 'list', data: [{ id: MODEL, object: 'model' }] })
    const api = /^\/(v1\/|tokenize|apply-template)/.test(path)
    if (!api && others(request, response)) return
    let text = ''
    for await (const part of request.setEncoding('utf8')) text += String(part)
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    asked.push({ method, path: request.url!, body })
    if (path === '/tokenize')
      return json(response, { tokens: [...String(body['content'])].map((c) => c.charCodeAt(0)) })
    if (path === '/apply-template') {
      const messages = body['messages'] as { role: string; content: string }[]
      return json(response, {
        prompt: `${messages.map(({ role, content }) => `${role}: ${content}\n`).join('')}assistant: `,
      })
    }
    const named = /^\/v1\/sessions\/([^/]+)\/(fork|stream|memory)$/.exec(path)
    if (named) {
      const turn = sessions.get(named[1])
      if (!turn) return json(response, { error: { code: 'not_found', message: 'no such session' } }, 404)
      if (named[2] === 'memory') return json(response, { object: 'session.memory' })
      if (named[2] === 'stream') return stream(response, named[1], turn, Number(searchParams.get('after')))
      const id = `sess_${++made}`
      sessions.set(id, turn)
      return json(response, { id, object: 'session' }, 201)
    }
    if (path === '/v1/sessions') return json(response, { object: 'list', data: [], has_more: false })
    if (path !== '/v1/chat/completions' && path !== '/v1/completions')
      return json(response, { error: { code: 'not_found', message: 'no such path' } }, 404)
    const refusal = refusals.shift()
    if (refusal) {
      const headers: Record<string, string> =
        refusal.after === undefined ? {} : { 'retry-after': String(refusal.after) }
      const error = { code: 'refused', message: refusal.message ?? 'refused' }
      return json(response, { error }, refusal.status, headers)
    }
    const key = String(body['prompt_cache_key'])
    const session = sessions.has(key) ? key : `sess_${++made}`
    const turn = turnOf(path, body)
    sessions.set(session, turn)
    stream(response, session, turn, 0)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    script: (...next) => (scripts = next),
    refuse: (...next) => (refusals = next),
    breakOff: () => streams.forEach((each) => each.destroy()),
    serve: (handler) => (others = handler),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
