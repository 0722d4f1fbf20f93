// A byte reader reads a stream through one buffer again and again, where the stream allows it. Buffers that a
// reader throws away are counted against the isolate until the next collection.

export type ByteReader = {
  /**
   * The next piece, valid until the next read; undefined at the end. Of byte streams it has at least `least`
   * bytes (1 if left out), so it comes later and in fewer reads. By the standard a stream may fail that has
   * fewer left.
   */
  read(least?: number): Promise<Uint8Array | undefined>
  cancel(): Promise<void>
  releaseLock(): void
}

/** The standard's reader; workers-types leave out the option. */
type FillingReader = Omit<ReadableStreamBYOBReader, 'read'> & {
  read(view: Uint8Array, options: { min: number }): Promise<{ value?: Uint8Array<ArrayBuffer> }>
}

/**
 * What is read into, made when a byte stream first needs it. A read hands it over and gets it back as another
 * object, so whoever reads several streams keeps this.
 */
export type ReadBuffer = { size: number; buffer?: ArrayBuffer | undefined }

/** Gives the memory of a buffer back at once, where the host can: a collection may be long in coming. */
export function discard(buffer: ArrayBufferLike | undefined): void {
  if (buffer instanceof ArrayBuffer && 'transfer' in buffer) buffer.transfer(0)
}

/**
 * A reader of `stream` in pieces of at most the buffer's size; of any size where the stream is no byte
 * stream.
 */
export function byteReader(stream: ReadableStream<Uint8Array>, into: ReadBuffer): ByteReader {
  const byob = byobReader(stream)
  if (byob === undefined) {
    const reader = stream.getReader()
    return {
      read: async () => (await reader.read()).value,
      cancel: () => reader.cancel(),
      releaseLock: () => reader.releaseLock(),
    }
  }
  return {
    async read(least = 1) {
      const view = new Uint8Array(into.buffer ?? new ArrayBuffer(into.size))
      into.buffer = undefined // and stays so if the read fails
      const { value } = await byob.read(view, { min: least })
      into.buffer = value?.buffer
      return value?.byteLength === 0 ? undefined : value
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
