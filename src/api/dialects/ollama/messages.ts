// Messages of Ollama's become a chat's: calls get ids, and a result answers the first open call of its name.

import * as z from 'zod/mini'
import { entriesOf, fieldOf, isJsonObject, jsonText, type JsonObject } from '../../../lib/json-value.ts'
import { emptyArray, label, levelBounds, shortText } from '../fields.ts'

const called = () => z.looseObject({ name: shortText(), arguments: z.record(z.string(), z.unknown()) })

const message = () =>
  z.looseObject({
    role: z.enum(['system', 'user', 'assistant', 'tool']),
    content: z.nullish(z.string()),
    thinking: z.nullish(z.string()),
    images: images(),
    tool_calls: z.nullish(z.array(z.looseObject({ id: label(), function: called() }))),
    tool_name: label(),
    tool_call_id: label(),
  })

export const messagesSchema = () => z.array(message()).check(z.minLength(1), levelBounds())

/** Texts alone are read here. */
export function images() {
  return z.nullish(emptyArray())
}

/** Fields that are said in other words. */
const REWORDED = ['thinking', 'images', 'tool_calls', 'tool_name', 'tool_call_id']

type Open = { id: unknown; name: unknown }

/** Checked messages in the words of chat completions; arguments keep their digits and order. */
export function chatMessages(messages: readonly JsonObject[]): object[] {
  const open: Open[] = []
  return messages.map((sent, index) => {
    const given = Object.fromEntries(
      entriesOf(sent).filter(([name, value]) => value !== null && !REWORDED.includes(name)),
    )
    const thinking = fieldOf(sent, 'thinking')
    const calls = ((fieldOf(sent, 'tool_calls') ?? []) as JsonObject[]).map((call, nth) => {
      const { id, name, text } = callIn(
        call,
        `call${String(index).padStart(3, '0')}${String(nth).padStart(2, '0')}`,
      )
      open.push({ id, name })
      return { id, type: 'function', function: { name, arguments: text } }
    })
    return {
      ...given,
      ...(typeof thinking === 'string' && { reasoning_content: thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(fieldOf(sent, 'role') === 'tool' && answers(sent, open)),
    }
  })
}

/** `usual`: nine letters and digits, as templates of Mistral's models take them. */
function callIn(call: JsonObject, usual: string): { id: unknown; name: unknown; text: string } {
  const inner = fieldOf(call, 'function')
  const named = isJsonObject(inner) ? inner : {}
  return {
    id: fieldOf(call, 'id') ?? usual,
    name: fieldOf(named, 'name'),
    text: jsonText(fieldOf(named, 'arguments')),
  }
}

/** What a result says of its call. One that answers none is refused as a chat's. */
function answers(result: JsonObject, open: Open[]): object {
  const [id, name] = [fieldOf(result, 'tool_call_id') ?? undefined, fieldOf(result, 'tool_name') ?? undefined]
  const at = open.findIndex((call) =>
    id === undefined ? name === undefined || call.name === name : call.id === id,
  )
  const [call] = at < 0 ? [] : open.splice(at, 1)
  const answered = call?.id ?? id ?? name
  return { ...(name !== undefined && { name }), ...(answered !== undefined && { tool_call_id: answered }) }
}
