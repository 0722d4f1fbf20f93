// A marked vocabulary prints the names of some tokens behind a byte of their own: grammars ask for them.

import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** What a grammar needs to know of a tokenizer. */
export type Vocabulary = Pick<
  Tokenizer,
  'vocabSize' | 'endIds' | 'decoding' | 'byteAt' | 'longestToken' | 'idOf' | 'nameOf' | 'isSpecial'
>

/** Stands before the name of a token that is a mark; no UTF-8 has it. */
export const TOKEN_BYTE = 0xff
/** What another token prints in its place: just as wrong. */
const OTHER_BYTE = 0xfe

const encoder = new TextEncoder()

/** Bytes of a mark: that token, or, where it is none, its text. */
export function markBytes(name: string, isToken: boolean): Uint8Array {
  const text = encoder.encode(name)
  return isToken ? Uint8Array.of(TOKEN_BYTE, ...text) : text
}

/** By tokenizer, then by the names. */
const known = new WeakMap<Tokenizer, Map<string, Vocabulary>>()

/** The vocabulary in which the tokens of these names are marks; those that it lacks are passed over. */
export function marked(tokenizer: Tokenizer, names: readonly string[]): Vocabulary {
  if (names.length === 0) return tokenizer
  const own = known.get(tokenizer) ?? new Map<string, Vocabulary>()
  known.set(tokenizer, own)
  const key = names.join('\n')
  const made = own.get(key) ?? makeMarked(tokenizer, names)
  own.set(key, made)
  return made
}

function makeMarked(tokenizer: Tokenizer, names: readonly string[]): Vocabulary {
  const printed = new Map<number, Uint8Array>()
  for (const name of names) {
    const id = tokenizer.idOf(name)
    if (id !== undefined) printed.set(id, markBytes(name, true))
  }
  const lowest = Math.min(...printed.keys())
  return {
    vocabSize: tokenizer.vocabSize,
    endIds: tokenizer.endIds,
    ...(tokenizer.decoding !== undefined && { decoding: tokenizer.decoding }),
    idOf: (name) => tokenizer.idOf(name),
    nameOf: (id) => tokenizer.nameOf(id),
    isSpecial: (id) => tokenizer.isSpecial(id),
    byteAt(id, at) {
      const mark = id < lowest ? undefined : printed.get(id)
      if (mark !== undefined) return mark[at] ?? -1
      const byte = tokenizer.byteAt(id, at)
      return byte === TOKEN_BYTE ? OTHER_BYTE : byte
    },
    longestToken(bytes, start) {
      if (bytes[start] !== TOKEN_BYTE) return tokenizer.longestToken(bytes, start)
      for (const [id, mark] of printed) if (mark.every((byte, i) => bytes[start + i] === byte)) return id
      return -1
    },
  }
}
