// This module reads a response's server-sent events one by one.

import { createParser, type EventSourceMessage } from 'eventsource-parser'

export type ServerEvent = { event?: string; data: string; id?: string }

/**
 * The events of a stream until it ends. Throws what reading throws: a TypeError where the connection broke, an AbortError where
 * `signal` fired. Comments go to `onComment`.
 */
export async function* events(
  response: Response,
  signal?: AbortSignal,
  onComment?: (comment: string) => void,
): AsyncGenerator<ServerEvent> {
  if (response.body === null) return
  const ready: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => ready.push(event), ...(onComment && { onComment }) })
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => undefined)
  signal?.addEventListener('abort', cancel)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      for (let next = ready.shift(); next !== undefined; next = ready.shift()) yield next
    }
  } finally {
    signal?.removeEventListener('abort', cancel)
    cancel()
  }
}
