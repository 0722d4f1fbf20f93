// This file reads a file with messages, in OpenAI's words or in those of the families' own scripts.

import * as z from 'zod/mini'
import { messagesSchema, toChatMessages } from '../../src/api/dialects/chat/messages.ts'
import { validate } from '../../src/api/validate.ts'
import type { SentMessage } from '../../src/chat/message-forms.ts'
import { readWritten } from '../../src/protocol/written.ts'
import { IsletError } from '../../src/lib/errors.ts'
import {
  entriesOf,
  fieldOf,
  isJsonObject,
  plainJson,
  withField,
  type JsonObject,
} from '../../src/lib/json-value.ts'

export type Conversation = {
  messages: SentMessage[]
  tools: unknown[] | undefined
  opening: boolean
  variables: JsonObject
}

/**
 * `given`, plain or exact, is an array of messages or a request with them; `tools` go before those in the
 * request, and those before what a system message carries (as ChatGLM3 has it). Roles `observation` and
 * `function` are read as `tool`.
 */
export function readConversation(given: unknown, tools: unknown): Conversation {
  const request: JsonObject = Array.isArray(given) ? { messages: given } : isJsonObject(given) ? given : {}
  const sent = fieldOf(request, 'messages')
  const list = Array.isArray(sent) ? sent.map(inOpenAiWords) : undefined
  const plain = list?.map((message) => withoutCalls(plainJson(message)))
  validate(z.object({ messages: messagesSchema() }), { messages: plain ?? plainJson(sent) })
  const messages = (list ?? []) as JsonObject[]
  const inSystem = messages.find((message) => fieldOf(message, 'tools') !== undefined)
  const offered =
    tools ??
    fieldOf(request, 'tools') ??
    fieldOf(request, 'functions') ??
    (inSystem && fieldOf(inSystem, 'tools'))
  const thinking = fieldOf(request, 'enable_thinking')
  const more = fieldOf(request, 'chat_template_kwargs')
  const variables: JsonObject = typeof thinking === 'boolean' ? { enable_thinking: thinking } : {}
  return {
    messages: toChatMessages(messages).map(readWritten),
    tools: readTools(offered),
    opening: fieldOf(request, 'add_generation_prompt') !== false,
    variables: isJsonObject(more) ? joined(variables, more) : variables,
  }
}

/** Both objects' fields; those of the second count. */
export function joined(first: JsonObject, second: JsonObject): JsonObject {
  return entriesOf(second).reduce<JsonObject>(
    (all, [name, value]) => withField(all, name, value),
    new Map(entriesOf(first)) as JsonObject,
  )
}

/** A message with the roles and the calls of the families' scripts in OpenAI's words. */
function inOpenAiWords(message: unknown): unknown {
  if (!isJsonObject(message)) return message
  const role = fieldOf(message, 'role')
  if (role === 'observation' || role === 'function') return withField(message, 'role', 'tool')
  const call = fieldOf(message, 'function_call')
  const needsCall = role === 'assistant' && isJsonObject(call) && !fieldOf(message, 'tool_calls')
  return needsCall ? withField(message, 'tool_calls', [call]) : message
}

/** The schema knows calls of OpenAI alone; scripts leave out their ids and types. */
function withoutCalls(message: unknown): unknown {
  return isJsonObject(message) ? { ...message, tool_calls: undefined } : message
}

function readTools(value: unknown): unknown[] | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value as unknown[]
  throw new IsletError('invalid_request', 'the tools must be a JSON array', { param: '--tools' })
}
