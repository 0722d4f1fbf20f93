// Byte-level BPE cuts text by a pattern, then merges the bytes of each piece by rank. GPT-2, SmolLM2, Qwen
// and LLaMA 3 use it.

import { composed } from './nfc.ts'
import { pieceEncoder } from './pieces.ts'
import type { PlainEncoder } from './plain-encoder.ts'
import { preTokenizer } from './pre-tokenizers.ts'
import type { Vocabulary } from './vocabulary.ts'

/** An encoder of text without special tokens. Throws unsupported_format for an unknown pre-tokenizer. */
export function byteLevelEncoder(vocabulary: Vocabulary): PlainEncoder {
  const { settings, byteIds } = vocabulary
  const cut = preTokenizer(settings.preTokenizer ?? '')
  const encodePiece = pieceEncoder({
    rules: (text) => vocabulary.pairRules(text),
    read(merger, start, end) {
      const { bytes, ids, starts } = merger
      for (let i = start; i < end; i++) {
        const id = byteIds[bytes[i]] >= 0 ? byteIds[bytes[i]] : settings.unknownId
        if (id === undefined) continue // as the originals do where a vocabulary lacks a byte
        starts[merger.count] = i
        ids[merger.count++] = id
      }
      return end
    },
    write: ({ ids }, at, out) => void out.push(ids[at]),
    ...(settings.ignoreMerges && { whole: (bytes, length) => vocabulary.find(bytes, 0, length) }),
  })

  return function* (text, _first, out, _literal, budget) {
    const normal = settings.normalizer === 'nfc' ? yield* composed(text, budget) : text
    yield* cut(normal, (piece) => encodePiece(piece, out, budget), budget)
  }
}
