// The message reader turns chat messages into plain data with text contents.

import * as z from 'zod/mini'
import type { ChatMessage } from '../../../protocol/generation.ts'
import { preview, ruled, type Problem } from '../../validate.ts'

const toolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
})

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.optional(ruled(checkContent)),
  name: z.nullish(z.string()),
  tool_calls: z.nullish(z.array(toolCall)),
  tool_call_id: z.nullish(z.string()),
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
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return (content as Record<string, string>[])
    .map((part) => (part.type === 'text' ? part.text : part.refusal))
    .join('\n')
}

function checkContent(content: unknown): Problem | undefined {
  if (content === undefined || content === null || typeof content === 'string') return undefined
  if (!Array.isArray(content) || content.length === 0) {
    const says = `must be a string, null or an array of text parts, not ${preview(content)}`
    return { code: 'invalid_request', says }
  }
  for (const [index, part] of content.entries()) {
    const problem = checkPart(part)
    if (problem !== undefined) return { ...problem, at: [index, ...(problem.at ?? [])] }
  }
  return undefined
}

function checkPart(part: unknown): Problem | undefined {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) {
    return { code: 'invalid_request', says: `must be {"type": "text", "text": "..."}, not ${preview(part)}` }
  }
  const { type } = part as { type?: unknown }
  if (type !== 'text' && type !== 'refusal') {
    return {
      code: 'unsupported_value',
      says: `is a part of type ${preview(type)}; this server reads only "text"`,
    }
  }
  const text = (part as Record<string, unknown>)[type]
  if (typeof text === 'string') return undefined
  return { code: 'invalid_request', says: `must be a string, not ${preview(text)}`, at: [type] }
}
