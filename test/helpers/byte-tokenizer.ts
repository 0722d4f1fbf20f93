// A tokenizer of bytes, for tests that need words but no vocabulary: ids 0 to 255, then BOS, the end, and a mark.

import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'

export const BOS = 256
export const END = 257
export const MARK = 258

const NAMES = ['<bos>', '<end>', '<mark>']
const encoder = new TextEncoder()

export function byteTokenizer(endIds: readonly number[] = [END]): Tokenizer {
  return {
    vocabSize: 259,
    bosId: BOS,
    addBos: true,
    endIds: new Set(endIds),
    encode: (text) => [...encoder.encode(text)],
    *encodeSliced(text, budget) {
      if (budget.spend(text.length)) yield
      return [...encoder.encode(text)]
    },
    tokenBytes: (id) => (id < 256 ? Uint8Array.of(id) : new Uint8Array()),
    byteAt: (id, at) => (id < 256 && at === 0 ? id : -1),
    longestToken: (bytes, start) => bytes[start],
    idOf: (name) => (NAMES.includes(name) ? 256 + NAMES.indexOf(name) : undefined),
    nameOf: (id) => NAMES[id - 256] ?? `<0x${id.toString(16)}>`,
    isSpecial: (id) => id >= 256,
    decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids.filter((id) => id < 256))),
  }
}
