// This file reads a file with messages, in OpenAI's words or in those of the families' own scripts.

import * as z from 'zod/mini'
import { messagesSchema, toChatMessages } from '../../src/api/dialects/chat/messages.ts'
import { validate } from '../../src/api/validate.ts'
import type { ChatMessage } from '../../src/protocol/generation.ts'
import { IsletError } from '../../src/lib/errors.ts'

export type Conversation = {
  messages: ChatMessage[]
  tools: unknown[] | undefined
  opening: boolean
  variables: Record<string, unknown>
}

type Json = Record<string, unknown>

/**
 * `given` is an array of messages or a request with them; `tools` go before those in the request, and those
 * before what a system message carries (as ChatGLM3 has it). Roles `observation` and `function` are read as
 * `tool`.
 */
export function readConversation(given: unknown, tools: unknown): Conversation {
  const request: Json = Array.isArray(given) ? { messages: given } : isObject(given) ? given : {}
  const list = Array.isArray(request.messages) ? (request.messages as unknown[]) : undefined
  const { messages } = validate(z.object({ messages: messagesSchema }), {
    messages: list?.map(inOpenAiWords) ?? request.messages,
  })
  const inSystem = list?.find((message) => isObject(message) && message.tools !== undefined)
  const offered = tools ?? request.tools ?? request.functions ?? (inSystem as Json | undefined)?.tools
  const { enable_thinking: thinking, chat_template_kwargs: more } = request
  return {
    messages: toChatMessages(messages).map((message, index) => withOwn(message, list?.[index])),
    tools: readTools(offered),
    opening: request.add_generation_prompt !== false,
    variables: {
      ...(typeof thinking === 'boolean' && { enable_thinking: thinking }),
      ...(isObject(more) && more),
    },
  }
}

/** What the schema would refuse or drop is put in its words, or taken back by `withOwn`. */
function inOpenAiWords(message: unknown): unknown {
  if (!isObject(message)) return message
  const role = message.role === 'observation' || message.role === 'function' ? 'tool' : message.role
  return { ...message, role, tool_calls: undefined }
}

/**
 * Calls as the file has them: templates want arguments as an object, which the endpoint's schema does not
 * allow.
 */
function withOwn(message: ChatMessage, source: unknown): ChatMessage {
  if (message.role !== 'assistant' || !isObject(source)) return message
  const called = source.tool_calls ?? (isObject(source.function_call) ? [source.function_call] : undefined)
  return {
    ...message,
    ...(Array.isArray(called) && { tool_calls: called }),
    ...(typeof source.metadata === 'string' && source.metadata !== '' && { metadata: source.metadata }),
  }
}

function readTools(value: unknown): unknown[] | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value as unknown[]
  throw new IsletError('invalid_request', 'the tools must be a JSON array', { param: '--tools' })
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
