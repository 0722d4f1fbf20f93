// SentencePiece normalises text, then merges characters by score (BPE) or segments it (unigram). Unknown
// characters become bytes. LLaMA 1 and 2, Mistral, Baichuan, Gemma and ChatGLM use it. Tokens are stored with
// U+2581 written as a space, and the text is treated the same way.

import type { Budget, Sliced } from '../lib/sliced.ts'
import { characterEnd, normaliser } from './normalise.ts'
import { pieceEncoder, type PieceEncoder, type WriteUnknown } from './pieces.ts'
import type { PlainEncoder } from './plain-encoder.ts'
import { nameMatcher, splitAtNames } from './special.ts'
import { unigramEncoder } from './unigram.ts'
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
  /** Bytes where the vocabulary has them; else the unknown token, once for a run. */
  const unknown: WriteUnknown = (out, bytes, start, end) => {
    for (let i = start; i < end; i++) {
      const id = byteIds[bytes[i]]
      if (id >= 0) out.push(id)
      else if (settings.unknownId !== undefined && out.at(-1) !== settings.unknownId)
        out.push(settings.unknownId)
    }
  }
  const encoder = unigram ? unigramEncoder(vocabulary, unknown) : bpeEncoder(vocabulary, unknown)
  // Unigram finds them by their score.
  const matcher = unigram ? undefined : nameMatcher(names)

  /** Each word with the spaces before it, or all of the text. */
  function* encodePart(part: string, out: number[], budget: Budget): Sliced<void> {
    const encodePiece = encoder()
    for (const piece of settings.cutAtSpaces ? wordsOf(part) : [part]) {
      const rest = encodePiece(piece, out, budget)
      if (rest !== undefined) yield* rest
      if (budget.spend(piece.length + 1)) yield
    }
  }

  return function* (text, first, out, literal, budget) {
    const prefix = settings.dummyPrefix === 'each' || (settings.dummyPrefix === 'first' && first)
    yield* splitAtNames(
      yield* normalise(text, prefix, budget),
      literal ? undefined : matcher,
      (part) => encodePart(part, out, budget),
      (name) => void out.push(symbols.get(name) ?? 0),
      budget,
    )
  }
}

function* wordsOf(text: string): Generator<string> {
  for (const [word] of text.matchAll(/ *[^ ]+| +/g)) yield word
}

function bpeEncoder(vocabulary: Vocabulary, unknown: WriteUnknown): () => PieceEncoder {
  const { types } = vocabulary
  const encodePiece = pieceEncoder({
    rules: (text) => vocabulary.pairRules(text),
    read(merger, start, end, length) {
      const { bytes, ids, starts } = merger
      let at = start
      while (at < end) {
        const next = characterEnd(bytes, at, length)
        const id = vocabulary.find(bytes, at, next)
        starts[merger.count] = at
        ids[merger.count++] = id >= 0 && isText(types[id]) ? id : -1
        at = next
      }
      return at
    },
    write({ ids, bytes, starts, next }, at, out) {
      if (ids[at] >= 0) out.push(ids[at])
      else unknown(out, bytes, starts[at], starts[next[at]])
    },
  })
  return () => encodePiece
}
