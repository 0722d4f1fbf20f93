// The forms of a conversation are what a template is offered in turn, since templates expect calls otherwise.

import { contentText, type ChatMessage } from '../protocol/generation.ts'
import type { ExactObject } from '../lib/exact-json.ts'
import { fieldOf, isJsonObject, jsonText, readJson, withField, type JsonObject } from '../lib/json-value.ts'
import type { TextMessage } from './conversation.ts'

/** A message as it was sent. */
export type SentMessage = ChatMessage | ExactObject

/**
 * The conversation with the arguments of calls as objects, as most templates want them, then as texts. Then
 * both with contents of null as the empty text, which some templates cannot add to another. A form that is
 * equal to one before is left out. `takesParts` says of which roles contents stay lists of parts.
 */
export function* messageForms(
  messages: readonly SentMessage[],
  takesParts: (role: string) => boolean,
): Generator<JsonObject[]> {
  const sent = messages.map((message) => withContent(message, takesParts))
  const objects = sent.map((message) => withArguments(message, parsed))
  yield objects
  const hasCalls = sent.some((message) => callsIn(message).length > 0)
  const texts = hasCalls ? sent.map((message) => withArguments(message, texted)) : undefined
  if (texts !== undefined) yield texts
  if (!sent.some(isEmpty)) return
  for (const form of [objects, texts])
    if (form !== undefined) yield form.map((each) => (isEmpty(each) ? withField(each, 'content', '') : each))
}

/** The messages as the built-in formats know them. */
export function textMessages(messages: readonly SentMessage[]): TextMessage[] {
  return messages.map((message) => {
    const [metadata, id] = [fieldOf(message, 'metadata'), fieldOf(message, 'tool_call_id')]
    const calls = callsIn(message)
    return {
      role: String(fieldOf(message, 'role')),
      content: contentText(fieldOf(message, 'content')),
      ...(typeof metadata === 'string' && { metadata }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(typeof id === 'string' && { tool_call_id: id }),
    }
  })
}

/** A refusal is said in words, which templates print of parts of text alone. */
function withContent(message: SentMessage, takesParts: (role: string) => boolean): JsonObject {
  const content = fieldOf(message, 'content')
  if (!Array.isArray(content)) return message
  if (!takesParts(String(fieldOf(message, 'role'))))
    return withField(message, 'content', contentText(content))
  const parts = content.map((part: JsonObject) => {
    const refusal = fieldOf(part, 'refusal')
    return typeof refusal === 'string' ? { type: 'text', text: refusal } : part
  })
  return withField(message, 'content', parts)
}

function isEmpty(message: JsonObject): boolean {
  const content = fieldOf(message, 'content')
  return content === null || content === undefined
}

function callsIn(message: JsonObject): unknown[] {
  const calls = fieldOf(message, 'tool_calls')
  return Array.isArray(calls) ? calls : []
}

function withArguments(message: JsonObject, form: (given: unknown) => unknown): JsonObject {
  const calls = callsIn(message)
  if (calls.length === 0) return message
  const formed = calls.map((call) => {
    const called = isJsonObject(call) ? fieldOf(call, 'function') : undefined
    if (!isJsonObject(call) || !isJsonObject(called)) return call
    const given = fieldOf(called, 'arguments')
    return given === undefined
      ? call
      : withField(call, 'function', withField(called, 'arguments', form(given)))
  })
  return withField(message, 'tool_calls', formed)
}

/** Text that is no JSON of an object or a list stays what it is. */
function parsed(given: unknown): unknown {
  if (typeof given !== 'string') return given
  try {
    const value = readJson(given)
    return typeof value === 'object' && value !== null && !isNumber(value) ? value : given
  } catch {
    return given
  }
}

function isNumber(value: object): boolean {
  return !Array.isArray(value) && !isJsonObject(value)
}

function texted(given: unknown): unknown {
  return typeof given === 'string' ? given : jsonText(given)
}
