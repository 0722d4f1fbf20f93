// Weights from a byte source straight into linear memory, in file order: no second copy, every shard's hash checked.

import { IsletError } from '../lib/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import type { Manifest, Shard } from './manifest.ts'
import type { ByteSource } from './source.ts'

/** What one read may bring. Byte streams fill it as far as they can; 64 KB is what workerd gives at a time. */
const READ_BYTES = 256 * 1024

/** Pieces of a stream, through a caller-owned buffer where the stream allows it. */
async function* pieces(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const byob = byobReader(stream)
  if (byob === undefined) {
    yield* stream as unknown as AsyncIterable<Uint8Array>
    return
  }
  let buffer = new ArrayBuffer(READ_BYTES)
  try {
    for (;;) {
      const { done, value } = await byob.read(new Uint8Array(buffer))
      if (value !== undefined && value.byteLength > 0) yield value
      if (done || value === undefined) return
      buffer = value.buffer
    }
  } finally {
    byob.releaseLock()
  }
}

function byobReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' })
  } catch {
    return undefined // not a byte stream: a plain reader will do
  }
}

async function streamShard(
  source: ByteSource,
  shard: Shard,
  into: Uint8Array,
  progress: (bytes: number) => void,
): Promise<void> {
  const hash = sha256()
  let at = 0
  for await (const piece of pieces(await source.open(shard.file))) {
    if (at + piece.byteLength > shard.length) break
    into.set(piece, at)
    hash.update(piece)
    at += piece.byteLength
    progress(piece.byteLength)
  }
  if (at !== shard.length || hash.hex() !== shard.sha256) {
    throw new IsletError(
      'checksum_mismatch',
      `${shard.file} is not what the manifest says: fetch or pack the model again`,
    )
  }
}

/**
 * Fills `into` (the weights' region, as long as all shards together) and checks every hash.
 * `onProgress` gets bytes done and in all. Throws checksum_mismatch naming the shard.
 */
export async function streamWeights(
  manifest: Manifest,
  source: ByteSource,
  into: Uint8Array,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<void> {
  const total = weightBytes(manifest)
  let start = 0
  let done = 0
  for (const shard of manifest.shards) {
    await streamShard(source, shard, into.subarray(start, start + shard.length), (bytes) => {
      done += bytes
      onProgress(done, total)
    })
    start += shard.length
  }
}

/** Bytes of all shards joined. */
export function weightBytes(manifest: Manifest): number {
  return manifest.shards.reduce((sum, shard) => sum + shard.length, 0)
}
