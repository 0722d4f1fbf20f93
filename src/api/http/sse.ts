// The event stream is pulled by its reader: one event of the lane for each pull.
// So nothing is produced that nobody reads, and a cancel of the body is a cancel of the generation.

import type { GenerationEvent } from '../../protocol/generation.ts'
import { pulledBytes } from '../../lib/pulled-bytes.ts'
import { IsletError } from '../../lib/errors.ts'
import { eventError } from './errors.ts'

export const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

/** The comment that keeps proxies and clients waiting; the only kind all OpenAI clients ignore. */
const PING = ':\n\n'

/** Stands for an event that did not come in time. */
export const LATE = Symbol('late')

export type EventIterator = AsyncIterator<GenerationEvent>
export type EventResult = IteratorResult<GenerationEvent, unknown>

/** How one stream is worded: each of its strings is a frame, which ends with a blank line. */
export type Speaker = {
  /** The frames that an event stands for, often none; it keeps count between events. */
  frames(event: GenerationEvent): string[]
  /** The last frames of a stream that fails. `ended`: the lane itself ended the generation so. */
  failure(thrown: unknown, ended: boolean): string[]
}

export type SseSource = {
  events: EventIterator
  /** Events already asked for, in order. */
  ahead: Promise<EventResult>[]
  speaker: Speaker
  pingMs: number
  /** Told of failures that are ours. */
  onError: (thrown: unknown) => void
}

/**
 * The body of a streamed reply: frames, and comments while nothing comes, to the frames of `finish`. A failure becomes
 * frames of its own and the end, so a generation that broke off never looks complete.
 */
export function sseBody(source: SseSource): ReadableStream<Uint8Array> {
  const { events, ahead, speaker, pingMs } = source
  const encoder = new TextEncoder()
  let cancelled = false

  async function next(): Promise<{ text: string; last: boolean }> {
    for (;;) {
      if (ahead.length === 0) ahead.push(events.next())
      const result = await settledWithin(ahead[0], pingMs)
      if (result === LATE) return { text: PING, last: false }
      void ahead.shift()
      if (result.done) throw new IsletError('engine_failure', 'The generation ended without a finish')
      const event = result.value
      if (event.type === 'error') return failed(eventError(event), true)
      const text = speaker.frames(event).join('')
      if (event.type === 'finish') return { text, last: true }
      if (text !== '') return { text, last: false }
      // Something happened that has no chunk: the reader still gets a sign of life.
      if (event.type !== 'text') return { text: PING, last: false }
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
    return { text: speaker.failure(thrown, ended).join(''), last: true }
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

/** Ends a generation, finished or not. What an abandoned one throws on the way out concerns nobody. */
export async function closeEvents(events: EventIterator): Promise<void> {
  try {
    await events.return?.()
  } catch {
    // The reader has gone, or already has its answer.
  }
}

/** The promise's value, or LATE after `ms` milliseconds; the promise goes on and may be asked again. */
export function settledWithin<T>(promise: Promise<T>, ms: number): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(LATE), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** One frame of `data:` alone. */
export function dataFrame(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}
