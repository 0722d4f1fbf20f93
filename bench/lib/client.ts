// A streaming client of the completions endpoints that notes when each chunk of text arrived. One keep-alive
// connection, one request at a time; times are process.hrtime, in seconds since the request was sent.

import { Agent, request } from 'node:http'
import { createParser } from 'eventsource-parser'
import { BenchError } from './setup.ts'
import type { Timing } from './cases.ts'
import { measuredTokens } from './cases.ts'
import type { Case } from './cases.ts'

/** The counts of the last chunk (`stream_options.include_usage`). */
export type Usage = { promptTokens: number; cachedTokens: number; completionTokens: number }

export type Streamed = {
  /** Arrival of each chunk that carried text, seconds after sending. */
  arrivals: number[]
  text: string
  usage: Usage
  /** Of the logits that ids were chosen from, where the request asked for it. */
  logitsSha256?: string
}

type Chunk = {
  error?: { message: string }
  choices?: { text?: string; delta?: { content?: string | null } }[]
  usage?: {
    prompt_tokens: number
    completion_tokens: number
    prompt_tokens_details?: { cached_tokens?: number } | null
  } | null
  islet?: { logits_sha256?: string }
}

export class Client {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1, noDelay: true })

  constructor(url: string) {
    this.#url = url
  }

  /**
   * Streams `body` (stream and include_usage are added); `onText` hears how many chunks carried text so far. Throws BenchError on any
   * answer but a whole stream.
   */
  async stream(
    path: string,
    body: Record<string, unknown>,
    extra: Record<string, string> = {},
    onText: (count: number) => void = () => undefined,
  ): Promise<Streamed> {
    const bytes = Buffer.from(
      JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    )
    const arrivals: number[] = []
    let text = ''
    let usage: Usage | undefined
    let logitsSha256: string | undefined
    let failure: string | undefined

    await new Promise<void>((done, fail) => {
      const headers = { 'content-type': 'application/json', 'content-length': bytes.length, ...extra }
      const start = process.hrtime.bigint()
      const parser = createParser({
        onEvent: ({ data }) => {
          if (data === '[DONE]') return
          const at = Number(process.hrtime.bigint() - start) / 1e9
          const chunk = JSON.parse(data) as Chunk
          if (chunk.error) failure = chunk.error.message
          const piece = chunk.choices?.[0]?.text ?? chunk.choices?.[0]?.delta?.content ?? ''
          if (piece !== '') onText(arrivals.push(at))
          text += piece
          if (chunk.usage) usage = readUsage(chunk.usage)
          logitsSha256 = chunk.islet?.logits_sha256 ?? logitsSha256
        },
      })
      const call = request(
        `${this.#url}${path}`,
        { method: 'POST', agent: this.#agent, headers },
        (response) => {
          let refused = ''
          response.setEncoding('utf8')
          response.on('data', (data: string) => {
            if (response.statusCode === 200) parser.feed(data)
            else refused += data
          })
          response.on('end', () => {
            if (response.statusCode !== 200)
              failure = `status ${response.statusCode}: ${refused.slice(0, 500)}`
            done()
          })
          response.on('error', fail)
        },
      )
      call.on('error', fail)
      call.end(bytes)
    })
    if (failure !== undefined) throw new BenchError(`POST ${path}: ${failure}`)
    if (usage === undefined || arrivals.length === 0)
      throw new BenchError(`POST ${path}: the stream held no text or no usage`)
    return { arrivals, text, usage, logitsSha256 }
  }

  /** Greedy completion of `maxTokens` tokens after exactly these ids, ends of text ignored; hashing and storing take time. */
  async complete(
    model: string,
    ids: readonly number[],
    maxTokens: number,
    { hashLogits = false, store = true } = {},
  ): Promise<Streamed> {
    const options = { temperature: 0, ignore_eos: true, max_tokens: maxTokens, store }
    const headers: Record<string, string> = hashLogits ? { 'x-islet-hash-logits': '1' } : {}
    const streamed = await this.stream('/v1/completions', { model, prompt: ids, ...options }, headers)
    const { completionTokens } = streamed.usage
    if (completionTokens !== maxTokens)
      throw new BenchError(`asked for ${maxTokens} tokens, got ${completionTokens}`)
    return streamed
  }

  /** The same, answered as a whole. */
  async whole(model: string, ids: readonly number[], maxTokens: number): Promise<void> {
    const body = { model, prompt: ids, temperature: 0, ignore_eos: true, max_tokens: maxTokens }
    const response = await fetch(`${this.#url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    const { usage } = (await response.json()) as Chunk
    if (usage?.completion_tokens !== maxTokens)
      throw new BenchError(`asked for ${maxTokens} tokens, got less`)
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Times one case over HTTP. Prefill: to the first text; decode: from the first text to the last. */
export async function timeCase(
  client: Client,
  model: string,
  todo: Case,
  ids: readonly number[],
): Promise<Timing> {
  const { arrivals, usage } = await client.complete(model, ids, todo.decode + 1)
  if (usage.promptTokens !== ids.length)
    throw new BenchError(`sent ${ids.length} ids, prompt_tokens is ${usage.promptTokens}`)
  if (usage.cachedTokens !== 0)
    throw new BenchError(`${usage.cachedTokens} tokens were reused: not a fresh prompt`)
  const chunks = arrivals.length
  if (todo.decode === 0) return { seconds: arrivals[0], chunks }
  // A chunk may hold several tokens (UTF-8 is never split), but many such would blur the first and last.
  if (chunks < measuredTokens(todo) / 2)
    throw new BenchError(`only ${chunks} chunks for ${todo.decode + 1} tokens`)
  return { seconds: arrivals[chunks - 1] - arrivals[0], chunks }
}

function readUsage(usage: NonNullable<Chunk['usage']>): Usage {
  return {
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: usage.completion_tokens,
  }
}
