// This file changes the arrays of a tokenizer source all together: more tokens, or a part of them.

import { TOKEN } from '../tokenizer/format.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

/** Gives `source` so many tokens, no fewer than it has: empty ones of `type` come behind them. */
export function growTokens(source: TokenizerSource, count: number, type: number = TOKEN.unused): void {
  const before = source.tokens.length
  source.tokens = Array.from({ length: count }, (_, id) => source.tokens[id] ?? new Uint8Array(0))
  source.types = grown(Uint8Array, source.types, count)
  source.types.fill(type, before)
  if (source.ranks.length > 0) source.ranks = grown(Uint32Array, source.ranks, count)
  if (source.scores !== undefined) source.scores = grown(Float32Array, source.scores, count)
}

function grown<A extends Uint8Array | Uint32Array | Float32Array>(
  kind: new (length: number) => A,
  values: A,
  length: number,
): A {
  const out = new kind(length)
  out.set(values)
  return out
}

/** The tokens `kept` (ascending ids) alone, renumbered in their order; merges and settings lose those that went. */
export function keepTokens(source: TokenizerSource, kept: Uint32Array): TokenizerSource {
  const { tokens, types, ranks, merges, scores, settings } = source
  const rowOf = rowsOf(kept, tokens.length)
  const rowsAmong = (ids: readonly number[]): number[] => ids.map((id) => rowOf[id]).filter((row) => row >= 0)
  const known = (id: number | undefined): number | undefined =>
    id === undefined ? undefined : rowsAmong([id])[0]
  return {
    ...source,
    tokens: Array.from(kept, (id) => tokens[id]),
    types: types.filter((_, id) => rowOf[id] >= 0),
    ranks: ranks.filter((_, id) => rowOf[id] >= 0),
    merges: mergesAmong(merges, rowOf),
    ...(scores && { scores: scores.filter((_, id) => rowOf[id] >= 0) }),
    settings: {
      ...settings,
      bosId: known(settings.bosId),
      eosId: known(settings.eosId),
      unknownId: known(settings.unknownId),
      endIds: rowsAmong(settings.endIds),
      ...(settings.parsedIds && { parsedIds: rowsAmong(settings.parsedIds) }),
    },
  }
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
