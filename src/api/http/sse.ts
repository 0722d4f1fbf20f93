// The event stream is pulled by its reader: one event of the lane for each pull.
// So nothing is produced that nobody reads, and a cancel of the body is a cancel of the generation.

import { pulledBytes } from '../../lib/pulled-bytes.ts'
import { IsletError } from '../../lib/errors.ts'
import { jsonText } from '../../lib/json-value.ts'
import type { Watched } from '../../protocol/memory.ts'
import { memoryObject } from './memory-object.ts'
import { eventError, failureOf, type Failure } from './errors.ts'
import {
  closeEvents,
  LATE,
  settledWithin,
  type AnswerEvent,
  type EventIterator,
  type EventResult,
} from './events.ts'

export const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

export const LINE_HEADERS = { ...SSE_HEADERS, 'content-type': 'application/x-ndjson' }

const COMMENT = ':\n\n'

/**
 * One server-sent event: its name, where the dialect has names, and its data, JSON or a word as it stands.
 */
export type Frame = { event?: string; data: object | string }

/** A writer turns the events of one answer into the frames of its stream; it keeps count between events. */
export type Writer = {
  /** Frames are lines of JSON, and not server-sent events. */
  framing?: 'lines'
  /**
   * Sent while nothing comes: a frame, or a comment, which is the only kind that all OpenAI clients ignore.
   */
  ping: Frame | 'comment'
  /** A ping stands for each text without a frame: RPC learns only by what it writes that a reader left. */
  lively?: true
  /** The frames that an event stands for, often none; with those of `finish` the stream ends. */
  write(event: AnswerEvent): Frame[]
  /** The last frames of a stream that fails. `ended`: the lane itself ended the generation so. */
  fail(failure: Failure, ended: boolean): Frame[]
}

export type SseSource = {
  events: EventIterator
  /** Events already asked for, in order. */
  ahead: Promise<EventResult>[]
  writer: Writer
  pingMs: number
  /** Told of failures that are ours. */
  onError: (thrown: unknown) => void
}

/**
 * The body of a streamed answer: frames, and pings while nothing comes, to the frames of `finish`. A failure
 * becomes frames of its own and the end, so a generation that broke off never looks complete.
 */
export function sseBody(source: SseSource): ReadableStream<Uint8Array> {
  const { events, ahead, writer, pingMs } = source
  const encoder = new TextEncoder()
  const frameText = writer.framing === 'lines' ? lineText : eventText
  const ping = { text: writer.ping === 'comment' ? COMMENT : frameText(writer.ping), last: false }
  let cancelled = false

  async function next(): Promise<{ text: string; last: boolean }> {
    for (;;) {
      if (ahead.length === 0) ahead.push(events.next())
      const result = await settledWithin(ahead[0], pingMs)
      if (result === LATE) return ping
      void ahead.shift()
      if (result.done) throw new IsletError('engine_failure', 'The generation ended without a finish')
      const event = result.value
      if (event.type === 'error') return failed(eventError(event), true)
      const frames = writer.write(event).map(frameText).join('')
      const text = writer.framing === undefined && 'memory' in event ? memoryText(event) + frames : frames
      if (event.type === 'finish') return { text, last: true }
      if (text !== '') return { text, last: false }
      // Something happened that has no frame: the reader still gets a sign of life.
      if (event.type !== 'text' || writer.lively === true) return ping
    }
  }

  async function nextOrError(): Promise<{ text: string; last: boolean }> {
    try {
      return await next()
    } catch (thrown) {
      return failed(thrown, false)
    }
  }

  function failed(thrown: unknown, ended: boolean): { text: string; last: boolean } {
    source.onError(thrown)
    return { text: writer.fail(failureOf(thrown), ended).map(frameText).join(''), last: true }
  }

  return pulledBytes({
    async pull(controller) {
      const frame = await nextOrError()
      if (cancelled) return
      controller.enqueue(encoder.encode(frame.text))
      if (!frame.last) return
      controller.close()
      await closeEvents(events)
    },
    async cancel() {
      cancelled = true
      await closeEvents(events)
    },
  })
}

/** No frame that counts, so that a stream is read on from the same place with it and without. */
function memoryText({ memory }: Watched): string {
  return memory === undefined ? '' : `: islet.memory ${jsonText(memoryObject(memory))}\n\n`
}

function lineText({ data }: Frame): string {
  return `${jsonText(data)}\n`
}

function eventText({ event, data }: Frame): string {
  const text = typeof data === 'string' ? data : jsonText(data)
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`
}
