// SentencePiece normalises text, then merges characters by score (BPE) or segments it (unigram). Unknown
// characters become bytes. LLaMA 1 and 2, Mistral, Baichuan, Gemma and ChatGLM use it. Tokens are stored with
// U+2581 written as a space, and the text is treated the same way.

import { Merger } from './merge.ts'
import { characterEnd, normaliser } from './normalise.ts'
import { KEPT_BYTES, utf8Into } from './utf8.ts'
import type { PlainEncoder } from './plain-encoder.ts'
import { nameMatcher, splitAtNames } from './special.ts'
import { unigramEncoder } from './unigram.ts'
import type { PieceEncoder } from './unigram.ts'
import { isText } from './vocabulary.ts'
import type { Vocabulary } from './vocabulary.ts'

/**
 * An encoder of text without special tokens. `symbols`: user-defined tokens by name, to be found inside the
 * text.
 */
export function sentencePieceEncoder(
  vocabulary: Vocabulary,
  symbols: ReadonlyMap<string, number>,
): PlainEncoder {
  const { settings, byteIds } = vocabulary
  const unigram = settings.algorithm === 'unigram'
  const names = [...symbols.keys()]
  const normalise = normaliser(
    settings.normalizer === 'charsmap' ? vocabulary.charsmap : new Uint8Array(0),
    settings.removeExtraSpaces,
    names,
  )
  const encodePieces = unigram ? unigramEncoder(vocabulary) : bpeEncoder(vocabulary)
  // Unigram finds them by their score.
  const matcher = unigram ? undefined : nameMatcher(names)

  return (text, first, out, literal) => {
    /** Bytes where the vocabulary has them; else the unknown token, once for a run. */
    const unknown = (bytes: Uint8Array, start: number, end: number): void => {
      for (let i = start; i < end; i++) {
        const id = byteIds[bytes[i]]
        if (id >= 0) out.push(id)
        else if (settings.unknownId !== undefined && out.at(-1) !== settings.unknownId)
          out.push(settings.unknownId)
      }
    }
    const prefix = settings.dummyPrefix === 'each' || (settings.dummyPrefix === 'first' && first)
    splitAtNames(
      normalise(text, prefix),
      literal ? undefined : matcher,
      (part) => encodePieces(part, out, unknown),
      (name) => out.push(symbols.get(name) ?? 0),
    )
  }
}

function bpeEncoder(vocabulary: Vocabulary): PieceEncoder {
  const { settings, types } = vocabulary
  const merger = new Merger()
  const scratch = { bytes: new Uint8Array(256) }
  const rules = vocabulary.pairRules(() => scratch.bytes)

  const encodePiece: PieceEncoder = (piece, out, unknown) => {
    const length = utf8Into(piece, scratch)
    const { bytes } = scratch
    const find = (start: number, end: number): number => {
      const id = vocabulary.find(bytes, start, end)
      return id >= 0 && isText(types[id]) ? id : -1
    }
    merger.reserve(length)
    let count = 0
    for (let start = 0, end = 0; start < length; start = end) {
      end = characterEnd(bytes, start, length)
      merger.starts[count] = start
      merger.ids[count++] = find(start, end)
    }
    merger.starts[count] = length
    merger.run(rules, count)
    for (let i = 0; i < count; i = merger.next[i]) {
      if (merger.ids[i] >= 0) out.push(merger.ids[i])
      else unknown(bytes, merger.starts[i], merger.starts[merger.next[i]])
    }
  }

  return (text, out, unknown) => {
    if (!settings.cutAtSpaces) encodePiece(text, out, unknown)
    else for (const [word] of text.matchAll(/ *[^ ]+| +/g)) encodePiece(word, out, unknown)
    merger.release()
    if (scratch.bytes.length > KEPT_BYTES) scratch.bytes = new Uint8Array(0)
  }
}
