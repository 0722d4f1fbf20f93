// The state of a decision is its input as messages of text: what is said, called and returned.

import * as z from 'zod/mini'
import { fieldOf, jsonText, type JsonObject } from '../../lib/json-value.ts'
import type { ChatMessage } from '../../protocol/generation.ts'
import { levelBounds, shortText } from '../dialects/fields.ts'
import { answersNothing } from '../dialects/tool-results.ts'

const textPart = () => z.object({ type: z.literal('input_text'), text: z.string() })
const object = () => z.record(z.string(), z.unknown())
const dataWords = 'must be an object or an array of objects'
const jsonPart = () =>
  z.object({
    type: z.literal('input_json'),
    data: z.union([object(), z.array(object(), dataWords).check(z.minLength(1))], dataWords),
  })

/** A part of a question: text or JSON. Images are refused by their type. */
export const questionPart = () =>
  z.discriminatedUnion('type', [textPart(), jsonPart()], 'must be {"type": "input_text", "text": "..."}')
const outputPart = () =>
  z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('output_text'), text: z.string() }),
      z.object({ type: z.literal('refusal'), refusal: z.string() }),
      textPart(),
    ],
    'must be {"type": "output_text", "text": "..."}',
  )
const textParts = () =>
  z.discriminatedUnion('type', [textPart()], 'must be {"type": "input_text", "text": "..."}')

const words = 'must be a string or an array of parts'
const content = <P extends z.ZodMiniType>(part: P) =>
  z.union([z.string(), z.array(part, words).check(z.minLength(1))], words)
const call = () => ({ call_id: shortText(), name: shortText() })

const message = () =>
  z.discriminatedUnion(
    'role',
    [
      z.object({
        type: z.nullish(z.literal('message')),
        role: z.literal('user'),
        content: content(questionPart()),
      }),
      z.object({
        type: z.nullish(z.literal('message')),
        role: z.enum(['system', 'developer']),
        content: content(textParts()),
      }),
      z.object({
        type: z.nullish(z.literal('message')),
        role: z.literal('assistant'),
        content: content(outputPart()),
      }),
    ],
    'must have a role, such as {"role": "user", "content": "..."}',
  )
const toolItem = () =>
  z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('function_call'), ...call(), arguments: z.string() }),
      z.object({
        type: z.literal('function_call_output'),
        call_id: shortText(),
        output: content(textParts()),
      }),
      z.object({ type: z.literal('custom_tool_call'), ...call(), input: z.string() }),
      z.object({
        type: z.literal('custom_tool_call_output'),
        call_id: shortText(),
        output: content(textParts()),
      }),
    ],
    'must be an item',
  )
const items = 'must be a string or an array of items'

/** A text, or messages, calls and their outputs. */
export const stateSchema = () =>
  z.union(
    [z.string(), z.array(z.union([message(), toolItem()]), items).check(z.minLength(1), levelBounds())],
    items,
  )

export type Said = { role: 'system' | 'user' | 'assistant'; content: string }

/**
 * The messages of a checked `input`; `sent` is the same as it was written. Calls are told in words, since a decision reads
 * them as evidence, whatever the model knows of tools. Neighbours of one role are one message, which every template takes.
 * @throws IsletError `invalid_request` for an output without its call.
 */
export function stateMessages(input: z.output<ReturnType<typeof stateSchema>>, sent: unknown): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const names = new Map<string, string>()
  const said = input.map((item, index) => {
    const written = (sent as JsonObject[])[index]
    if (!('call_id' in item)) {
      const role = item.role === 'developer' ? 'system' : item.role
      return { role, content: contentOf(fieldOf(written, 'content')) } satisfies Said
    }
    if ('name' in item) {
      names.set(item.call_id, item.name)
      const given = item.type === 'function_call' ? item.arguments : item.input
      return { role: 'assistant', content: `Call of ${item.name}: ${given}` } satisfies Said
    }
    const name = names.get(item.call_id)
    if (name === undefined) throw answersNothing(`input[${index}]`, item.call_id, 'call_id')
    return {
      role: 'user',
      content: `Result of ${name}: ${contentOf(fieldOf(written, 'output'))}`,
    } satisfies Said
  })
  return merged(said)
}

/** Messages with what follows one of the same role joined to it. */
export function merged(messages: readonly Said[]): Said[] {
  const joined: Said[] = []
  for (const { role, content } of messages) {
    const last = joined.at(-1)
    if (last?.role === role) last.content += `\n\n${content}`
    else joined.push({ role, content })
  }
  return joined
}

function contentOf(written: unknown): string {
  if (!Array.isArray(written)) return typeof written === 'string' ? written : ''
  return (written as JsonObject[]).map(inputText).join('\n')
}

/** The text of a part: its words, or its JSON with the digits and the order of keys that it came with. */
export function inputText(part: JsonObject): string {
  if (fieldOf(part, 'type') === 'input_json') return jsonText(fieldOf(part, 'data'))
  const words = fieldOf(part, 'text') ?? fieldOf(part, 'refusal')
  return typeof words === 'string' ? words : ''
}
