// The message reader checks Anthropic's messages and makes chat messages of their content blocks.

import * as z from 'zod/mini'
import { IsletError } from '../../../lib/errors.ts'
import { fieldOf, objectLike, type JsonObject } from '../../../lib/json-value.ts'
import type { ChatMessage } from '../../../protocol/generation.ts'
import { written, type Written } from '../../../protocol/written.ts'
import { levelBounds, shortText } from '../fields.ts'
import { answersNothing } from '../tool-results.ts'

const text = () => z.looseObject({ type: z.literal('text'), text: z.string() })
const textWords = 'must be a string or an array of text blocks'

/** Blocks of text alone: of `system`, and of a tool's result. */
export const textBlocks = () =>
  z.union([z.string(), z.array(z.discriminatedUnion('type', [text()], textWords))], textWords)

const toolResult = () =>
  z.looseObject({
    type: z.literal('tool_result'),
    tool_use_id: shortText(),
    content: z.nullish(textBlocks()),
    is_error: z.nullish(z.boolean()),
  })
const toolUse = () =>
  z.looseObject({
    type: z.literal('tool_use'),
    id: shortText(),
    name: shortText(),
    input: z.record(z.string(), z.unknown()),
  })
const thinking = () => z.looseObject({ type: z.literal('thinking'), thinking: z.string() })
/** Another server's model thought it, and nobody here can read it. */
const redacted = () => z.looseObject({ type: z.literal('redacted_thinking') })

const words = 'must be a string or an array of content blocks'
const said = <R extends string, B extends z.ZodMiniType>(role: R, block: B) =>
  z.looseObject({ role: z.literal(role), content: z.union([z.string(), z.array(block, words)], words) })

const message = () =>
  z.discriminatedUnion(
    'role',
    [
      said('user', z.discriminatedUnion('type', [text(), toolResult()], words)),
      said('assistant', z.discriminatedUnion('type', [text(), toolUse(), thinking(), redacted()], words)),
      said('system', z.discriminatedUnion('type', [text()], words)),
    ],
    'must be a message, such as {"role": "user", "content": "..."}',
  )

export const messageList = () => z.array(message()).check(z.minLength(1), levelBounds())

/** A chat message while blocks join it. */
type Draft = {
  role: string
  /** Of the kind that its fields shall be: plain or exact. */
  like: JsonObject
  texts: string[]
  thoughts: string[]
  calls: JsonObject[]
  result?: unknown
}

/**
 * The chat messages that checked ones stand for, digits and order of keys in calls as they were written. As in Anthropic's
 * API messages of one role in a row are one, so templates that want turns in alternation get them.
 * @throws IsletError `invalid_request` for a result of no call before it, `unsupported_value` for words of the assistant to go
 *   on from.
 */
export function chatMessages(system: unknown, messages: readonly JsonObject[]): Written<ChatMessage>[] {
  const drafts: Draft[] = []
  const calls = new Set<unknown>()
  const begin = (role: string, like: JsonObject): Draft => {
    const draft: Draft = { role, like, texts: [], thoughts: [], calls: [] }
    drafts.push(draft)
    return draft
  }
  const draftOf = (role: string, like: JsonObject): Draft => {
    const last = drafts.at(-1)
    return last?.role === role ? last : begin(role, like)
  }
  const systemTexts = textsOf(system).filter((each) => each !== '')
  if (systemTexts.length > 0) begin('system', messages[0]).texts.push(...systemTexts)
  messages.forEach((message, at) => {
    const role = String(fieldOf(message, 'role'))
    blocksOf(fieldOf(message, 'content'), message).forEach((block, nth) => {
      const type = fieldOf(block, 'type')
      const place = `messages[${at}].content[${nth}]`
      if (type === 'tool_result') {
        const id = fieldOf(block, 'tool_use_id')
        if (!calls.has(id)) throw answersNothing(place, String(id), 'tool_use_id')
        const draft = begin('tool', message)
        draft.result = id
        draft.texts.push(...textsOf(fieldOf(block, 'content')))
        return
      }
      const draft = draftOf(role, message)
      if (type === 'text') draft.texts.push(String(fieldOf(block, 'text')))
      if (type === 'thinking') draft.thoughts.push(String(fieldOf(block, 'thinking')))
      if (type !== 'tool_use') return
      calls.add(fieldOf(block, 'id'))
      draft.calls.push(callOf(block))
    })
  })
  const last = messages.length - 1
  if (fieldOf(messages[last], 'role') === 'assistant') throw cannotGoOn(`messages[${last}]`)
  return drafts.map((draft) => written(messageOf(draft)))
}

/** A text is one block of text. */
function blocksOf(content: unknown, like: JsonObject): JsonObject[] {
  return typeof content === 'string' ? [textPart(like, content)] : (content as JsonObject[])
}

function textsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content]
  return ((content ?? []) as JsonObject[]).map((block) => String(fieldOf(block, 'text')))
}

function textPart(like: JsonObject, value: string): JsonObject {
  return objectLike(like, [
    ['type', 'text'],
    ['text', value],
  ])
}

function callOf(block: JsonObject): JsonObject {
  const called = objectLike(block, [
    ['name', fieldOf(block, 'name')],
    ['arguments', fieldOf(block, 'input')],
  ])
  return objectLike(block, [
    ['id', fieldOf(block, 'id')],
    ['type', 'function'],
    ['function', called],
  ])
}

function messageOf({ role, like, texts, thoughts, calls, result }: Draft): JsonObject {
  const content = texts.length > 1 ? texts.map((each) => textPart(like, each)) : (texts[0] ?? '')
  return objectLike(like, [
    ['role', role],
    ['content', content],
    ...(thoughts.length > 0 ? [['reasoning_content', thoughts.join('\n')] as [string, unknown]] : []),
    ...(calls.length > 0 ? [['tool_calls', calls] as [string, unknown]] : []),
    ...(result !== undefined ? [['tool_call_id', result] as [string, unknown]] : []),
  ])
}

function cannotGoOn(place: string): IsletError {
  return new IsletError(
    'unsupported_value',
    `${place} is the beginning of an answer, and no chat format here can go on from one: end with a message of the user`,
    { param: place },
  )
}
