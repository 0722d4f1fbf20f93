// The stream of weights is cut where a shard is full, and each shard has hashes of its own.

import { describe, expect, it } from 'vitest'
import { checksum } from '../../src/lib/checksum.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { shardCutter, shardName } from '../../src/packing/shards.ts'
import { SHARD_BYTES } from '../../src/weights/plan.ts'

/** The shards of these pieces, and what each file got. */
async function cut(pieces: readonly Uint8Array[]) {
  const files = new Map<string, Uint8Array[]>()
  const { sink, finish } = shardCutter((file, piece) => {
    files.set(file, [...(files.get(file) ?? []), piece.slice()])
  })
  for (const piece of pieces) await sink(piece)
  return { shards: finish(), files }
}

function hashed(bytes: Uint8Array) {
  const [hash, sum] = [sha256(), checksum()]
  hash.update(bytes)
  sum.update(bytes)
  return { sha256: hash.hex(), checksum: sum.hex() }
}

describe('shards', () => {
  it('are full but for the last, also where a piece belongs to two', async () => {
    const bytes = new Uint8Array(SHARD_BYTES + 5)
    for (let i = 0; i < bytes.length; i += 4093) bytes[i] = i + 1
    const expected = [
      { file: 'weights-000.bin', length: SHARD_BYTES, ...hashed(bytes.subarray(0, SHARD_BYTES)) },
      { file: 'weights-001.bin', length: 5, ...hashed(bytes.subarray(SHARD_BYTES)) },
    ]
    const [before, behind] = [SHARD_BYTES - 1, SHARD_BYTES + 1]
    const pieces = [bytes.subarray(0, before), bytes.subarray(before, behind), bytes.subarray(behind)]
    const { shards, files } = await cut(pieces)
    expect(shards).toEqual(expected)
    const lengths = [...files.values()].map((parts) => parts.reduce((sum, { length }) => sum + length, 0))
    expect(lengths).toEqual([SHARD_BYTES, 5])
  })

  it('may be one that is just full, or none', async () => {
    expect((await cut([new Uint8Array(SHARD_BYTES)])).shards).toHaveLength(1)
    expect((await cut([])).shards).toEqual([])
    expect((await cut([new Uint8Array(0)])).shards).toEqual([])
  })

  it('are numbered by three digits', () => {
    expect([shardName(0), shardName(12), shardName(1000)]).toEqual([
      'weights-000.bin',
      'weights-012.bin',
      'weights-1000.bin',
    ])
  })
})
