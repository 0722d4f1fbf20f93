// The HTTP client of a soak reads whole and streamed answers; it can leave midway and read on.

type Fields = Record<string, unknown>

/** What a client has heard of one answer, over however many connections. */
export type Heard = {
  text: string
  /** `data:` frames, those of errors aside: where to read on. */
  frames: number
  /** Number of the last typed event of a response; -1 before any. */
  sequence: number
  session?: string
  response?: string
  finish?: string
  hash?: string
  done: boolean
  /** An error in the stream. */
  error?: { code: string; message: string }
}

/** The answer was no 200. */
export class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, text: string) {
    super(`${status} ${text.slice(0, 300)}`)
    this.status = status
    this.code = /"code":\s*"(\w+)"/.exec(text)?.[1] ?? ''
  }
}

/** The client itself has left. */
export class Left extends Error {}

export function nothingHeard(): Heard {
  return { text: '', frames: 0, sequence: -1, done: false }
}

export type Ask = {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
  key: string
  body?: string
  headers?: Record<string, string>
  /** Leaves after so many frames of a stream. */
  leaveAfterFrames?: number
  /** Leaves after so many milliseconds. */
  leaveAfterMs?: number
}

/** The longest that any one answer may take. */
const LIMIT_MS = 120_000

/** Asks and adds what comes to `heard`. Throws Refused, Left, or what fetch throws when the connection breaks. */
export async function hear(base: string, ask: Ask, heard: Heard): Promise<void> {
  const leaving = new AbortController()
  const timer = setTimeout(() => leaving.abort(new Left()), ask.leaveAfterMs ?? LIMIT_MS)
  try {
    const response = await open(base, ask, leaving.signal)
    heard.session = response.headers.get('x-islet-session') ?? heard.session
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      hearWhole((await unlessAborted(response.json(), leaving.signal)) as Fields, heard)
      return
    }
    let left = ask.leaveAfterFrames ?? Infinity
    if (left === 0) throw new Left()
    for await (const data of dataLines(response.body as ReadableStream<Uint8Array>)) {
      hearFrame(data, heard)
      if (heard.done) continue
      if (--left <= 0) throw new Left()
    }
  } catch (error) {
    if (leaving.signal.aborted && ask.leaveAfterMs !== undefined) throw new Left()
    throw error
  } finally {
    clearTimeout(timer)
    leaving.abort()
  }
}

/** A body that is being read when its request is aborted may never end. */
async function unlessAborted<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => aborted.reject(signal.reason as Error))
  if (signal.aborted) aborted.reject(signal.reason as Error)
  return Promise.race([reading, aborted.promise])
}

/** Status and body of a call that is no generation. */
export async function call(base: string, ask: Ask): Promise<{ status: number; body: Fields }> {
  const signal = AbortSignal.timeout(LIMIT_MS)
  const response = await fetch(`${base}${ask.path}`, initOf(ask, signal))
  const text = await unlessAborted(response.text(), signal)
  return { status: response.status, body: JSON.parse(text || '{}') as Fields }
}

async function open(base: string, ask: Ask, signal: AbortSignal): Promise<Response> {
  const response = await fetch(`${base}${ask.path}`, initOf(ask, signal))
  if (response.status !== 200)
    throw new Refused(response.status, await unlessAborted(response.text(), signal))
  return response
}

function initOf({ method, key, body, headers }: Ask, signal: AbortSignal): RequestInit {
  return {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body,
    signal,
    // A key must not follow a redirect to another place.
    redirect: 'error',
  }
}

type Chunk = {
  type?: string
  sequence_number?: number
  delta?: string
  response?: Fields
  choices?: { delta?: { content?: string }; text?: string; finish_reason?: string | null }[]
  islet?: Fields
  error?: { code: string; message: string }
  code?: string
  message?: string
}

function hearFrame(data: string, heard: Heard): void {
  if (data === '[DONE]') {
    heard.frames += 1
    heard.done = true
    return
  }
  const chunk = JSON.parse(data) as Chunk
  if (chunk.type === 'error') heard.error = { code: chunk.code ?? '', message: chunk.message ?? '' }
  else if (chunk.type !== undefined) hearTyped(chunk, heard)
  else if (chunk.error !== undefined) heard.error = chunk.error
  else {
    heard.frames += 1
    const [choice] = chunk.choices ?? []
    heard.text += choice?.delta?.content ?? choice?.text ?? ''
    heard.finish = choice?.finish_reason ?? heard.finish
    hearReport(chunk.islet, heard)
  }
}

function hearTyped(chunk: Chunk, heard: Heard): void {
  heard.sequence = chunk.sequence_number ?? heard.sequence
  if (chunk.type === 'response.output_text.delta') heard.text += chunk.delta ?? ''
  if (chunk.response === undefined) return
  heard.response = String(chunk.response['id'])
  hearReport(chunk.response['islet'] as Fields | undefined, heard)
  if (chunk.type === 'response.failed')
    heard.error = { code: 'failed', message: JSON.stringify(chunk.response['error']) }
  const whole = nothingHeard()
  hearWhole(chunk.response, whole)
  if (!whole.done) return
  heard.finish = whole.finish
  heard.done = true
  // What was streamed must be what the end says it was.
  if (whole.text !== heard.text)
    heard.error = {
      code: 'torn',
      message: `streamed ${JSON.stringify(heard.text)}, ended with ${JSON.stringify(whole.text)}`,
    }
}

type Output = { type: string; content?: { text: string }[] }[]

/** A whole reply of any endpoint. A response that goes on is not done. */
export function hearWhole(body: Fields, heard: Heard): void {
  hearReport(body['islet'] as Fields | undefined, heard)
  if (body['object'] !== 'response') {
    const [choice] = body['choices'] as {
      message?: { content?: string }
      text?: string
      finish_reason: string
    }[]
    heard.text = choice.message?.content ?? choice.text ?? ''
    heard.finish = choice.finish_reason
    heard.done = true
    return
  }
  const texts = (body['output'] as Output).flatMap(({ content }) => content?.map(({ text }) => text) ?? [])
  heard.response = String(body['id'])
  heard.text = texts.join('')
  if (body['status'] === 'failed') heard.error = { code: 'failed', message: JSON.stringify(body['error']) }
  heard.done = body['status'] === 'completed' || body['incomplete_details'] != null
  if (heard.done) heard.finish = body['status'] === 'completed' ? 'stop' : 'length'
}

function hearReport(islet: Fields | undefined, heard: Heard): void {
  if (typeof islet?.['session'] === 'string') heard.session = islet['session']
  if (typeof islet?.['logits_sha256'] === 'string') heard.hash = islet['logits_sha256']
}

async function* dataLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim()
  }
}
