// The message reader checks chat messages and hands them on as they were sent.

import * as z from 'zod/mini'
import type { ChatMessage } from '../../../protocol/generation.ts'
import { written, type Written } from '../../../protocol/written.ts'
import { entriesOf, objectLike, type JsonObject } from '../../../lib/json-value.ts'
import { label, levelBounds, shortText } from '../fields.ts'
import { withToolCalls } from './function-messages.ts'

/** OpenAI knows text alone; templates and their authors' scripts have objects. */
const callArguments = () =>
  z.union([z.string(), z.record(z.string(), z.unknown())], 'must be a string or an object')

const called = () => z.looseObject({ name: shortText(), arguments: callArguments() })
const toolCall = () => z.looseObject({ id: shortText(), type: z.literal('function'), function: called() })

const part = () =>
  z.discriminatedUnion(
    'type',
    [
      z.looseObject({ type: z.literal('text'), text: z.string() }),
      z.looseObject({ type: z.literal('refusal'), refusal: z.string() }),
    ],
    'must be {"type": "text", "text": "..."}',
  )
const parts = 'must be a string, null or an array of text parts'
const contentSchema = () =>
  z.nullish(z.union([z.string(), z.array(part(), parts).check(z.minLength(1))], parts))

const message = () =>
  z.looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
    content: contentSchema(),
    name: label(),
    tool_calls: z.nullish(z.array(toolCall())),
    /** The old spelling of one call. */
    function_call: z.nullish(called()),
    tool_call_id: label(),
  })

export const messagesSchema = () => z.array(message()).check(z.minLength(1), levelBounds())

/** Fields whose null counts as absent, as that of a body's fields does. */
const NULLABLE = ['name', 'tool_calls', 'tool_call_id', 'function_call']

/**
 * Checked messages as their client sent them, further fields, parts and null contents too: what is read of
 * them is the template's affair. `developer` is OpenAI's new word for `system`, which templates know; the old words of
 * calls become the new ones.
 */
export function toChatMessages(messages: readonly JsonObject[]): Written<ChatMessage>[] {
  return withToolCalls(messages).map((message) => {
    const entries = entriesOf(message)
      .filter(([key, value]) => value !== null || !NULLABLE.includes(key))
      .map(([key, value]): [string, unknown] => [
        key,
        key === 'role' && value === 'developer' ? 'system' : value,
      ])
    return written(objectLike(message, entries))
  })
}
