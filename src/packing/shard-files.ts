// This file writes a stream of weights into a folder, a file for each shard.

import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Shard } from '../weights/manifest.ts'
import type { Sink } from './pack.ts'
import { shardCutter } from './shards.ts'

/** What `fill` gives, which hands the weights to its sink, and the shards that were written. */
export async function writeShards<T>(
  folder: string,
  fill: (sink: Sink) => Promise<T>,
): Promise<{ result: T; shards: Shard[] }> {
  let current: { file: string; handle: FileHandle } | undefined
  const cutter = shardCutter(async (file, piece) => {
    if (current?.file !== file) {
      await current?.handle.close()
      current = { file, handle: await open(join(folder, file), 'wx') }
    }
    await current.handle.writeFile(piece)
  })
  try {
    const result = await fill(cutter.sink)
    return { result, shards: cutter.finish() }
  } finally {
    await current?.handle.close()
  }
}
