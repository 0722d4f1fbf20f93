// Function messages are the old spelling of calls and results in a history; templates know the new one alone.

import { IsletError } from '../../../lib/errors.ts'
import { entriesOf, fieldOf, isJsonObject, objectLike, type JsonObject } from '../../../lib/json-value.ts'
import { answersNothing } from '../tool-results.ts'

/**
 * Checked messages with `function_call` as a call of `tool_calls`, and role `function` as a tool's message that answers the
 * last call of that name. Fields keep their places, digits and order.
 * @throws IsletError `invalid_request` for a result whose name no call before it has, and for calls in both spellings.
 */
export function withToolCalls(messages: readonly JsonObject[]): JsonObject[] {
  const calls = new Map<unknown, string>()
  return messages.map((message, index) => {
    const [role, called] = [fieldOf(message, 'role'), fieldOf(message, 'function_call')]
    if (role === 'assistant' && isJsonObject(called)) {
      const place = `messages[${index}].function_call`
      if (Array.isArray(fieldOf(message, 'tool_calls')))
        throw new IsletError('invalid_request', `${place} must not be given beside tool_calls`, {
          param: place,
        })
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

function asResult(message: JsonObject, id: string): JsonObject {
  const entries = entriesOf(message).filter(([key]) => key !== 'tool_call_id')
  return objectLike(message, [
    ...entries.map(([key, value]): [string, unknown] => [key, key === 'role' ? 'tool' : value]),
    ['tool_call_id', id],
  ])
}
