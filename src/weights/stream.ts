// Weights stream from a byte source straight into linear memory, in file order. There is no second copy, and
// every shard's checksum is checked.

import { byteReader, type ReadBuffer } from '../lib/byte-reader.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { IsletError } from '../lib/errors.ts'
import type { Manifest, Shard } from './manifest.ts'
import { PlacedChecksum } from './placed-checksum.ts'
import type { ByteSource } from './source.ts'

/**
 * What one read may bring: each costs some 20 us in workerd, and 64 KB is what it gives if not asked for
 * more.
 */
const READ_BYTES = 1024 * 1024

/** Where the weights come to lie: offsets into `memory`. */
export type Place = {
  memory: WebAssembly.Memory
  kernels: Pick<Kernels, 'absorb_blocks'>
  /** As long as all shards together. */
  weights: number
  /** CHECKSUM_SCRATCH bytes, free while weights come. */
  scratch: number
}

/**
 * Fills the weights' region and checks every shard before it returns. The next shard's stream is opened when
 * reading of one begins, and not read before its turn. A shard that came damaged is fetched once more, in
 * place and alone. `onProgress` gets bytes done and in all, which fall back then. Throws checksum_mismatch
 * naming the shard.
 */
export async function streamWeights(
  manifest: Pick<Manifest, 'shards'>,
  source: ByteSource,
  place: Place,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<void> {
  const { shards } = manifest
  const total = weightBytes(manifest)
  const buffer: ReadBuffer = { size: READ_BYTES }
  let start = 0
  let next: Promise<ReadableStream<Uint8Array>> | undefined
  try {
    for (const [index, shard] of shards.entries()) {
      const stream = await (next ?? source.open(shard.file))
      next = index + 1 < shards.length ? source.open(shards[index + 1].file) : undefined
      // Looked at in its turn: until then a failure is nobody's.
      next?.catch(() => undefined)
      const progress = (bytes: number): void => onProgress(start + bytes, total)
      const at = place.weights + start
      const again = async (): Promise<boolean> =>
        fill(await source.open(shard.file), shard, place, at, buffer, progress)
      if (!(await fill(stream, shard, place, at, buffer, progress)) && !(await again())) throw mismatch(shard)
      start += shard.length
    }
  } catch (error) {
    void next?.then((unread) => unread.cancel()).catch(() => undefined)
    throw error
  }
}

/** Streams one shard to `at`; false where it is not what the manifest says. */
async function fill(
  stream: ReadableStream<Uint8Array>,
  shard: Shard,
  { memory, kernels, scratch }: Place,
  at: number,
  buffer: ReadBuffer,
  progress: (bytes: number) => void,
): Promise<boolean> {
  const into = new Uint8Array(memory.buffer, at, shard.length)
  const checksum = new PlacedChecksum(kernels, memory, scratch, at)
  const reader = byteReader(stream, buffer)
  let filled = 0
  try {
    for (;;) {
      const left = shard.length - filled
      // The last read finds the end, or what is too much.
      const piece = await reader.read(Math.max(1, Math.min(left, READ_BYTES)))
      if (piece === undefined) break
      if (piece.byteLength > left) {
        void reader.cancel().catch(() => undefined)
        return false
      }
      into.set(piece, filled)
      filled += piece.byteLength
      checksum.reach(at + filled)
      progress(filled)
    }
    return filled === shard.length && checksum.hex(at + filled) === shard.checksum
  } catch (error) {
    void reader.cancel().catch(() => undefined)
    throw error
  } finally {
    reader.releaseLock()
  }
}

function mismatch({ file }: Shard): IsletError {
  return new IsletError(
    'checksum_mismatch',
    `${file} is not what the manifest says, fetched twice: fetch or pack the model again`,
  )
}

/** Bytes of all shards joined. */
export function weightBytes(manifest: Pick<Manifest, 'shards'>): number {
  return manifest.shards.reduce((sum, shard) => sum + shard.length, 0)
}
