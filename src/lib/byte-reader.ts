// Reads a stream through one buffer that is used again and again, where the stream allows it: what a reader throws away is
// counted against the isolate until the next collection.

export type ByteReader = {
  /** The next piece, valid until the next read; undefined at the end. */
  read(): Promise<Uint8Array | undefined>
  cancel(): Promise<void>
  releaseLock(): void
}

/** The standard's reader; workers-types leave out the option. */
type FillingReader = Omit<ReadableStreamBYOBReader, 'read'> & {
  read(view: Uint8Array, options: { min: number }): Promise<{ value?: Uint8Array<ArrayBuffer> }>
}

/**
 * A reader of `stream` in pieces of at most `size` bytes; of any size where the stream is no byte stream. With `whole` a piece is
 * as long as `size` wherever the host can wait for it: fewer, for a stream that is to be read fast and not early.
 */
export function byteReader(
  stream: ReadableStream<Uint8Array>,
  size: number,
  { whole = false } = {},
): ByteReader {
  const byob = byobReader(stream)
  if (byob === undefined) {
    const reader = stream.getReader()
    return {
      read: async () => (await reader.read()).value,
      cancel: () => reader.cancel(),
      releaseLock: () => reader.releaseLock(),
    }
  }
  let buffer = new ArrayBuffer(size)
  return {
    async read() {
      const { value } = await byob.read(new Uint8Array(buffer), { min: whole ? size : 1 })
      if (value === undefined || value.byteLength === 0) return undefined
      buffer = value.buffer
      return value
    },
    cancel: () => byob.cancel(),
    releaseLock: () => byob.releaseLock(),
  }
}

function byobReader(stream: ReadableStream<Uint8Array>): FillingReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' }) as FillingReader
  } catch {
    return undefined // not a byte stream: a plain reader will do
  }
}
