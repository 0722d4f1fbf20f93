// Trimming a tokenizer leaves the kept ids alone, renumbered in their order, and the merges among them.

import type { TokenizerData } from '../../tokenizer/format.ts'
import { keepTokens } from '../token-arrays.ts'
import { writeTokenizer } from '../tokenizer-write.ts'

/** tokenizer.bin of the ids `kept` (ascending) of a whole one. */
export function trimTokenizer({ offsets, bytes, ...whole }: TokenizerData, kept: Uint32Array): Uint8Array {
  const tokens = Array.from(whole.types, (_, id) => bytes.subarray(offsets[id], offsets[id + 1]))
  return writeTokenizer(keepTokens({ ...whole, tokens }, kept))
}
