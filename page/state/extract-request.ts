// An extraction's request asks for an object by a schema; what is wrong with a schema is told with its place.

import type { Shot } from './examples.ts'
import { nodeAt, readJson } from './partial-json.ts'

/** `line` counts from 1; `start` and `end` are places in the text, in UTF-16 units. */
export type Fault = { message: string; line: number; start: number; end: number }

/** The schema that a text is, or what is wrong with it. */
export function schemaOf(text: string): { schema: unknown } | { fault: Fault } {
  const { isWhole, brokenAt: at = text.length } = readJson(`${text} `)
  if (isWhole) return { schema: JSON.parse(text) as unknown }
  const char = String.fromCodePoint(text.codePointAt(at) ?? 0)
  const hint = { "'": ' JSON has double quotes.', '}': ' A comma too many?', ']': ' A comma too many?' }[char]
  const message =
    text.trim() === ''
      ? 'Write a schema.'
      : at < text.length
        ? `${char} does not fit here.${hint ?? ''}`
        : 'The JSON is not complete.'
  return { fault: fault(text, message, at, Math.min(at + 1, text.length)) }
}

const PARAM = 'response_format.json_schema.schema'

/** Where in the schema a server's refusal points to, by its `param`; undefined where it is about something else. */
export function refusedAt(text: string, param = '', message: string): Fault | undefined {
  const { root } = readJson(text)
  if (!param.startsWith(PARAM) || root === undefined) return undefined
  const { start, end } = nodeAt(root, param.slice(PARAM.length + 1))
  return fault(text, `The server does not take this: ${message.replace(`${PARAM}: `, '')}`, start, end)
}

function fault(text: string, message: string, start: number, end: number): Fault {
  return { message, line: text.slice(0, start).split('\n').length, start, end }
}

export type Wish = {
  model: string | undefined
  text: string
  schema: unknown
  shot: Shot | undefined
  /** Of the person; empty: none. */
  systemPrompt: string
  sampling: Record<string, number>
  /** Alternatives of each token. */
  alternatives: number
}

/** The body of POST /v1/chat/completions. Without a temperature of the person's own the likeliest tokens are taken. */
export function extractBody(wish: Wish): Record<string, unknown> {
  const { model, text, schema, shot, systemPrompt, sampling, alternatives } = wish
  const { properties } = (schema ?? {}) as { properties?: object }
  const fields = Object.keys(properties ?? {}).join(', ')
  const instruction = `Read the text and fill in the ${fields && 'fields '}${fields || 'object'} as JSON.`
  // With a worked example the instruction stands apart: small models then copy less of the example.
  const system = [systemPrompt, shot && instruction].filter(Boolean).join('\n\n')
  const said = (role: string, content: string): object => ({ role, content })
  return {
    model,
    messages: [
      ...(system ? [said('system', system)] : []),
      ...(shot
        ? [said('user', `Text: ${shot.text}`), said('assistant', shot.answer), said('user', `Text: ${text}`)]
        : [said('user', `${instruction}\n\n${text}`)]),
    ],
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0,
    max_tokens: 400,
    ...sampling,
    logprobs: true,
    top_logprobs: alternatives || undefined,
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
    islet: { logprobs: 'forced' },
  }
}
