// The HTTP client of the smoke run sends one request at a time: JSON or server-sent events, with a time limit.

export class SmokeError extends Error {}

export type Answer = { status: number; headers: Headers; body: Record<string, unknown> }

export type Streamed = {
  text: string
  finishReason: string | undefined
  usage: Record<string, unknown> | undefined
  islet: Record<string, unknown> | undefined
  /** Chunks that carried text, and milliseconds until the first of them. */
  chunks: number
  firstTextMs: number | undefined
}

type Chunk = {
  choices?: { delta?: { content?: string }; finish_reason?: string | null }[]
  usage?: Record<string, unknown> | null
  islet?: Record<string, unknown>
  error?: { message: string }
}

export class SmokeClient {
  readonly #base: string
  readonly #key: string | undefined
  readonly #limitMs: number

  /** `base` without a slash at its end. */
  constructor(base: string, key: string | undefined, limitMs: number) {
    this.#base = base
    this.#key = key
    this.#limitMs = limitMs
  }

  /** GET without a body, else POST of `body`: an object as JSON, a text as it is. `key` replaces the configured one. */
  async ask(
    path: string,
    body?: object | string,
    options: { key?: string; headers?: HeadersInit } = {},
  ): Promise<Answer> {
    const response = await this.#fetch(path, body, options)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parseObject(path, text) }
  }

  /** POST of a chat with `stream` and usage; throws SmokeError unless the stream ends with [DONE]. */
  async stream(body: object, headers?: HeadersInit): Promise<Streamed> {
    const path = '/v1/chat/completions'
    const started = performance.now()
    const response = await this.#fetch(
      path,
      { ...body, stream: true, stream_options: { include_usage: true } },
      { headers },
    )
    const type = response.headers.get('content-type') ?? ''
    if (response.status !== 200 || !type.startsWith('text/event-stream') || response.body === null) {
      throw new SmokeError(`status ${response.status}, ${type}: ${(await response.text()).slice(0, 300)}`)
    }
    const result: Streamed = {
      text: '',
      finishReason: undefined,
      usage: undefined,
      islet: undefined,
      chunks: 0,
      firstTextMs: undefined,
    }
    let done = false
    for await (const data of dataLines(response.body)) {
      if (data === '[DONE]') {
        done = true
        continue
      }
      const chunk = parseObject(path, data) as Chunk
      if (chunk.error !== undefined) throw new SmokeError(`the stream broke off: ${chunk.error.message}`)
      const text = chunk.choices?.[0]?.delta?.content ?? ''
      if (text !== '') {
        result.firstTextMs ??= performance.now() - started
        result.chunks += 1
      }
      result.text += text
      result.finishReason ??= chunk.choices?.[0]?.finish_reason ?? undefined
      result.usage ??= chunk.usage ?? undefined
      result.islet ??= chunk.islet
    }
    if (!done) throw new SmokeError('the stream ended without [DONE]')
    return result
  }

  async #fetch(
    path: string,
    body: object | string | undefined,
    options: { key?: string; headers?: HeadersInit },
  ): Promise<Response> {
    const headers = new Headers(options.headers)
    const key = options.key ?? this.#key
    if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    return await fetch(`${this.#base}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      body: typeof body === 'object' ? JSON.stringify(body) : body,
      // A key must not follow a redirect to another place.
      redirect: 'error',
      signal: AbortSignal.timeout(this.#limitMs),
    })
  }
}

async function* dataLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim()
  }
}

function parseObject(path: string, text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw new SmokeError(`${path} answered with something other than JSON: ${text.slice(0, 200)}`)
}
