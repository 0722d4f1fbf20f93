// Trimming a tokenizer leaves the kept ids alone, renumbered in their order, and the merges among them.

import type { TokenizerData, TokenizerSettings } from '../../tokenizer/format.ts'
import { writeTokenizer } from '../tokenizer-write.ts'

/** tokenizer.bin of the ids `kept` (ascending) of a whole one. */
export function trimTokenizer(whole: TokenizerData, kept: Uint32Array): Uint8Array {
  const { offsets, bytes, types, ranks, merges, scores, charsmap, settings } = whole
  const rowOf = rowsOf(kept, types.length)
  return writeTokenizer({
    tokens: Array.from(kept, (id) => bytes.subarray(offsets[id], offsets[id + 1])),
    types: Uint8Array.from(kept, (id) => types[id]),
    ranks: ranks.length === 0 ? ranks : Uint32Array.from(kept, (id) => ranks[id]),
    merges: mergesAmong(merges, rowOf),
    ...(scores.length > 0 && { scores: Float32Array.from(kept, (id) => scores[id]) }),
    ...(charsmap.length > 0 && { charsmap }),
    settings: renumbered(settings, rowOf),
  })
}

/** (vocab) the new id of each old one, -1 for those that went. */
export function rowsOf(kept: Uint32Array, vocab: number): Int32Array {
  const rows = new Int32Array(vocab).fill(-1)
  kept.forEach((id, row) => (rows[id] = row))
  return rows
}

function mergesAmong(merges: Uint32Array, rowOf: Int32Array): Uint32Array {
  const out: number[] = []
  for (let at = 0; at < merges.length; at += 3) {
    const rows = [rowOf[merges[at]], rowOf[merges[at + 1]], rowOf[merges[at + 2]]]
    if (Math.min(...rows) >= 0) out.push(...rows)
  }
  return Uint32Array.from(out)
}

function renumbered(settings: TokenizerSettings, rowOf: Int32Array): TokenizerSettings {
  const { bosId, eosId, unknownId, endIds, parsedIds, ...rest } = settings
  return {
    ...rest,
    ...(bosId !== undefined && { bosId: rowOf[bosId] }),
    ...(eosId !== undefined && { eosId: rowOf[eosId] }),
    ...(unknownId !== undefined && { unknownId: rowOf[unknownId] }),
    endIds: endIds.map((id) => rowOf[id]),
    ...(parsedIds !== undefined && { parsedIds: parsedIds.map((id) => rowOf[id]) }),
  }
}
