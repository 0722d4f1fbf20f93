// A run sends generated requests one after the other, judges each reply, and asks something good behind each.

import type { Generated } from './requests.ts'
import { problemOf } from './judge.ts'
import { ID, MODEL } from './bodies.ts'

export type Send = (path: string, init: RequestInit) => Promise<Response>

/** What answers the good requests, and what is known of it. */
export type Subject = { send: Send; model: string }

/** Longer than any answer of so few tokens takes. */
const HANG_MS = 60_000

export class Run {
  readonly #subject: Subject
  /** Ids that were seen, the last one last. */
  readonly #ids: string[] = ['resp_0_a_b']
  slowestMs = 0

  constructor(subject: Subject) {
    this.#subject = subject
  }

  /** Sends one request; the status, and what is wrong, if anything. */
  async send(request: Generated): Promise<{ status: number; problem?: string }> {
    const began = performance.now()
    try {
      const { path, method, headers } = request
      const body = request.body && this.#filledBody(request)
      const signal = AbortSignal.timeout(HANG_MS)
      const response = await this.#subject.send(this.#filled(path), {
        method,
        headers,
        signal,
        redirect: 'manual',
        ...(body && { body }),
      })
      const reply = { status: response.status, headers: response.headers, body: await response.text() }
      this.#remember(reply.body, reply.headers)
      const problem = problemOf(request, reply)
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began)
      return { status: reply.status, ...(problem !== undefined && { problem }) }
    } catch (error) {
      return {
        status: 0,
        problem: `no reply after ${Math.round(performance.now() - began)} ms: ${String(error)}`,
      }
    }
  }

  /** Asks for one token; what is wrong, if anything. */
  async good(): Promise<string | undefined> {
    const body = JSON.stringify({ model: this.#subject.model, prompt: 'a', max_tokens: 1, store: false })
    try {
      const signal = AbortSignal.timeout(HANG_MS)
      const response = await this.#subject.send('/v1/completions', { method: 'POST', body, signal })
      const text = await response.text()
      return response.status === 200 && text.includes('"text_completion"')
        ? undefined
        : `a good request behind it: ${response.status} ${text.slice(0, 200)}`
    } catch (error) {
      return `a good request behind it: ${String(error)}`
    }
  }

  #filled(text: string): string {
    return text
      .replaceAll(ID, encodeURIComponent(this.#ids.at(-1) ?? ''))
      .replaceAll(MODEL, this.#subject.model)
  }

  /** Compressed bodies stay as they are: their model is then one that is not served. */
  #filledBody({ body, kind }: Generated): Uint8Array<ArrayBuffer> | undefined {
    if (body === undefined) return undefined
    const bytes = Buffer.from(body)
    if (kind === 'compressed') return new Uint8Array(bytes)
    const text = bytes.toString('latin1')
    return new Uint8Array(Buffer.from(this.#filled(text), 'latin1'))
  }

  #remember(body: string, headers: Headers): void {
    const session = headers.get('x-islet-session')
    const response = /"id":"(resp_[\w-]+)"/.exec(body)?.[1]
    for (const id of [session, response]) if (id !== null && id !== undefined) this.#ids.push(id)
    if (this.#ids.length > 8) this.#ids.shift()
  }
}

/** A request in a few lines, to send it again. */
export function told({ method, path, headers, body }: Generated): string {
  const text = body === undefined ? '' : Buffer.from(body).toString('utf8')
  return `${method} ${path} ${JSON.stringify(headers)}\n${text.length > 3000 ? `${text.slice(0, 1500)} ... ${text.slice(-1500)}` : text}`
}
