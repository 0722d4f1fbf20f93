// Tools on OpenAI's wire: what a client may offer, and how a call of the model is worded.

import * as z from 'zod/mini'
import type { CallPiece, ToolCall } from '../../protocol/generation.ts'
import { entriesOf, objectLike, type JsonObject } from '../../lib/json-value.ts'
import { written, type Written } from '../../protocol/written.ts'
import { jsonBounds } from './fields.ts'

/** Most functions a request may offer: each is part of the prompt. */
export const MAX_TOOLS = 128

const described = () => ({
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  description: z.nullish(z.string()),
  parameters: z.nullish(z.record(z.string(), z.unknown())),
  // Arguments are held to their schema whether it is said or not.
  strict: z.nullish(z.boolean()),
})
const list = <F extends z.ZodMiniType>(entry: F) =>
  z.array(entry).check(z.maxLength(MAX_TOOLS), ...jsonBounds())

const called = () => z.looseObject(described())
const wrapped = () => z.object({ type: z.literal('function'), function: called() })
const flat = () => z.looseObject({ type: z.literal('function'), ...described() })

/** `tools` of chat completions. */
export const toolsSchema = () => list(wrapped())
/** `functions` of chat completions, the old spelling. */
export const functionsSchema = () => list(called())
/** `tools` of responses. */
export const flatToolsSchema = () => list(flat())

/** What a tool of Messages says of itself, by the names that it has in a function. Whatever else it has is no part of a prompt. */
const FUNCTION_FIELDS = new Map([
  ['name', 'name'],
  ['description', 'description'],
  ['input_schema', 'parameters'],
  ['strict', 'strict'],
])

/** Longest name of a tool in Anthropic's API. */
const MAX_TOOL_NAME = 128

/** `tools` of Messages; those of another type run on Anthropic's machines, or need a model that was trained for them. */
export const inputToolsSchema = () => {
  const { parameters: inputSchema, ...rest } = described()
  return list(
    z.looseObject({
      ...rest,
      type: z.nullish(z.literal('custom')),
      name: z.string().check(z.minLength(1), z.maxLength(MAX_TOOL_NAME)),
      input_schema: inputSchema,
    }),
  )
}

/** Checked tools of Messages as functions in the wrapper which templates know. */
export function schemaFunctions(tools: readonly JsonObject[]): Written<object>[] {
  const fields = (tool: JsonObject) =>
    entriesOf(tool).flatMap(([key, value]): [string, unknown][] => {
      const name = FUNCTION_FIELDS.get(key)
      return name === undefined || value === null ? [] : [[name, value]]
    })
  return wrappedFunctions(tools.map((tool) => objectLike(tool, fields(tool))))
}

/** Checked functions with all their fields, in their places. */
export function toolsAsSent(tools: unknown): Written<object>[] {
  return (tools as JsonObject[]).map((tool) => written(tool))
}

/** Functions without a wrapper, in that which templates know. */
export function wrappedFunctions(functions: readonly JsonObject[]): Written<object>[] {
  return functions.map((each) =>
    written(
      objectLike(each, [
        ['type', 'function'],
        ['function', each],
      ]),
    ),
  )
}

/** A call of an answer that is not streamed. */
export function callObject(answerId: string, index: number, call: ToolCall): object {
  return { id: callId(answerId, index), type: 'function', function: call }
}

/**
 * A piece of a streamed answer's call: who is called comes first and alone, as clients expect, then with what.
 * `index` is that of the call.
 */
export function callDeltas(answerId: string, index: number, { name, arguments: text }: CallPiece): object[] {
  const first = { index, id: callId(answerId, index), type: 'function', function: { name, arguments: '' } }
  return [
    ...(name === undefined ? [] : [{ tool_calls: [first] }]),
    ...(text === '' ? [] : [{ tool_calls: [{ index, function: { arguments: text } }] }]),
  ]
}

/** The same in the old spelling, which knows one call and no id. */
export function functionDeltas({ name, arguments: text }: CallPiece): object[] {
  return [
    ...(name === undefined ? [] : [{ function_call: { name, arguments: '' } }]),
    ...(text === '' ? [] : [{ function_call: { arguments: text } }]),
  ]
}

/** Unique among all answers, as clients send results back by it. */
export function callId(answerId: string, index: number): string {
  return `call_${answerId.replace(/^(chatcmpl-|resp_)/, '')}_${index}`
}
