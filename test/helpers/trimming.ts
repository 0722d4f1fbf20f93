// A trimming holds a whole tokenizer and a part of it beside each other, for tests of what both must do alike.

import { nodeKernels } from '../../cli/lib/kernels.ts'
import { openModel } from '../../cli/lib/model.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { rowsOf } from '../../src/packing/token-arrays.ts'
import { trimTokenizer } from '../../src/packing/vocabulary/trim-tokenizer.ts'
import { parseTokenizer, TOKEN, type TokenizerData } from '../../src/tokenizer/format.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'

export type Trimming = {
  data: TokenizerData
  whole: Tokenizer
  trimmed: Tokenizer
  /** Ids in ascending order. */
  kept: Uint32Array
  /** (vocab) the new id of each old one, -1 for those that went. */
  rowOf: Int32Array
}

/** `bytes`: tokenizer.bin of the whole one; of the part where it was packed. */
export function trimmingOf(bytes: Uint8Array, kept: Uint32Array, part?: Uint8Array): Trimming {
  const data = parseTokenizer(bytes)
  const trimmed = readTokenizer(part ?? trimTokenizer(data, kept))
  return { data, whole: readTokenizer(bytes), trimmed, kept, rowOf: rowsOf(kept, data.types.length) }
}

/** Ids of the whole vocabulary as the part has them; undefined where one of them went. */
export function keptRows({ rowOf }: Trimming, ids: readonly number[]): number[] | undefined {
  const rows = ids.map((id) => rowOf[id])
  return rows.includes(-1) ? undefined : rows
}

/** Marks and bytes: all that is no ordinary text. */
export function marksOf({ data }: Trimming): number[] {
  return [...data.types.keys()].filter(
    (id) => data.types[id] !== TOKEN.normal && data.types[id] !== TOKEN.unused,
  )
}

/** The kept ordinary ids with their own texts, but for those that are a part of a character. */
export function* ownTexts({ data, kept }: Trimming): Generator<{ id: number; text: string }> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for (const id of kept) {
    if (data.types[id] !== TOKEN.normal) continue
    let text: string
    try {
      text = decoder.decode(data.bytes.subarray(data.offsets[id], data.offsets[id + 1]))
    } catch {
      continue
    }
    yield { id, text }
  }
}

/** The kept ordinary ids whose own texts become something else, by the whole tokenizer and by the part. */
export function unreachedIds(trimming: Trimming): { texts: number; whole: number[]; trimmed: number[] } {
  const { whole, trimmed, rowOf } = trimming
  const unreached = { texts: 0, whole: [] as number[], trimmed: [] as number[] }
  const isOnly = (ids: readonly number[], id: number): boolean => ids.length === 1 && ids[0] === id
  for (const { id, text } of ownTexts(trimming)) {
    unreached.texts++
    if (!isOnly(whole.encode(text), id)) unreached.whole.push(id)
    if (!isOnly(trimmed.encode(text), rowOf[id])) unreached.trimmed.push(id)
  }
  return unreached
}

/** Logits of every position. */
export async function logitsOf(model: string, ids: readonly number[]): Promise<Float32Array[]> {
  const { manifest, source } = await openModel(model, {})
  const loaded = await loadModel(manifest, source, {
    window: { window: undefined, sinks: 0 },
    chunk: 16,
    logitRows: 16,
    kv: 'q8',
    maxPositions: 64,
    kernels: nodeKernels(),
  })
  const rows: Float32Array[] = []
  new Feed(loaded).run(ids, (logits) => rows.push(logits.slice()))
  return rows
}

/** The bits of logits, those of the ids `kept` alone where there are some. */
export function bitsOf(logits: readonly Float32Array[], kept?: Uint32Array): string[] {
  return logits.map((row) => {
    const { buffer } = kept === undefined ? row : Float32Array.from(kept, (id) => row[id])
    return Buffer.from(buffer).toString('hex')
  })
}
