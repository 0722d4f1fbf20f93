// This file fits a tokenizer to the vocabulary of its model. Every id that text can become must have a row of
// the embedding.

import { IsletError } from '../lib/errors.ts'
import { TOKEN } from '../tokenizer/format.ts'
import { keepTokens } from './token-arrays.ts'
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
  return keepTokens(
    source,
    Uint32Array.from({ length: vocab }, (_, id) => id),
  )
}
