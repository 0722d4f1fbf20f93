// GenerationEvents to the typed events of a response, and the response as it stands. The same writer words streams,
// whole replies and kept turns, so ids and order of items agree among them. No I/O, no clock.

import type { GenerationEvent, ToolCall } from '../../../protocol/generation.ts'
import { isletReport, type FinishEvent, type SessionEvent, type StartEvent } from '../chunks.ts'
import type { ErrorBody } from '../../http/errors.ts'
import { continued, type ResponseReply } from '../reply.ts'
import { callId } from '../tools.ts'
import {
  responseObject,
  type CallItem,
  type ContentItem,
  type Item,
  type ItemStatus,
  type Progress,
  type ResponseStatus,
} from './object.ts'

export const RESPONSE_PREFIX = 'resp_'

export type TypedEvent = { type: string; sequence_number: number }
type EndStatus = 'completed' | 'incomplete'

const PARTS = {
  message: { part: 'output_text', event: 'response.output_text' },
  reasoning: { part: 'reasoning_text', event: 'response.reasoning_text' },
} as const

export type ResponseWriter = {
  /** The typed events that an event stands for, in order. */
  write(event: Exclude<GenerationEvent, { type: 'error' }>): TypedEvent[]
  /** The end of a generation that failed. */
  fail(error: ErrorBody['error']): TypedEvent[]
  /** An error of the connection alone: the response itself goes on, or may. */
  breakOff(error: ErrorBody['error']): TypedEvent[]
  /** The response as it stands. */
  response(status: ResponseStatus, more?: Partial<Progress>): object
}

/** The writer of one response, which keeps count between events. */
export function responseWriter(asked: ResponseReply): ResponseWriter {
  let reply = asked
  let session: SessionEvent | undefined
  let start: StartEvent | undefined
  let sequence = 0
  let begun = false
  const output: Item[] = []
  /** Calls are said at the end: so they follow the text in every rendering of the same answer. */
  const calls: ToolCall[] = []
  let open: ContentItem | undefined

  const id = (): string => (session === undefined ? reply.id : RESPONSE_PREFIX + session.turn)
  const itemId = (prefix: string, index: number): string => {
    const name = prefix + id().slice(RESPONSE_PREFIX.length)
    return index === 0 ? name : `${name}_${index}`
  }
  const say = (type: string, fields: object): TypedEvent => ({ type, sequence_number: sequence++, ...fields })
  const place = (item: Item) => ({ item_id: item.id, output_index: output.indexOf(item) })
  const said = (type: string, item: Item): TypedEvent =>
    say(type, { output_index: output.indexOf(item), item: structuredClone(item) })

  function response(status: ResponseStatus, more: Partial<Progress> = {}): object {
    const islet = { ...(session !== undefined && { session: session.session }), ...more.islet }
    return responseObject(reply, { id: id(), status, output, ...more, islet })
  }

  function begin(): TypedEvent[] {
    if (begun) return []
    begun = true
    const state = { response: response('in_progress') }
    return [say('response.created', state), say('response.in_progress', state)]
  }

  function grow(type: ContentItem['type'], delta: string): TypedEvent[] {
    const events: TypedEvent[] = []
    if (open?.type !== type) {
      events.push(...close('completed'), ...openItem(type))
    }
    const item = open as ContentItem
    item.content[0].text += delta
    const logprobs = type === 'message' ? { logprobs: [] } : {}
    if (delta !== '')
      events.push(say(`${PARTS[type].event}.delta`, { ...place(item), content_index: 0, delta, ...logprobs }))
    return events
  }

  function openItem(type: ContentItem['type']): TypedEvent[] {
    const nth = output.filter((item) => item.type === type).length
    const item: ContentItem =
      type === 'message'
        ? { id: itemId('msg_', nth), type, status: 'in_progress', role: 'assistant', content: [] }
        : { id: itemId('rs_', nth), type, status: 'in_progress', summary: [], content: [] }
    output.push(item)
    const added = said('response.output_item.added', item)
    const extra = type === 'message' ? { annotations: [] as [], logprobs: [] as [] } : {}
    item.content.push({ type: PARTS[type].part, text: '', ...extra })
    open = item
    return [added, part('response.content_part.added', item)]
  }

  function part(type: string, item: ContentItem): TypedEvent {
    return say(type, { ...place(item), content_index: 0, part: { ...item.content[0] } })
  }

  function close(status: ItemStatus): TypedEvent[] {
    if (open === undefined) return []
    const item = open
    open = undefined
    item.status = status
    const { event } = PARTS[item.type]
    const logprobs = item.type === 'message' ? { logprobs: [] } : {}
    const whole = { ...place(item), content_index: 0, text: item.content[0].text, ...logprobs }
    return [
      say(`${event}.done`, whole),
      part('response.content_part.done', item),
      said('response.output_item.done', item),
    ]
  }

  function callEvents(call: ToolCall, index: number): TypedEvent[] {
    const item: CallItem = {
      id: `${itemId('fc_', 0)}_${index}`,
      type: 'function_call',
      status: 'in_progress',
      call_id: callId(id(), index),
      name: call.name,
      arguments: '',
    }
    output.push(item)
    const events = [said('response.output_item.added', item)]
    const type = 'response.function_call_arguments'
    events.push(say(`${type}.delta`, { ...place(item), delta: call.arguments }))
    Object.assign(item, { arguments: call.arguments, status: 'completed' })
    events.push(say(`${type}.done`, { ...place(item), name: call.name, arguments: call.arguments }))
    events.push(said('response.output_item.done', item))
    return events
  }

  function end(finish: FinishEvent): TypedEvent[] {
    const status: EndStatus = finish.reason === 'length' ? 'incomplete' : 'completed'
    // An answer of nothing at all is still a message.
    const empty = output.length === 0 && calls.length === 0 ? grow('message', '') : []
    const events = [...empty, ...close(calls.length > 0 ? 'completed' : status), ...calls.flatMap(callEvents)]
    const state = response(status, { finish, islet: isletReport(session, start, finish) })
    return [...events, say(`response.${status}`, { response: state })]
  }

  return {
    write(event) {
      switch (event.type) {
        case 'session':
          session = event
          reply = continued(asked, event)
          return begin()
        case 'start':
          start = event
          return begin()
        case 'text':
          calls.push(...(event.calls ?? []))
          return [
            ...(event.reasoning ? grow('reasoning', event.reasoning) : []),
            ...(event.text === '' ? [] : grow('message', event.text)),
          ]
        case 'finish':
          return [...begin(), ...end(event)]
        default:
          return []
      }
    },
    fail: (error) => [
      ...begin(),
      ...close('incomplete'),
      say('response.failed', { response: response('failed', { error }) }),
    ],
    breakOff: ({ code, message, param }) => [say('error', { code, message, param })],
    response,
  }
}
