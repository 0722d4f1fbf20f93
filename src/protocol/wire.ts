// The wire carries events as bytes: one JSON object a line.
// RPC carries byte streams, and nothing richer that can be cancelled.

import type { GenerationEvent } from './generation.ts'
import { byteReader, discard, type ReadBuffer } from '../lib/byte-reader.ts'
import { errorCode } from '../lib/errors.ts'

const encoder = new TextEncoder()

/** An event is some hundred bytes; longer ones come in pieces. */
const READ_BYTES = 4096

export function encodeEvent(event: GenerationEvent): Uint8Array {
  return encodeEvents([event])
}

/** Several events in one piece. */
export function encodeEvents(events: readonly GenerationEvent[]): Uint8Array {
  return encoder.encode(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
}

/** The event that stands for anything thrown. Only messages of IsletError were written for a reader. */
export function errorEvent(thrown: unknown): GenerationEvent & { type: 'error' } {
  const code = errorCode(thrown)
  const { message, param } = (thrown ?? {}) as { message?: unknown; param?: unknown }
  return {
    type: 'error',
    code,
    message: code === 'internal_error' ? 'something went wrong in this server' : String(message),
    ...(typeof param === 'string' && { param }),
  }
}

/**
 * Reads events off a stream of lines until it ends or `signal` aborts, which cancels it also in the middle of
 * a read.
 */
export async function* decodeEvents(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const buffer: ReadBuffer = { size: READ_BYTES }
  const reader = byteReader(stream, buffer)
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  signal?.addEventListener('abort', cancel)
  const decoder = new TextDecoder()
  let rest = ''
  try {
    while (signal?.aborted !== true) {
      const value = await reader.read()
      if (value === undefined) return
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line) as GenerationEvent
    }
  } finally {
    signal?.removeEventListener('abort', cancel)
    cancel()
    discard(buffer.buffer)
  }
}
