// Weights stream from a byte source straight into linear memory, in file order. There is no second copy, and
// every shard's checksum is checked.

import { byteReader, discard, type ReadBuffer } from '../lib/byte-reader.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { checksum as runningChecksum } from '../lib/checksum.ts'
import { IsletError } from '../lib/errors.ts'
import type { Shard } from './manifest.ts'
import { PlacedChecksum } from './placed-checksum.ts'
import type { ByteSource } from './source.ts'

/**
 * What one read may bring: each costs some 20 us in workerd, and 64 KB is what it gives if not asked for
 * more.
 */
const READ_BYTES = 1024 * 1024

/** Bytes [from, to). */
export type Span = { from: number; to: number }

/**
 * A shard of which only `kept` comes to lie in memory (weights/range.ts), parts in order; absent = all of it.
 * All of it is read and checked in either case.
 */
export type KeptShard = Shard & { kept?: readonly Span[] }

/** Where the weights come to lie: offsets into `memory`. */
export type LoadTarget = {
  memory: WebAssembly.Memory
  kernels: Pick<Kernels, 'absorb_blocks'>
  /** As long as what is kept of all shards. */
  weights: number
  /** CHECKSUM_SCRATCH bytes, free while weights come. */
  scratch: number
}

/**
 * Fills the weights' region and checks every shard before it returns. The next shard's stream is opened when
 * reading of one begins, and not read before its turn. A shard that came damaged is fetched once more, in
 * place and alone. `onProgress` gets bytes read and to be read; before that it gets those without the shard, so
 * that they fall back. `first`: the first shard's stream, where it was opened before. Throws checksum_mismatch naming the
 * shard.
 */
export async function streamWeights(
  manifest: { shards: readonly KeptShard[] },
  source: ByteSource,
  place: LoadTarget,
  onProgress: (done: number, total: number) => void = () => undefined,
  first?: Promise<ReadableStream<Uint8Array>>,
): Promise<void> {
  const { shards } = manifest
  const total = shards.reduce((sum, { length }) => sum + length, 0)
  const buffer: ReadBuffer = { size: READ_BYTES }
  let start = 0
  let at = place.weights
  let next = first
  try {
    for (const [index, shard] of shards.entries()) {
      const stream = await (next ?? source.open(shard.file))
      next = index + 1 < shards.length ? source.open(shards[index + 1].file) : undefined
      // Looked at in its turn: until then a failure is nobody's.
      next?.catch(() => undefined)
      const progress = (bytes: number): void => onProgress(start + bytes, total)
      const filled = (bytes: ReadableStream<Uint8Array>): Promise<boolean> =>
        fill(bytes, shard, fillingOf(shard, place, at), buffer, progress)
      if (!(await filled(stream))) {
        progress(0)
        if (!(await filled(await source.open(shard.file)))) throw mismatch(shard)
      }
      start += shard.length
      at += keptBytes(shard)
    }
  } catch (error) {
    void next?.then((unread) => unread.cancel()).catch(() => undefined)
    throw error
  } finally {
    discard(buffer.buffer)
  }
}

/**
 * What becomes of a shard's bytes: `put` gets each piece with its offset, in order; `hex` is the checksum of
 * all.
 */
type Filling = { put(piece: Uint8Array, offset: number): void; hex(): string }

/**
 * A shard that lies in memory as a whole is checked there, by a kernel; any other before its parts are taken
 * out.
 */
function fillingOf(
  { length, kept }: KeptShard,
  { memory, kernels, scratch }: LoadTarget,
  at: number,
): Filling {
  const bytes = new Uint8Array(memory.buffer)
  if (kept === undefined) {
    const checksum = new PlacedChecksum(kernels, memory, scratch, at)
    return {
      put(piece, offset) {
        bytes.set(piece, at + offset)
        checksum.reach(at + offset + piece.byteLength)
      },
      hex: () => checksum.hex(at + length),
    }
  }
  const checksum = runningChecksum()
  return {
    put(piece, offset) {
      checksum.update(piece)
      let to = at
      for (const span of kept) {
        const first = Math.max(span.from, offset)
        const end = Math.min(span.to, offset + piece.byteLength)
        if (first < end) bytes.set(piece.subarray(first - offset, end - offset), to + first - span.from)
        to += span.to - span.from
      }
    },
    hex: () => checksum.hex(),
  }
}

/** Streams one shard into place; false where it is not what the manifest says. */
async function fill(
  stream: ReadableStream<Uint8Array>,
  shard: Shard,
  filling: Filling,
  buffer: ReadBuffer,
  progress: (bytes: number) => void,
): Promise<boolean> {
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
      filling.put(piece, filled)
      filled += piece.byteLength
      progress(filled)
    }
    return filled === shard.length && filling.hex() === shard.checksum
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

/** Bytes of linear memory that the shards take: all of them joined, or what is kept of them. */
export function weightBytes({ shards }: { shards: readonly KeptShard[] }): number {
  return shards.reduce((sum, shard) => sum + keptBytes(shard), 0)
}

function keptBytes({ length, kept }: KeptShard): number {
  return kept === undefined ? length : kept.reduce((sum, { from, to }) => sum + to - from, 0)
}
