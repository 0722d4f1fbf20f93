// SentencePiece BPE (LLaMA 1 and 2, Mistral, Baichuan, Gemma): merges characters by score, unknown ones become bytes.
// Tokens are stored with U+2581 written as a space, and the text is treated the same way.

import { Merger } from './merge.ts'
import { KEPT_BYTES, utf8Into } from './utf8.ts'
import type { PlainEncoder } from './packed.ts'
import { isText } from './vocabulary.ts'
import type { Vocabulary } from './vocabulary.ts'

/** An encoder of text without special and user-defined tokens. */
export function sentencePieceEncoder(vocabulary: Vocabulary): PlainEncoder {
  const { settings, byteIds, types } = vocabulary
  const merger = new Merger()
  const scratch = { bytes: new Uint8Array(256) }
  const rules = vocabulary.pairRules(() => scratch.bytes)

  const encodePiece = (piece: string, out: number[]): void => {
    const length = utf8Into(piece, scratch)
    const { bytes } = scratch
    const find = (start: number, end: number): number => {
      const id = vocabulary.find(bytes, start, end)
      return id >= 0 && isText(types[id]) ? id : -1
    }
    merger.reserve(length)
    let count = 0
    for (let start = 0, end = 0; start < length; start = end) {
      end = start + 1
      while (end < length && (bytes[end] & 0xc0) === 0x80) end++
      merger.starts[count] = start
      merger.ids[count++] = find(start, end)
    }
    merger.starts[count] = length
    merger.run(rules, count)
    for (let i = 0; i < count; i = merger.next[i]) {
      if (merger.ids[i] >= 0) out.push(merger.ids[i])
      else pushUnknown(bytes, merger.starts[i], merger.starts[merger.next[i]], out)
    }
  }

  /** Bytes where the vocabulary has them; else the unknown token, once for a run. */
  const pushUnknown = (bytes: Uint8Array, start: number, end: number, out: number[]): void => {
    for (let i = start; i < end; i++) {
      const id = byteIds[bytes[i]]
      if (id >= 0) out.push(id)
      else if (settings.unknownId !== undefined && out.at(-1) !== settings.unknownId)
        out.push(settings.unknownId)
    }
  }

  return (text, first, out) => {
    const piece = normalise(text, first, settings.dummyPrefix, settings.removeExtraSpaces)
    if (!settings.cutAtSpaces) encodePiece(piece, out)
    else for (const [word] of piece.matchAll(/ *[^ ]+| +/g)) encodePiece(word, out)
    merger.release()
    if (scratch.bytes.length > KEPT_BYTES) scratch.bytes = new Uint8Array(0)
  }
}

function normalise(
  text: string,
  first: boolean,
  prefix: 'none' | 'first' | 'each',
  squeeze: boolean,
): string {
  let spaced = text.replaceAll('\u2581', ' ')
  if (squeeze) spaced = spaced.replace(/ {2,}/g, ' ').replace(/^ | $/g, '')
  if (spaced === '') return ''
  return prefix === 'each' || (prefix === 'first' && first) ? ` ${spaced}` : spaced
}
