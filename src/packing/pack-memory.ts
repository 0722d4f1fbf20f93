// This file packs a model into memory, for commands that take a checkpoint directly.

import { IsletError } from '../lib/errors.ts'
import { TOKENIZER_FILE, type Manifest } from '../weights/manifest.ts'
import type { ByteSource } from '../weights/source.ts'
import { makeManifest } from './make-manifest.ts'
import { openSource } from './open-source.ts'
import { packInto, type PackOptions } from './pack.ts'
import { shardCutter } from './shards.ts'

export type MemoryPack = {
  manifest: Manifest
  weights: ByteSource
  tokenizer: Uint8Array
  /** Why the tokenizer is not read, where there is one. */
  tokenizerFault: IsletError | undefined
}

/**
 * Packs the checkpoint at `path`. Its tokenizer is empty where there is none or none that we read: logits
 * need none. `weights` serves the shards and tokenizer.bin.
 */
export async function packToMemory(path: string, options: PackOptions = {}): Promise<MemoryPack> {
  const source = await openSource(path)
  try {
    const files = new Map<string, Uint8Array[]>()
    const cutter = shardCutter((file, piece) => {
      const pieces = files.get(file)
      if (pieces === undefined) files.set(file, [piece])
      else pieces.push(piece)
    })
    const tensors = await packInto(source, options, cutter.sink)
    const shards = cutter.finish()
    const read = await readableTokenizer(source.tokenizer())
    const tokenizerFault = read instanceof IsletError ? read : undefined
    const tokenizer = read instanceof Uint8Array ? read : new Uint8Array(0)
    files.set(TOKENIZER_FILE, [tokenizer])
    const manifest = makeManifest(source, options.id, tensors, shards, tokenizer)
    return { manifest, weights: memorySource(files), tokenizer, tokenizerFault }
  } finally {
    await source.close()
  }
}

/** Serves named files from the pieces they were written in. */
export function memorySource(files: ReadonlyMap<string, readonly Uint8Array[]>): ByteSource {
  return {
    async open(file) {
      const pieces = files.get(file)
      if (pieces === undefined) throw new IsletError('internal_error', `no file ${file} in this model`)
      let next = 0
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          if (next === pieces.length) controller.close()
          else controller.enqueue(pieces[next++])
        },
      })
    },
  }
}

/** The tokenizer, or why it is not read. */
async function readableTokenizer(
  reading: Promise<Uint8Array | undefined>,
): Promise<Uint8Array | IsletError | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof IsletError && error.code === 'unsupported_format') return error
    throw error
  }
}
