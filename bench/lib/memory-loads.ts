// A load is what an isolate does while its peak is sampled: plain turns, or the same and what else takes memory.

import type { Client } from './client.ts'
import { BenchError } from './setup.ts'

/** Prompt of this many windows, so that the pool has been filled and pages were given back. */
const WINDOWS_LONG = 3
const DECODED = 200
const FIELDS = 20
const TOOLS = 5
/** Some 800 tokens. */
const STORY = 'Once upon a time there was a river that ran to the sea. '.repeat(60)

export type Loaded = {
  client: Client
  url: string
  model: string
  window: number
  /** Ids of a prompt of its own for each serial. */
  prompt: (length: number, serial: number) => number[]
}

export type Load = (loaded: Loaded) => Promise<void>

/** A prompt that runs past the window, decoding and a second turn. */
export async function plainLoad({ client, model, window, prompt }: Loaded): Promise<void> {
  const ids = prompt(WINDOWS_LONG * window, 0)
  await client.complete(model, prompt(32, 1), 1)
  await client.complete(model, ids, DECODED)
  await client.complete(model, [...ids, ...prompt(32, 2)], DECODED)
}

/** The same prompt with log probabilities, a chat under a schema with them, and a call of one of several tools. */
export async function featuredLoad({ url, model, window, prompt }: Loaded): Promise<void> {
  const names = Array.from({ length: FIELDS }, (_, i) => String.fromCharCode('a'.charCodeAt(0) + i))
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string', maxLength: 20 }]))
  const schema = { type: 'object', properties, required: names, additionalProperties: false }
  const tools = Array.from({ length: TOOLS }, (_, i) => ({
    type: 'function',
    function: { name: `tool_${i}`, parameters: schema },
  }))
  const stream = async (path: string, seed: number, body: object): Promise<void> => {
    const sampled = { model, max_tokens: DECODED, temperature: 1, seed, stream: true }
    const response = await fetch(url + path, {
      method: 'POST',
      body: JSON.stringify({ ...sampled, ...body }),
    })
    const text = await response.text()
    if (!text.endsWith('data: [DONE]\n\n')) throw new BenchError(`POST ${path}: ${text.slice(-300)}`)
  }
  const chat = async (seed: number, content: string, body: object): Promise<void> =>
    stream('/v1/chat/completions', seed, { messages: [{ role: 'user', content }], ...body })

  const ids = prompt(WINDOWS_LONG * window, 0)
  await stream('/v1/completions', 0, { prompt: ids, ignore_eos: true, logprobs: 5 })
  const format = { type: 'json_schema', json_schema: { name: 'fields', schema } }
  await chat(1, STORY, { logprobs: true, top_logprobs: 5, response_format: format })
  await chat(2, 'Call one.', { tools, tool_choice: 'required' })
}
