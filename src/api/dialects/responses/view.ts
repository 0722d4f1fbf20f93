// A kept turn is shown as the response that it is, with what it goes on from as items and as messages.

import type { ChatMessage, Json } from '../../../protocol/generation.ts'
import type { TurnView } from '../../../protocol/lane-reports.ts'
import type { Written } from '../../../protocol/written.ts'
import { eventError, failureOf } from '../../http/errors.ts'
import { kindOf } from '../reply.ts'
import { noResponse, RESPONSE_PREFIX } from './ids.ts'
import { conversationItems } from './input.ts'
import { itemMessages, type KeptItem } from './items.ts'
import type { ResponseReply } from './object.ts'
import { endOf, responseWriter } from './writer.ts'

/** A kept turn as a response. */
export function viewObject(view: TurnView): object {
  const { session, turn, events, state } = view
  const reply = responseReply(view.reply, RESPONSE_PREFIX + turn)
  const writer = responseWriter(reply)
  let ended: object | undefined
  writer.write({ type: 'session', session, turn, reply: view.reply })
  for (const event of events) {
    const frames = event.type === 'error' ? writer.failed(failureOf(eventError(event))) : writer.write(event)
    if (event.type === 'finish' || event.type === 'error') ended = endOf(frames)
  }
  if (state === 'cancelled') return writer.response('cancelled')
  return ended ?? writer.response(unfinished(view, reply), { islet: { state } })
}

/**
 * The reply that a turn has kept.
 * @throws IsletError `not_found` where that is no response's.
 */
export function responseReply(reply: Json, id: string): ResponseReply {
  if (kindOf(reply) === 'response') return reply as ResponseReply
  throw noResponse(id)
}

/**
 * Nobody works on a paused turn until it is read, so whoever asks for its end again and again shall not wait
 * for it.
 */
function unfinished(
  { state, events }: TurnView,
  reply: ResponseReply,
): 'queued' | 'in_progress' | 'incomplete' {
  if (state === 'paused' && !reply.background) return 'incomplete'
  return events.length === 0 ? 'queued' : 'in_progress'
}

/** What a response was asked behind, as items: a conversation's have ids of their own. */
export function keptItems({ conversation, turn, reply }: TurnView): KeptItem[] {
  if (isOfConversation(reply)) return conversation as KeptItem[]
  return conversationItems(conversation as Written<ChatMessage>[], turn)
}

/** The same as messages. */
export function keptMessages({ conversation, reply }: TurnView): Written<ChatMessage>[] {
  if (isOfConversation(reply)) return itemMessages(conversation as KeptItem[])
  return conversation as Written<ChatMessage>[]
}

/** The items that a response has answered with, without log probabilities: a conversation is kept with each of its turns. */
export function outputItems(view: TurnView): KeptItem[] {
  const events = view.events.map((event) =>
    event.type === 'text' ? { ...event, logprobs: undefined } : event,
  )
  return (viewObject({ ...view, events }) as { output: KeptItem[] }).output
}

function isOfConversation(reply: Json): boolean {
  return kindOf(reply) !== undefined && (reply as ResponseReply).held !== undefined
}
