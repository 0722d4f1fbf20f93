// This file makes the arrays of a tokenizer source longer or shorter, all together.

import { TOKEN } from '../tokenizer/format.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

/** Gives `source` so many tokens: the last ones go, or empty ones of `type` come behind them. */
export function resizeTokens(source: TokenizerSource, count: number, type: number = TOKEN.unused): void {
  const before = source.tokens.length
  source.tokens = Array.from({ length: count }, (_, id) => source.tokens[id] ?? new Uint8Array(0))
  source.types = resized(Uint8Array, source.types, count)
  if (count > before) source.types.fill(type, before)
  if (source.ranks.length > 0) source.ranks = resized(Uint32Array, source.ranks, count)
  if (source.scores !== undefined) source.scores = resized(Float32Array, source.scores, count)
}

function resized<A extends Uint8Array | Uint32Array | Float32Array>(
  kind: new (length: number) => A,
  values: A,
  length: number,
): A {
  const out = new kind(length)
  out.set(values.subarray(0, length))
  return out
}
