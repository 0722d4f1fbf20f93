// Tools on OpenAI's wire: what a client may offer, and how a call of the model is worded.

import * as z from 'zod/mini'
import type { ToolCall } from '../../protocol/generation.ts'
import type { JsonObject } from '../../lib/json-value.ts'
import { written, type Written } from '../../protocol/written.ts'
import { jsonBounds } from './fields.ts'

/** Most functions a request may offer: each is part of the prompt. */
export const MAX_TOOLS = 128

const tool = z.object({
  type: z.literal('function'),
  function: z.looseObject({
    name: z.string().check(z.minLength(1), z.maxLength(64)),
    description: z.nullish(z.string()),
    parameters: z.nullish(z.record(z.string(), z.unknown())),
  }),
})

export const toolsSchema = z.array(tool).check(z.maxLength(MAX_TOOLS), ...jsonBounds())

/** Checked functions with all their fields, in their places. */
export function toolsAsSent(tools: unknown): Written<object>[] {
  return (tools as JsonObject[]).map((tool) => written(tool))
}

/** A call of an answer that is not streamed. */
export function callObject(answerId: string, index: number, call: ToolCall): object {
  return { id: callId(answerId, index), type: 'function', function: call }
}

/** A call of a streamed answer: who is called comes first and alone, as clients expect, then with what. */
export function callDeltas(answerId: string, index: number, call: ToolCall): object[] {
  const first = {
    index,
    id: callId(answerId, index),
    type: 'function',
    function: { name: call.name, arguments: '' },
  }
  return [{ tool_calls: [first] }, { tool_calls: [{ index, function: { arguments: call.arguments } }] }]
}

/** Unique among all answers, as clients send results back by it. */
export function callId(answerId: string, index: number): string {
  return `call_${answerId.replace(/^(chatcmpl-|resp_)/, '')}_${index}`
}
