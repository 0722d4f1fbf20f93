// The message reader turns chat messages into plain data with text contents.

import * as z from 'zod/mini'
import type { ChatMessage } from '../../../protocol/generation.ts'
import { label, shortText } from '../fields.ts'

const toolCall = z.object({
  id: shortText(),
  type: z.literal('function'),
  function: z.object({ name: shortText(), arguments: z.string() }),
})

const part = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
  ],
  'must be {"type": "text", "text": "..."}',
)
const parts = 'must be a string, null or an array of text parts'
const contentSchema = z.nullish(z.union([z.string(), z.array(part, parts).check(z.minLength(1))], parts))

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: contentSchema,
  name: label(),
  tool_calls: z.nullish(z.array(toolCall)),
  tool_call_id: label(),
})

export const messagesSchema = z.array(message).check(z.minLength(1))

/** Messages for the template: `developer` becomes `system`, null content the empty string, parts one text. */
export function toChatMessages(messages: z.output<typeof messagesSchema>): ChatMessage[] {
  return messages.map(({ role, content, name, tool_calls, tool_call_id }) => ({
    role: role === 'developer' ? 'system' : role,
    content: textOf(content),
    ...(typeof name === 'string' && { name }),
    ...(role === 'assistant' && tool_calls && { tool_calls }),
    ...(role === 'tool' && typeof tool_call_id === 'string' && { tool_call_id }),
  }))
}

/** Text and refusal parts, joined by line breaks as llama-server and vLLM join them. */
function textOf(content: z.output<typeof contentSchema>): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => (part.type === 'text' ? part.text : part.refusal)).join('\n')
}
