// Weights from a byte source straight into linear memory, in file order: no second copy, every shard's hash checked.

import { byteReader } from '../lib/byte-reader.ts'
import { IsletError } from '../lib/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import type { Manifest, Shard } from './manifest.ts'
import type { ByteSource } from './source.ts'

/** What one read may bring. Byte streams fill it as far as they can; 64 KB is what workerd gives at a time. */
const READ_BYTES = 256 * 1024

async function streamShard(
  source: ByteSource,
  shard: Shard,
  into: Uint8Array,
  progress: (bytes: number) => void,
): Promise<void> {
  const hash = sha256()
  let at = 0
  const reader = byteReader(await source.open(shard.file), READ_BYTES)
  try {
    for (let piece = await reader.read(); piece !== undefined; piece = await reader.read()) {
      if (at + piece.byteLength > shard.length) break
      into.set(piece, at)
      hash.update(piece)
      at += piece.byteLength
      progress(piece.byteLength)
    }
  } finally {
    reader.releaseLock()
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
