// Server-sent events pulled by the reader: one event of the lane for each pull, so nothing is produced that nobody
// reads, and a cancel of the body is a cancel of the generation.

import type { GenerationEvent } from '../engine/events.ts'
import { pulledBytes } from '../lib/pulled-bytes.ts'
import { IsletError } from '../lib/errors.ts'
import { eventError, renderError } from './errors.ts'

export const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

/** The comment that keeps proxies and clients waiting; the only kind all OpenAI clients ignore. */
const PING = ':\n\n'
const DONE = 'data: [DONE]\n\n'

/** Stands for an event that did not come in time. */
export const LATE = Symbol('late')

export type EventIterator = AsyncIterator<GenerationEvent>
export type EventResult = IteratorResult<GenerationEvent, unknown>

export type SseSource = {
  events: EventIterator
  /** The first event, already asked for. */
  first: Promise<EventResult>
  toChunks: (event: GenerationEvent) => object[]
  pingMs: number
  /** Told of failures that are ours. */
  onError: (thrown: unknown) => void
}

/**
 * The body of a streamed reply: `data:` frames, comments while nothing comes, and `[DONE]` after `finish` alone. A
 * failure becomes an error frame and the end, so a generation that broke off never looks complete.
 */
export function sseBody(source: SseSource): ReadableStream<Uint8Array> {
  const { events, toChunks, pingMs } = source
  const encoder = new TextEncoder()
  let pending: Promise<EventResult> | undefined = source.first
  let cancelled = false

  async function next(): Promise<{ text: string; last: boolean }> {
    for (;;) {
      pending ??= events.next()
      const result = await settledWithin(pending, pingMs)
      if (result === LATE) return { text: PING, last: false }
      pending = undefined
      if (result.done) throw new IsletError('engine_failure', 'The generation ended without a finish')
      const event = result.value
      if (event.type === 'error') throw eventError(event)
      const text = toChunks(event).map(dataFrame).join('')
      if (event.type === 'finish') return { text: text + DONE, last: true }
      if (text !== '') return { text, last: false }
      // Something happened that has no chunk: the reader still gets a sign of life.
      if (event.type !== 'text') return { text: PING, last: false }
    }
  }

  async function nextOrError(): Promise<{ text: string; last: boolean }> {
    try {
      return await next()
    } catch (thrown) {
      source.onError(thrown)
      return { text: dataFrame(renderError(thrown).body), last: true }
    }
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

function dataFrame(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}
