// A stream of bytes that computes a piece when its reader asks for one, and never ahead.

export type PulledSource = {
  pull(controller: { enqueue(piece: Uint8Array): void; close(): void }): Promise<void>
  cancel(): Promise<void>
}

/**
 * Not a stream of `type: 'bytes'`: of those workerd makes a buffer of 16 KB for each read and drops it, which at 200 tokens a second is
 * megabytes of garbage. RPC and response bodies take either, as long as every piece is a Uint8Array.
 */
export function pulledBytes(source: PulledSource): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 })
}
