// Function messages are the old spelling of calls and results in a history; templates know the new one alone.

import { entriesOf, fieldOf, isJsonObject, objectLike, type JsonObject } from '../../../lib/json-value.ts'
import { answersNothing } from '../tool-results.ts'

/**
 * Checked messages with `function_call` as a call of `tool_calls`, and role `function` as a tool's message that answers the
 * last call of that name. Fields keep their places, digits and order.
 * @throws IsletError `invalid_request` for a result whose name no call before it has.
 */
export function withToolCalls(messages: readonly JsonObject[]): JsonObject[] {
  const calls = new Map<unknown, unknown>()
  return messages.map((message, index) => {
    const [role, called] = [fieldOf(message, 'role'), fieldOf(message, 'function_call')]
    // Some clients send both spellings of the same calls: the new one counts.
    const said = role === 'assistant' && isJsonObject(called) ? fieldOf(message, 'tool_calls') : undefined
    if (Array.isArray(said) && said.length > 0) {
      for (const call of said as JsonObject[]) {
        const named = fieldOf(call, 'function')
        if (isJsonObject(named)) calls.set(fieldOf(named, 'name'), fieldOf(call, 'id'))
      }
      return message
    }
    if (role === 'assistant' && isJsonObject(called)) {
      const id = callId(index)
      calls.set(fieldOf(called, 'name'), id)
      return withCall(message, id, called)
    }
    if (role !== 'function') return message
    const name = fieldOf(message, 'name')
    const id = calls.get(name)
    if (id === undefined) throw answersNothing(`messages[${index}]`, String(name), 'name')
    return asResult(message, id)
  })
}

/** Nine letters and digits: templates of Mistral's models take no other ids. */
function callId(index: number): string {
  return `call${String(index).padStart(5, '0')}`
}

function withCall(message: JsonObject, id: string, called: JsonObject): JsonObject {
  const call = objectLike(message, [
    ['id', id],
    ['type', 'function'],
    ['function', called],
  ])
  const entries = entriesOf(message).filter(([key]) => key !== 'tool_calls')
  return objectLike(
    message,
    entries.map(([key, value]) => (key === 'function_call' ? ['tool_calls', [call]] : [key, value])),
  )
}

function asResult(message: JsonObject, id: unknown): JsonObject {
  const entries = entriesOf(message).filter(([key]) => key !== 'tool_call_id')
  return objectLike(message, [
    ...entries.map(([key, value]): [string, unknown] => [key, key === 'role' ? 'tool' : value]),
    ['tool_call_id', id],
  ])
}
