// A session client asks a test worker, and notes ids, hashes, what was reused, and where a stream broke.

import type { TestWorker } from './worker.ts'

export type Answer = {
  text: string
  finish: string
  /** Of the logits of all rows that were chosen from; undefined where it was not asked for. */
  hash: string | undefined
  promptTokens: number
  completionTokens: number
  cached: number
  session: string
  /** From the request to the first text. */
  firstTokenMs: number
}

/** A stream that was left before its end. */
export type Broken = {
  session: string
  text: string
  /** When each frame of data came, milliseconds. */
  times: number[]
}

export type SessionObject = {
  id: string
  state: string
  tokens: number
  cache: { memory: { pages: number }; storage: { pages: number } }
}

type Chunk = {
  choices: { text?: string; delta?: { content?: string }; finish_reason: string | null }[]
  usage?: { prompt_tokens: number; completion_tokens: number } | null
  islet?: { cached_tokens: number; logits_sha256?: string }
  error?: { message: string }
}

export class SessionClient {
  readonly #worker: Pick<TestWorker, 'url' | 'model'>
  readonly #tenant: string

  constructor(worker: Pick<TestWorker, 'url' | 'model'>, tenant: string) {
    this.#worker = worker
    this.#tenant = tenant
  }

  /** Any path, as this tenant. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#tenant}`, ...(init.headers as Record<string, string>) }
    return fetch(`${this.#worker.url}${path}`, { ...init, headers })
  }

  /** A streamed answer: of a chat if the body has messages, else of a text. */
  post(body: object, hash: boolean, signal?: AbortSignal): Promise<Response> {
    const chat = 'messages' in body
    return this.fetch(chat ? '/v1/chat/completions' : '/v1/completions', {
      method: 'POST',
      headers: hash ? { 'x-islet-hash-logits': '1' } : {},
      body: JSON.stringify({
        model: this.#worker.model,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
        ...(!chat && { ignore_eos: true }),
        ...body,
      }),
      signal,
    })
  }

  /** `onFrame` is told how many frames have come, and the next is read when it resolves. */
  async ask(body: object, hash = true, onFrame?: (frames: number) => Promise<void>): Promise<Answer> {
    const sentAt = performance.now()
    return wholeAnswer(await this.post(body, hash), sentAt, onFrame)
  }

  /** The session's last turn, without the frames that were read before. */
  async readOn(session: string, after: number): Promise<Answer> {
    const sentAt = performance.now()
    return wholeAnswer(await this.fetch(`/v1/sessions/${session}/stream?after=${after}`), sentAt)
  }

  async sessions(): Promise<SessionObject[]> {
    const { data } = await jsonOf<{ data: SessionObject[] }>(await this.fetch('/v1/sessions'))
    return data
  }

  async fork(session: string): Promise<string> {
    const copy = await this.fetch(`/v1/sessions/${session}/fork`, { method: 'POST' })
    return (await jsonOf<SessionObject>(copy)).id
  }

  /** Reads so many frames, or waits so long without reading any, and leaves the stream open. */
  async readSome(
    body: object,
    { frames, delay, hash }: { frames: number; delay: number; hash: boolean },
  ): Promise<Broken> {
    const response = await this.post(body, hash)
    const broken: Broken = { session: sessionOf(response), text: '', times: [] }
    if (frames === 0) await new Promise((resolve) => setTimeout(resolve, delay))
    if (frames === 0) return broken
    for await (const chunk of chunksOf(response)) {
      broken.text += textOf(chunk)
      broken.times.push(Date.now())
      if (broken.times.length === frames) break
    }
    return broken
  }
}

async function jsonOf<T>(response: Response): Promise<T> {
  const text = await response.text()
  if (!response.ok) throw new Error(`status ${response.status}: ${text}`)
  return JSON.parse(text) as T
}

function sessionOf(response: Response): string {
  const session = response.headers.get('x-islet-session')
  if (session === null) throw new Error(`status ${response.status} and no session`)
  return session
}

function textOf({ choices: [choice] }: Chunk): string {
  return choice?.text ?? choice?.delta?.content ?? ''
}

/** Frames of data up to [DONE]. Throws where one is an error or the stream ends before. */
async function* chunksOf(response: Response): AsyncGenerator<Chunk> {
  if (!response.ok || response.body === null)
    throw new Error(`status ${response.status}: ${await response.text()}`)
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of response.body as ReadableStream<Uint8Array>) {
    const frames = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      if (!frame.startsWith('data: ')) continue
      if (frame === 'data: [DONE]') return
      const chunk = JSON.parse(frame.slice('data: '.length)) as Chunk
      if (chunk.error !== undefined) throw new Error(chunk.error.message)
      yield chunk
    }
  }
  throw new Error('the stream broke off')
}

async function wholeAnswer(
  response: Response,
  sentAt: number,
  onFrame?: (frames: number) => Promise<void>,
): Promise<Answer> {
  const answer: Answer = {
    text: '',
    finish: '',
    hash: undefined,
    promptTokens: 0,
    completionTokens: 0,
    cached: 0,
    session: response.headers.get('x-islet-session') ?? '',
    firstTokenMs: 0,
  }
  let frames = 0
  for await (const chunk of chunksOf(response)) {
    await onFrame?.(++frames)
    answer.firstTokenMs ||= performance.now() - sentAt
    answer.text += textOf(chunk)
    answer.finish = chunk.choices[0]?.finish_reason ?? answer.finish
    answer.hash = chunk.islet?.logits_sha256 ?? answer.hash
    answer.cached = chunk.islet?.cached_tokens ?? answer.cached
    answer.promptTokens = chunk.usage?.prompt_tokens ?? answer.promptTokens
    answer.completionTokens = chunk.usage?.completion_tokens ?? answer.completionTokens
  }
  return answer
}
