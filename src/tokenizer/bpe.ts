// Byte-level BPE cuts text by a pattern, then merges the bytes of each piece by rank. GPT-2, SmolLM2, Qwen
// and LLaMA 3 use it.

import { Merger } from './merge.ts'
import { preTokenizer } from './pre-tokenizers.ts'
import { KEPT_BYTES, utf8Into } from './utf8.ts'
import type { PlainEncoder } from './plain-encoder.ts'
import type { Vocabulary } from './vocabulary.ts'

/** An encoder of text without special tokens. Throws unsupported_format for an unknown pre-tokenizer. */
export function byteLevelEncoder(vocabulary: Vocabulary): PlainEncoder {
  const { settings, byteIds } = vocabulary
  const cut = preTokenizer(settings.preTokenizer ?? '')
  const merger = new Merger()
  const scratch = { bytes: new Uint8Array(256) }
  const rules = vocabulary.pairRules(() => scratch.bytes)

  const encodePiece = (piece: string, out: number[]): void => {
    const length = utf8Into(piece, scratch)
    const { bytes } = scratch
    if (settings.ignoreMerges) {
      const whole = vocabulary.find(bytes, 0, length)
      if (whole >= 0) {
        out.push(whole)
        return
      }
    }
    merger.reserve(length)
    let count = 0
    for (let i = 0; i < length; i++) {
      const id = byteIds[bytes[i]] >= 0 ? byteIds[bytes[i]] : settings.unknownId
      if (id === undefined) continue // as the originals do where a vocabulary lacks a byte
      merger.starts[count] = i
      merger.ids[count++] = id
    }
    merger.starts[count] = length
    if (count > 1) merger.run(rules, count)
    else merger.next[0] = 1
    for (let i = 0; i < count; i = merger.next[i]) out.push(merger.ids[i])
  }

  return (text, _first, out) => {
    const normal = settings.normalizer === 'nfc' ? text.normalize('NFC') : text
    cut(normal, (piece) => encodePiece(piece, out))
    merger.release()
    if (scratch.bytes.length > KEPT_BYTES) scratch.bytes = new Uint8Array(0)
  }
}
