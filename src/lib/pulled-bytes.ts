// A pulled stream computes a piece of bytes when its reader asks for one, and never ahead.

export type PulledSource = {
  pull(controller: { enqueue(piece: Uint8Array): void; close(): void }): Promise<void>
  cancel(): Promise<void>
}

/**
 * Not a stream of `type: 'bytes'`: of those workerd makes a large buffer for each read and drops it: 25 KB a
 * token were seen for the two streams of a reply, megabytes of garbage a second. RPC and response bodies take
 * either, as long as every piece is a Uint8Array.
 */
export function pulledBytes(source: PulledSource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 })
}
