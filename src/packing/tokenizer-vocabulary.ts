// This file reads `vocab.json` and `merges.txt`, the older form of tokenizer.json. Pattern and normaliser
// follow from the tokenizer's class.

import { IsletError } from '../lib/errors.ts'
import { patternOf, tokenizerFromJson } from './tokenizer-json.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

type Json = Readonly<Record<string, unknown>>

/** Pre-tokenizer and normaliser by class or model type. */
const KINDS: readonly [pattern: RegExp, preTokenizer: 'qwen2' | 'gpt-2'][] = [
  [/^qwen[23]/i, 'qwen2'],
  [/^gpt2/i, 'gpt-2'],
]

/** The source without added tokens. Throws unsupported_format for a class whose pattern is not known. */
export function tokenizerFromVocabulary(
  vocab: Json,
  merges: Uint8Array,
  facts: { tokenizerClass: unknown; modelType: unknown },
): { source: TokenizerSource; names: string[] } {
  const named = String(facts.tokenizerClass ?? facts.modelType)
  const kind = KINDS.find(([pattern]) => pattern.test(named))?.[1]
  if (kind === undefined) {
    throw new IsletError(
      'unsupported_format',
      `vocab.json of a tokenizer ${JSON.stringify(named)}; those of Qwen2, Qwen3 and GPT-2 are read: give tokenizer.json`,
    )
  }
  const lines = new TextDecoder().decode(merges).split(/\r?\n/)
  const rows = lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: kind === 'gpt-2' }
  const split = { type: 'Split', pattern: { Regex: patternOf('qwen2') }, behavior: 'Isolated' }
  return tokenizerFromJson({
    model: { type: 'BPE', vocab, merges: rows },
    normalizer: kind === 'qwen2' ? { type: 'NFC' } : null,
    pre_tokenizer: kind === 'qwen2' ? { type: 'Sequence', pretokenizers: [split, byteLevel] } : byteLevel,
  })
}
