// Input items of a response: checked, and turned into the chat messages they stand for.

import * as z from 'zod/mini'
import { contentText, type ChatMessage } from '../../../protocol/generation.ts'
import { plainWritten, type Written } from '../../../protocol/written.ts'
import { fieldOf, isJsonObject } from '../../../lib/json-value.ts'
import { shortText } from '../fields.ts'

type Fields = Record<string, unknown>

const part = () =>
  z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
      z.object({ type: z.literal('refusal'), refusal: z.string() }),
    ],
    'must be {"type": "input_text", "text": "..."}',
  )
const parts = 'must be a string or an array of text parts'
const contentSchema = () => z.union([z.string(), z.array(part(), parts).check(z.minLength(1))], parts)

const item = () =>
  z.discriminatedUnion(
    'type',
    [
      z.object({
        type: z.nullish(z.literal('message')),
        role: z.enum(['user', 'assistant', 'system', 'developer']),
        content: contentSchema(),
      }),
      z.object({
        type: z.literal('function_call'),
        call_id: shortText(),
        name: shortText(),
        arguments: z.string(),
      }),
      z.object({ type: z.literal('function_call_output'), call_id: shortText(), output: contentSchema() }),
      z.object({ type: z.literal('reasoning'), content: z.optional(z.unknown()) }),
    ],
    'must be an object',
  )
const items = 'must be a string or an array of items'

/** Items of text and of function calls. */
export const itemsSchema = () => z.array(item(), items)
export type InputItems = z.output<ReturnType<typeof itemsSchema>>

/** A text, or items. */
export const inputSchema = () => z.union([z.string(), itemsSchema().check(z.minLength(1))], items)

/** A call or a result in the input, with its place there. */
export type ResultPlace = { place: string; call: string; isResult: boolean }

export function resultsIn(input: z.output<ReturnType<typeof inputSchema>>): ResultPlace[] {
  if (typeof input === 'string') return []
  return input.flatMap((item, index) =>
    item.type === 'function_call' || item.type === 'function_call_output'
      ? [{ place: `input[${index}]`, call: item.call_id, isResult: item.type === 'function_call_output' }]
      : [],
  )
}

/** The assistant's message while its items are read. */
type Said = ChatMessage & { tool_calls?: unknown[]; reasoning_content?: string }

/**
 * The messages of a checked `input`. Calls join the assistant's message before them, as templates expect them
 * there, and thoughts the message or call behind them.
 */
export function inputMessages(input: z.output<ReturnType<typeof inputSchema>>): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const messages: Said[] = []
  let thoughts: string[] = []
  /** Hands the thoughts before it to an assistant's message. */
  const think = (message: Said): Said => {
    const all = [...(message.reasoning_content === undefined ? [] : [message.reasoning_content]), ...thoughts]
    thoughts = []
    return all.length === 0 ? message : Object.assign(message, { reasoning_content: all.join('\n') })
  }
  for (const item of input) {
    if (item.type === 'reasoning') {
      thoughts.push(...thoughtsOf(item.content))
    } else if (item.type === 'function_call') {
      const { call_id: id, name, arguments: text } = item
      const call = { id, type: 'function', function: { name, arguments: text } }
      const last = messages.at(-1)
      if (last?.role === 'assistant') (think(last).tool_calls ??= []).push(call)
      else messages.push(think({ role: 'assistant', content: '', tool_calls: [call] }))
    } else if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', content: contentOf(item.output), tool_call_id: item.call_id })
    } else {
      const role = item.role === 'developer' ? 'system' : item.role
      const message = { role, content: contentOf(item.content) }
      messages.push(role === 'assistant' ? think(message) : message)
    }
  }
  return messages
}

/** The parts in the words of chat, in which templates read them. */
function contentOf(content: z.output<ReturnType<typeof contentSchema>>): ChatMessage['content'] {
  if (typeof content === 'string') return content
  return content.map((part) => ({ type: 'text', text: part.type === 'refusal' ? part.refusal : part.text }))
}

/** The texts of a reasoning item; a summary is none of the model's own words. */
function thoughtsOf(content: unknown): string[] {
  if (!Array.isArray(content)) return []
  return content.flatMap((part: unknown) => {
    const text = isJsonObject(part) ? fieldOf(part, 'text') : undefined
    return typeof text === 'string' && text !== '' ? [text] : []
  })
}

/** The items that a conversation stands for, the other way round; `base` makes their ids. */
export function conversationItems(
  conversation: readonly Written<ChatMessage>[],
  base: string,
): ({ id: string } & Fields)[] {
  return conversation.flatMap((given, index) => {
    const { role, content: sent, tool_calls, tool_call_id, reasoning_content: thoughts } = plainWritten(given)
    const texts = Array.isArray(sent) ? sent.map((part) => contentText([part])) : [contentText(sent)]
    const content = texts.join('\n')
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
    const reasoning =
      typeof thoughts === 'string'
        ? [
            {
              id: `rs_${base}_${index}`,
              type: 'reasoning',
              summary: [],
              content: [{ type: 'reasoning_text', text: thoughts }],
            },
          ]
        : []
    if (content === '' && calls.length > 0) return [...reasoning, ...items]
    const parts = texts.map((text) =>
      role === 'assistant' ? { type: 'output_text', text, annotations: [] } : { type: 'input_text', text },
    )
    const message = {
      id: `msg_${base}_${index}`,
      type: 'message',
      status: 'completed',
      role,
      content: parts,
    }
    return [...reasoning, message, ...items]
  })
}
