// An extraction's request asks for an object by a schema; what is wrong with a schema is told with its place.

import type { Shot } from './examples.ts'
import { JsonReader, nodeAt } from './partial-json.ts'

/** `line` counts from 1; `start` and `end` are places in the text, in UTF-16 units. */
export type Fault = { message: string; line: number; start: number; end: number }

/** The schema that a text is, or what is wrong with it. */
export function schemaOf(text: string): { schema: unknown } | { fault: Fault } {
  const reader = new JsonReader()
  reader.push(text)
  if (reader.end()) return { schema: JSON.parse(text) as unknown }
  const at = reader.brokenAt ?? text.length
  if (text.trim() === '') return { fault: fault(text, 'Write a schema, or take one of the examples.', 0, 0) }
  if (at >= text.length) return { fault: fault(text, 'The text ends before the JSON does.', at, at) }
  const char = String.fromCodePoint(text.codePointAt(at) ?? 0)
  const hint =
    char === "'" ? ' JSON has double quotes.' : /[}\]]/.test(char) ? ' Is there a comma too many?' : ''
  return { fault: fault(text, `This is no JSON: ${char} does not fit here.${hint}`, at, at + 1) }
}

const PARAM = 'response_format.json_schema.schema'

/** Where in the schema a server's refusal points to, by its `param`; undefined where it is about something else. */
export function refusedAt(text: string, param: string | undefined, message: string): Fault | undefined {
  if (param?.startsWith(PARAM) !== true) return undefined
  const reader = new JsonReader()
  reader.push(text)
  if (!reader.end() || reader.root === undefined) return undefined
  const { start, end } = nodeAt(reader.root, param.slice(param.indexOf('#') + 1 || param.length))
  const said = message.startsWith(`${PARAM}: `) ? message.slice(PARAM.length + 2) : message
  return fault(text, `The server does not take this: ${said}`, start, end)
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
export function extractBody({
  model,
  text,
  schema,
  shot,
  systemPrompt,
  sampling,
  alternatives,
}: Wish): object {
  const fields = namesOf(schema)
  const instruction = `Read the text and fill in the ${fields === '' ? 'object' : `fields ${fields}`} as JSON.`
  // With a worked example the instruction stands apart: small models then copy less of the example.
  const system = [systemPrompt, shot && instruction].filter(Boolean).join('\n\n')
  const messages = [
    ...(system === '' ? [] : [{ role: 'system', content: system }]),
    ...(shot === undefined
      ? [{ role: 'user', content: `${instruction}\n\n${text}` }]
      : [
          { role: 'user', content: `Text: ${shot.text}` },
          { role: 'assistant', content: shot.answer },
          { role: 'user', content: `Text: ${text}` },
        ]),
  ]
  return {
    ...(model !== undefined && { model }),
    messages,
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0,
    max_tokens: 400,
    ...sampling,
    logprobs: true,
    ...(alternatives > 0 && { top_logprobs: alternatives }),
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
    islet: { logprobs: 'forced' },
  }
}

function namesOf(schema: unknown): string {
  const { properties } = (schema ?? {}) as { properties?: unknown }
  return typeof properties === 'object' && properties !== null ? Object.keys(properties).join(', ') : ''
}
