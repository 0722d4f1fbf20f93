// Input items of a response: checked, and turned into the chat messages they stand for.

import type { ChatMessage } from '../../../protocol/generation.ts'
import { preview, type Problem } from '../../validate.ts'

type Fields = Record<string, unknown>

const ROLES = ['user', 'assistant', 'system', 'developer']
const TEXT_PARTS = ['input_text', 'output_text', 'text', 'refusal']

/** The rule for `input`: a text, or items of text and of function calls. */
export function checkInput(value: unknown): Problem | undefined {
  if (typeof value === 'string') return undefined
  if (!Array.isArray(value) || value.length === 0)
    return bad(`must be a string or an array of items, not ${preview(value)}`)
  return firstOf(value, checkItem)
}

function checkItem(item: unknown): Problem | undefined {
  if (!isFields(item)) return bad(`must be an object, not ${preview(item)}`)
  switch (item.type ?? 'message') {
    case 'message':
      if (!ROLES.includes(item.role as string))
        return bad(
          `must be ${ROLES.map((role) => preview(role)).join(' or ')}, not ${preview(item.role)}`,
          'role',
        )
      return checkContent(item.content, 'content')
    case 'function_call':
      return checkString(item, 'call_id') ?? checkString(item, 'name') ?? checkString(item, 'arguments')
    case 'function_call_output':
      return checkString(item, 'call_id') ?? checkContent(item.output, 'output')
    case 'reasoning':
      return undefined
    default: {
      const known = '"message", "function_call", "function_call_output" and "reasoning"'
      return {
        code: 'unsupported_value',
        says: `is an item of type ${preview(item.type)}; this server reads ${known}`,
      }
    }
  }
}

function checkContent(content: unknown, name: string): Problem | undefined {
  if (typeof content === 'string') return undefined
  if (!Array.isArray(content) || content.length === 0)
    return bad(`must be a string or an array of text parts, not ${preview(content)}`, name)
  return within(name, firstOf(content, checkPart))
}

function checkPart(part: unknown): Problem | undefined {
  if (!isFields(part)) return bad(`must be {"type": "input_text", "text": "..."}, not ${preview(part)}`)
  if (!TEXT_PARTS.includes(part.type as string))
    return {
      code: 'unsupported_value',
      says: `is a part of type ${preview(part.type)}; this server reads only text`,
    }
  return checkString(part, part.type === 'refusal' ? 'refusal' : 'text')
}

function checkString(fields: Fields, name: string): Problem | undefined {
  return typeof fields[name] === 'string'
    ? undefined
    : bad(`must be a string, not ${preview(fields[name])}`, name)
}

function bad(says: string, ...at: PropertyKey[]): Problem {
  return { code: 'invalid_request', says, at }
}

function within(key: PropertyKey, problem: Problem | undefined): Problem | undefined {
  return problem && { ...problem, at: [key, ...(problem.at ?? [])] }
}

function firstOf(values: unknown[], check: (value: unknown) => Problem | undefined): Problem | undefined {
  for (const [index, value] of values.entries()) {
    const problem = within(index, check(value))
    if (problem !== undefined) return problem
  }
  return undefined
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The messages of a checked `input`. Calls join the assistant's message before them, as templates expect them there;
 * earlier thoughts are no part of a prompt.
 */
export function inputMessages(input: unknown): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const messages: ChatMessage[] = []
  for (const item of input as Fields[]) {
    if (item.type === 'reasoning') continue
    if (item.type === 'function_call') {
      const { call_id: id, name, arguments: text } = item
      const call = { id, type: 'function', function: { name, arguments: text } }
      const last = messages.at(-1)
      if (last?.role === 'assistant') last.tool_calls = [...(last.tool_calls ?? []), call]
      else messages.push({ role: 'assistant', content: '', tool_calls: [call] })
    } else if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', content: textOf(item.output), tool_call_id: item.call_id as string })
    } else {
      const role = item.role === 'developer' ? 'system' : (item.role as string)
      messages.push({ role, content: textOf(item.content) })
    }
  }
  return messages
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return (content as Record<string, string>[])
    .map((part) => (part.type === 'refusal' ? part.refusal : part.text))
    .join('\n')
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
