// This file fits a tokenizer to the vocabulary of its model. Every id that text can become must have a row of
// the embedding.

import { IsletError } from '../lib/errors.ts'
import { TOKEN } from '../tokenizer/format.ts'
import { resizeTokens } from './token-arrays.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

/**
 * What no plain text needs: marks that were added past the embedding, as Gemma 3's for pictures, and gaps.
 */
const SPARE: readonly number[] = [TOKEN.control, TOKEN.userDefined, TOKEN.unused]

/**
 * The tokenizer without added tokens past a vocabulary of `vocab`; a vocabulary that is larger is padding.
 * `invalid_file` where a token of ordinary text has no row.
 */
export function fitTokenizer(source: TokenizerSource, vocab: number): TokenizerSource {
  const count = source.tokens.length
  if (count <= vocab) return source
  for (let id = vocab; id < count; id++) {
    if (SPARE.includes(source.types[id])) continue
    const text = JSON.stringify(new TextDecoder().decode(source.tokens[id].subarray(0, 40)))
    throw new IsletError(
      'invalid_file',
      `the tokenizer has ${count} tokens and the model's vocabulary ${vocab}: token ${id}, ${text}, has no embedding`,
    )
  }
  const { settings } = source
  const known = (id: number | undefined): number | undefined =>
    id === undefined || id < vocab ? id : undefined
  const fitting: TokenizerSource = {
    ...source,
    merges: mergesWithin(source.merges, vocab),
    settings: {
      ...settings,
      bosId: known(settings.bosId),
      eosId: known(settings.eosId),
      unknownId: known(settings.unknownId),
      endIds: settings.endIds.filter((id) => id < vocab),
      ...(settings.parsedIds === undefined
        ? {}
        : { parsedIds: settings.parsedIds.filter((id) => id < vocab) }),
    },
  }
  resizeTokens(fitting, vocab)
  return fitting
}

function mergesWithin(merges: Uint32Array, vocab: number): Uint32Array {
  const rows: number[] = []
  for (let at = 0; at < merges.length; at += 3) {
    const [left, right, joined] = merges.subarray(at, at + 3)
    if (Math.max(left, right, joined) < vocab) rows.push(left, right, joined)
  }
  return Uint32Array.from(rows)
}
