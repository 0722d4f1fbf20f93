// The shard cutter cuts the stream of weights into shards of 24 MiB and hashes each as it passes.

import { checksum, type Checksum } from '../lib/checksum.ts'
import type { Sha256 } from '../lib/sha256.ts'
import { fileSha256 } from './file-sha256.ts'
import type { Shard } from '../weights/manifest.ts'
import { SHARD_BYTES } from '../weights/plan.ts'
import type { Sink } from './pack.ts'

/** `append` gets each piece with the file it belongs to; pieces of one file come in order. */
export function shardCutter(append: (file: string, piece: Uint8Array) => void | Promise<void>): {
  sink: Sink
  finish(): Shard[]
} {
  const shards: Shard[] = []
  let file = ''
  let length = 0
  let hash: Sha256 = fileSha256()
  let sum: Checksum = checksum()
  const close = (): void => {
    if (length > 0) shards.push({ file, length, sha256: hash.hex(), checksum: sum.hex() })
    length = 0
    hash = fileSha256()
    sum = checksum()
  }
  return {
    async sink(piece) {
      for (let at = 0; at < piece.length;) {
        if (length === SHARD_BYTES) close()
        if (length === 0) file = shardName(shards.length)
        const part = piece.subarray(at, at + Math.min(piece.length - at, SHARD_BYTES - length))
        hash.update(part)
        sum.update(part)
        await append(file, part)
        length += part.length
        at += part.length
      }
    },
    finish() {
      close()
      return shards
    },
  }
}

/** `weights-000.bin`, `weights-001.bin`, ... */
export function shardName(index: number): string {
  return `weights-${String(index).padStart(3, '0')}.bin`
}
