// The vocabulary finds tokens by id and by bytes, over the arrays of a tokenizer file. There is no object per
// token.

import { HASH_START, TOKEN, hashBytes, hashPair, hashStep, mixHash } from './format.ts'
import type { TokenizerData, TokenizerSettings } from './format.ts'
import type { PairRules } from './merge.ts'

export class Vocabulary {
  readonly size: number
  readonly settings: TokenizerSettings
  readonly types: Uint8Array
  /** (size) or empty: log probabilities. */
  readonly scores: Float32Array
  /** Length of the longest token in bytes: nothing longer is looked up. */
  readonly longest: number
  /** Id of the token for each single byte, -1 where there is none. */
  readonly byteIds: Int32Array
  readonly #data: TokenizerData

  constructor(data: TokenizerData) {
    this.#data = data
    this.settings = data.settings
    this.types = data.types
    this.scores = data.scores
    this.size = data.types.length
    // Written for the slow tier, in which this runs while a model loads.
    const { offsets } = data
    let longest = 0
    for (let id = 0, from = 0; id < this.size; id++) {
      const to = offsets[id + 1]
      if (to - from > longest) longest = to - from
      from = to
    }
    this.longest = longest
    this.byteIds = this.#findByteIds()
  }

  /** The stored bytes of a token, a view. SentencePiece's byte tokens are stored by name, `<0x0A>`. */
  stored(id: number): Uint8Array {
    return this.#data.bytes.subarray(this.#data.offsets[id], this.#data.offsets[id + 1])
  }

  /** Of the stored bytes of a token the one at a place, -1 behind the last. */
  byteAt(id: number, at: number): number {
    const { offsets, bytes } = this.#data
    const place = offsets[id] + at
    return place < offsets[id + 1] ? bytes[place] : -1
  }

  /** The token with exactly the bytes text[start, end), control tokens left out; -1 if there is none. */
  find(text: Uint8Array, start: number, end: number): number {
    if (end - start > this.longest) return -1
    return this.#lookUp(text, start, end, hashBytes(text, start, end))
  }

  /**
   * Calls `visit` with each text token that stands at text[start, ...), shortest first. True if one of them
   * ends at `character`, the end of the first character.
   */
  eachToken(
    text: Uint8Array,
    start: number,
    limit: number,
    character: number,
    visit: (id: number, end: number) => void,
  ): boolean {
    const last = Math.min(limit, start + this.longest)
    let covered = false
    let hash = HASH_START
    for (let end = start + 1; end <= last; end++) {
      hash = hashStep(hash, text[end - 1])
      if (end < limit && (text[end] & 0xc0) === 0x80) continue // inside a character
      const id = this.#lookUp(text, start, end, mixHash(hash))
      if (id < 0 || !isText(this.types[id])) continue
      visit(id, end)
      if (end === character) covered = true
    }
    return covered
  }

  #lookUp(text: Uint8Array, start: number, end: number, hash: number): number {
    const { table, offsets, bytes } = this.#data
    const length = end - start
    const mask = table.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot] - 1
      if (id < 0) return -1
      const from = offsets[id]
      if (offsets[id + 1] - from !== length) continue
      let i = 0
      while (i < length && bytes[from + i] === text[start + i]) i++
      if (i === length) return id
    }
  }

  /** The row of the merge of two tokens, which is its rank; -1 if they do not merge. */
  findMerge(left: number, right: number): number {
    const { mergeTable, merges } = this.#data
    const mask = mergeTable.length - 1
    for (let slot = hashPair(left, right) & mask; ; slot = (slot + 1) & mask) {
      const row = mergeTable[slot] - 1
      if (row < 0) return -1
      if (merges[3 * row] === left && merges[3 * row + 1] === right) return row
    }
  }

  /** The character map, empty where there is none. */
  get charsmap(): Uint8Array {
    return this.#data.charsmap
  }

  /**
   * The merge rules of this file: by the pair of tokens, or by the token that their bytes make in `text()`.
   */
  pairRules(text: () => Uint8Array): PairRules {
    const { merges, ranks, types } = this.#data
    if (merges.length > 0) {
      return {
        find: (left, right) => (left < 0 || right < 0 ? -1 : this.findMerge(left, right)),
        order: (row) => row,
        result: (row) => merges[3 * row + 2],
      }
    }
    if (ranks.length === 0) return { find: () => -1, order: () => 0, result: (id) => id }
    return {
      find: (_left, _right, start, end) => {
        const id = this.find(text(), start, end)
        return id >= 0 && isText(types[id]) ? id : -1
      },
      order: (id) => ranks[id],
      result: (id) => id,
    }
  }

  #findByteIds(): Int32Array {
    const ids = new Int32Array(256).fill(-1)
    if (this.settings.algorithm === 'bpe-bytes') {
      const one = new Uint8Array(1)
      for (let byte = 0; byte < 256; byte++) {
        one[0] = byte
        ids[byte] = this.find(one, 0, 1)
      }
      return ids
    }
    for (let id = 0; id < this.size; id++) {
      if (this.types[id] === TOKEN.byte) ids[byteOfToken(this.stored(id))] = id
    }
    return ids
  }
}

/** True for tokens that plain text may become. */
export function isText(type: number): boolean {
  return type === TOKEN.normal || type === TOKEN.userDefined
}

/** The byte that a token named `<0x0A>` stands for; 0 if the name has another form. */
export function byteOfToken(name: Uint8Array): number {
  const byte = Number.parseInt(String.fromCharCode(...name.subarray(3, 5)), 16)
  return Number.isNaN(byte) ? 0 : byte
}
