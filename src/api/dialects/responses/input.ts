// Input items of a response: checked, and turned into the chat messages they stand for.

import * as z from 'zod/mini'
import type { ChatMessage } from '../../../protocol/generation.ts'
import { shortText } from '../fields.ts'

type Fields = Record<string, unknown>

const part = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
  ],
  'must be {"type": "input_text", "text": "..."}',
)
const parts = 'must be a string or an array of text parts'
const contentSchema = z.union([z.string(), z.array(part, parts).check(z.minLength(1))], parts)

const item = z.discriminatedUnion(
  'type',
  [
    z.object({
      type: z.nullish(z.literal('message')),
      role: z.enum(['user', 'assistant', 'system', 'developer']),
      content: contentSchema,
    }),
    z.object({
      type: z.literal('function_call'),
      call_id: shortText(),
      name: shortText(),
      arguments: z.string(),
    }),
    z.object({ type: z.literal('function_call_output'), call_id: shortText(), output: contentSchema }),
    z.object({ type: z.literal('reasoning') }),
  ],
  'must be an object',
)
const items = 'must be a string or an array of items'

/** A text, or items of text and of function calls. */
export const inputSchema = z.union([z.string(), z.array(item, items).check(z.minLength(1))], items)

/**
 * The messages of a checked `input`. Calls join the assistant's message before them, as templates expect them
 * there; earlier thoughts are no part of a prompt.
 */
export function inputMessages(input: z.output<typeof inputSchema>): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const messages: ChatMessage[] = []
  for (const item of input) {
    if (item.type === 'reasoning') continue
    if (item.type === 'function_call') {
      const { call_id: id, name, arguments: text } = item
      const call = { id, type: 'function', function: { name, arguments: text } }
      const last = messages.at(-1)
      if (last?.role === 'assistant') (last.tool_calls ??= []).push(call)
      else messages.push({ role: 'assistant', content: '', tool_calls: [call] })
    } else if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', content: textOf(item.output), tool_call_id: item.call_id })
    } else {
      const role = item.role === 'developer' ? 'system' : item.role
      messages.push({ role, content: textOf(item.content) })
    }
  }
  return messages
}

function textOf(content: z.output<typeof contentSchema>): string {
  if (typeof content === 'string') return content
  return content.map((part) => (part.type === 'refusal' ? part.refusal : part.text)).join('\n')
}

/** The items that a conversation stands for, the other way round; `base` makes their ids. */
export function conversationItems(conversation: ChatMessage[], base: string): ({ id: string } & Fields)[] {
  return conversation.flatMap(({ role, content, tool_calls, tool_call_id }, index) => {
    if (role === 'tool') {
      const id = `fco_${base}_${index}`
      return [
        { id, type: 'function_call_output', status: 'completed', call_id: tool_call_id, output: content },
      ]
    }
    const calls = (tool_calls ?? []) as { id: string; function: Fields }[]
    const items: ({ id: string } & Fields)[] = calls.map((call, nth) => ({
      id: `fc_${base}_${index}_${nth}`,
      type: 'function_call',
      status: 'completed',
      call_id: call.id,
      name: call.function.name,
      arguments: call.function.arguments,
    }))
    if (content === '' && calls.length > 0) return items
    const part =
      role === 'assistant'
        ? { type: 'output_text', text: content, annotations: [] }
        : { type: 'input_text', text: content }
    const message = {
      id: `msg_${base}_${index}`,
      type: 'message',
      status: 'completed',
      role,
      content: [part],
    }
    return [message, ...items]
  })
}
