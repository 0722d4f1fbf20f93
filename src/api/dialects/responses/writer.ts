// The writer of responses turns events into typed events, and keeps the response as it stands.
// Streams, whole answers and kept turns are worded by the same writer, so ids and order of items agree among
// them: items follow the answer, one closes where the next one opens.

import type {
  CallPiece,
  FinishEvent,
  SessionEvent,
  StartEvent,
  TextEvent,
} from '../../../protocol/generation.ts'
import { callPieces, joinTexts } from '../../../protocol/text-order.ts'
import type { Collected } from '../../http/collect.ts'
import type { Failure } from '../../http/errors.ts'
import type { AnswerEvent } from '../../http/events.ts'
import type { Writer } from '../../http/sse.ts'
import { isletReport } from '../islet-report.ts'
import { continued } from '../reply.ts'
import { tokenEntries } from '../token-entries.ts'
import { callId } from '../tools.ts'
import { cutOffFields, isCutOff } from './errors.ts'
import { RESPONSE_PREFIX } from './ids.ts'
import {
  responseObject,
  type CallItem,
  type ContentItem,
  type Item,
  type ItemStatus,
  type Progress,
  type ResponseReply,
  type ResponseStatus,
} from './object.ts'

type TypedEvent = { type: string; sequence_number: number; response?: object }
/** A typed event under its own name; there is no `[DONE]`. */
type TypedFrame = { event: string; data: TypedEvent }
type EndStatus = 'completed' | 'incomplete'

const PARTS = {
  message: { part: 'output_text', event: 'response.output_text' },
  reasoning: { part: 'reasoning_text', event: 'response.reasoning_text' },
} as const

const ARGUMENTS = 'response.function_call_arguments'

export type ResponseWriter = Omit<Writer, 'write'> & {
  write(event: AnswerEvent): TypedFrame[]
  /** The end of a generation that failed. */
  failed(failure: Failure): TypedFrame[]
  /** The response as it stands. */
  response(status: ResponseStatus, more?: Partial<Progress>): object
}

/** The writer of one response, which keeps count between events. It writes those numbered above `after`. */
export function responseWriter(asked: ResponseReply, after = -1): ResponseWriter {
  let reply = asked
  let session: SessionEvent | undefined
  let start: StartEvent | undefined
  let sequence = 0
  let begun = false
  const output: Item[] = []
  /** The last item, while it grows. */
  let open: Item | undefined
  let calls = 0

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

  function grow(type: ContentItem['type'], delta: string, entries: object[] = []): TypedEvent[] {
    const events: TypedEvent[] = []
    if (open?.type !== type) {
      events.push(...close('completed'), ...openItem(type))
    }
    const item = open as ContentItem
    item.content[0].text += delta
    item.content[0].logprobs?.push(...entries)
    const logprobs = type === 'message' ? { logprobs: entries } : {}
    if (delta !== '' || entries.length > 0)
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
    const extra = type === 'message' ? { annotations: [] as [], logprobs: [] } : {}
    item.content.push({ type: PARTS[type].part, text: '', ...extra })
    open = item
    return [added, part('response.content_part.added', item)]
  }

  function part(type: string, item: ContentItem): TypedEvent {
    return say(type, { ...place(item), content_index: 0, part: structuredClone(item.content[0]) })
  }

  function close(status: ItemStatus): TypedEvent[] {
    if (open === undefined) return []
    const item = open
    open = undefined
    item.status = status
    if (item.type === 'function_call') {
      const whole = { ...place(item), name: item.name, arguments: item.arguments }
      return [say(`${ARGUMENTS}.done`, whole), said('response.output_item.done', item)]
    }
    const { event } = PARTS[item.type]
    const [{ text, logprobs }] = item.content
    const whole = { ...place(item), content_index: 0, text, ...(logprobs !== undefined && { logprobs }) }
    return [
      say(`${event}.done`, whole),
      part('response.content_part.done', item),
      said('response.output_item.done', item),
    ]
  }

  /** Who is called opens an item; the pieces behind go on with its arguments. */
  function growCall({ name, arguments: delta }: CallPiece): TypedEvent[] {
    const events = name === undefined ? [] : [...close('completed'), openCall(name)]
    // A piece of no open call belongs to nothing that could be shown.
    if (open?.type !== 'function_call' || delta === '') return events
    open.arguments += delta
    return [...events, say(`${ARGUMENTS}.delta`, { ...place(open), delta })]
  }

  function openCall(name: string): TypedEvent {
    const nth = calls++
    const item: CallItem = {
      id: `${itemId('fc_', 0)}_${nth}`,
      type: 'function_call',
      status: 'in_progress',
      call_id: callId(id(), nth),
      name,
      arguments: '',
    }
    output.push(item)
    open = item
    return said('response.output_item.added', item)
  }

  function end(finish: FinishEvent): TypedEvent[] {
    const status: EndStatus = finish.reason === 'length' ? 'incomplete' : 'completed'
    // An answer of nothing at all is still a message.
    const empty = output.length === 0 ? grow('message', '') : []
    const events = [...empty, ...close(open !== undefined && isWholeCall(open) ? 'completed' : status)]
    const islet = isletReport(session, start, finish, reply)
    return [...events, say(`response.${status}`, { response: response(status, { finish, islet }) })]
  }

  function textEvents(event: TextEvent): TypedEvent[] {
    const { continuing, opened } = callPieces(event)
    // A token that shows nothing, as one of a stop string, belongs to the message that is open.
    const isSilent = event.calls === undefined && event.reasoning === undefined && open?.type === 'message'
    const entries = event.text !== '' || isSilent ? tokenEntries(event.logprobs ?? []) : []
    return [
      ...continuing.flatMap(growCall),
      ...(event.reasoning ? grow('reasoning', event.reasoning) : []),
      ...(event.text === '' && entries.length === 0 ? [] : grow('message', event.text, entries)),
      ...opened.flatMap(growCall),
    ]
  }

  function eventsOf(event: AnswerEvent): TypedEvent[] {
    switch (event.type) {
      case 'session':
        session = event
        reply = continued(asked, event)
        return begin()
      case 'start':
        start = event
        return begin()
      case 'text':
        return textEvents(event)
      case 'finish':
        return [...begin(), ...end(event)]
      default:
        return []
    }
  }

  const unheard = (events: TypedEvent[]): TypedFrame[] =>
    events.filter((event) => event.sequence_number > after).map(frameOf)

  /**
   * A failure is always said, also to whoever has as many events: those may be of a reading that went
   * further.
   */
  function failed(failure: Failure): TypedFrame[] {
    const events = [...begin(), ...close('incomplete')]
    const state = { response: response('failed', { error: failure }) }
    return [...unheard(events), frameOf(say('response.failed', state))]
  }

  return {
    ping: 'comment',
    write: (event) => unheard(eventsOf(event)),
    fail: (failure, ended) =>
      isCutOff(failure, ended) ? [frameOf(say('error', cutOffFields(failure)))] : failed(failure),
    failed,
    response,
  }
}

/** An answer that is cut between two calls, or right behind one, has cut none. */
function isWholeCall(item: Item): boolean {
  if (item.type !== 'function_call') return false
  try {
    JSON.parse(item.arguments)
    return true
  } catch {
    return false
  }
}

function frameOf(event: TypedEvent): TypedFrame {
  return { event: event.type, data: event }
}

/** A response that is not streamed. */
export function wholeResponse(reply: ResponseReply, collected: Collected): object {
  const { session, start, texts, finish } = collected
  const writer = responseWriter(reply)
  for (const event of [...(session === undefined ? [] : [session]), start, ...joinTexts(texts, 'scored')])
    writer.write(event)
  return endOf(writer.write(finish)) as object
}

/** The response as soon as it has a name under which it can be read; the lane goes on alone. */
export function queuedResponse(reply: ResponseReply, session: SessionEvent): object {
  const writer = responseWriter(reply)
  writer.write(session)
  return writer.response('queued')
}

/** The response in the last of these frames. */
export function endOf(frames: readonly TypedFrame[]): object | undefined {
  return frames.at(-1)?.data.response
}
