// A tool result answers a call of an earlier message: one that answers none is refused by its place.

import { IsletError } from '../../lib/errors.ts'
import { fieldOf, isJsonObject } from '../../lib/json-value.ts'
import type { ChatMessage } from '../../protocol/generation.ts'
import { plainWritten, type Written } from '../../protocol/written.ts'
import { preview } from '../validate.ts'

/**
 * Checks a whole chat.
 * @throws IsletError `invalid_request` with the message as `param`, for a tool's message that answers no call.
 */
export function checkResults(messages: readonly Written<ChatMessage>[]): void {
  const known = new Set<unknown>()
  let open = 0 // calls without a result yet
  messages.forEach((message, index) => {
    const { role, tool_call_id: id, tool_calls: calls } = plainWritten(message)
    if (role === 'assistant')
      for (const call of calls ?? []) {
        known.add(isJsonObject(call) ? fieldOf(call, 'id') : undefined)
        open++
      }
    if (role !== 'tool') return
    if (id === undefined ? open === 0 : !known.has(id)) throw answersNothing(`messages[${index}]`, id)
    open = Math.max(0, open - 1)
  })
}

/** The ids of all calls in a conversation. */
export function callIds(messages: readonly Written<ChatMessage>[]): Set<unknown> {
  const calls = messages.flatMap((message) => plainWritten(message).tool_calls ?? [])
  return new Set(calls.map((call) => (isJsonObject(call) ? fieldOf(call, 'id') : undefined)))
}

export function answersNothing(place: string, id: string | undefined, name = 'tool_call_id'): IsletError {
  if (id === undefined)
    return new IsletError(
      'invalid_request',
      `${place} answers no call: no call before it is without a result`,
      {
        param: place,
      },
    )
  const says = `${place}.${name} is ${preview(id)}, which no call before it has: send the message with the call too`
  return new IsletError('invalid_request', says, { param: `${place}.${name}` })
}
