// A tokenizer of given texts, bytes and an end, for tests of what a vocabulary may print; it does not encode.

import type { DecodingRules, Tokenizer } from '../../src/tokenizer/tokenizer.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** Ids: the words in order, all bytes but those of `lacks`, a mark that prints nothing, the end (see `endOf`). */
export function wordTokenizer(
  words: readonly string[],
  { lacks = '', decoding }: { lacks?: string; decoding?: DecodingRules } = {},
): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => !lacks.includes(String.fromCharCode(byte)),
  )
  const tokens = [...words.map((word) => encoder.encode(word)), ...bytes.map((byte) => Uint8Array.of(byte))]
  const mark = tokens.length
  const bytesOf = (id: number): Uint8Array => tokens[id] ?? new Uint8Array()
  const nameOf = (id: number): string => {
    if (id < words.length) return words[id].replaceAll(' ', '\u2581')
    return id < mark ? `<0x${bytesOf(id)[0].toString(16).padStart(2, '0').toUpperCase()}>` : `<${id}>`
  }
  const names = new Map(Array.from({ length: mark + 2 }, (_, id) => [nameOf(id), id]))
  const begins = (text: Uint8Array, start: number, id: number): boolean =>
    bytesOf(id).every((byte, i) => text[start + i] === byte)
  const refuse = (): never => {
    throw new Error('this tokenizer does not encode')
  }
  return {
    vocabSize: mark + 2,
    bosId: undefined,
    addBos: false,
    endIds: new Set([mark + 1]),
    ...(decoding !== undefined && { decoding }),
    encode: refuse,
    encodeSliced: refuse,
    tokenBytes: bytesOf,
    byteAt: (id, at) => bytesOf(id)[at] ?? -1,
    longestToken(text, start) {
      let longest = -1
      for (let id = 0; id < mark; id++)
        if (begins(text, start, id) && bytesOf(id).length > bytesOf(longest).length) longest = id
      return longest
    },
    idOf: (name) => names.get(name),
    nameOf,
    isSpecial: (id) => id >= mark,
    decode: (ids) => decoder.decode(Uint8Array.from(ids.flatMap((id) => [...bytesOf(id)]))),
  }
}

/** The id that ends an answer. */
export function endOf({ endIds }: Tokenizer): number {
  return [...endIds][0]
}
