// A token way cuts the shortest bytes to an end into tokens, greedily: a bound of what an end takes.

import { dropsSpace } from '../tokenizer/stream-decoder.ts'
import type { Vocabulary } from './marked.ts'
import type { Term, Terms } from './term.ts'

const SPACE = 0x20

export class TokenWays {
  readonly #terms: Terms
  readonly #tokenizer: Vocabulary
  readonly #lengths = new WeakMap<Term, number>()

  constructor(terms: Terms, tokenizer: Vocabulary) {
    this.#terms = terms
    this.#tokenizer = tokenizer
  }

  /**
   * Ids whose bytes are a shortest way from `term` to an end; undefined if the vocabulary lacks a byte of it. `isStripped`:
   * the first id loses the space that it begins with.
   */
  of(term: Term, isStripped = false): number[] | undefined {
    const bytes = this.#terms.shortestWay(term)
    const ids: number[] = []
    for (let at = 0; at < bytes.length;) {
      const id = isStripped && at === 0 ? this.#first(bytes) : this.#tokenizer.longestToken(bytes, at)
      if (id < 0) return undefined
      ids.push(id)
      at += this.#lengthOf(id) - (isStripped && at === 0 && dropsSpace(this.#tokenizer, id) ? 1 : 0)
    }
    return ids
  }

  /** The way from `term`, behind the first token, has at most `most` ids. */
  fits(term: Term, most: number): boolean {
    if (most < 0) return false
    // An id has one byte at least.
    if (term.shortest <= most && hasAllBytes(this.#tokenizer)) return true
    let length = this.#lengths.get(term)
    if (length === undefined) this.#lengths.set(term, (length = this.of(term)?.length ?? Infinity))
    return length <= most
  }

  /** The id that prints the beginning of `bytes` at the start of a text, where a first space is lost; -1 for none. */
  #first(bytes: Uint8Array): number {
    const plain = this.#tokenizer.longestToken(bytes, 0)
    if (plain < 0 || !dropsSpace(this.#tokenizer, plain)) return plain
    const spaced = this.#tokenizer.longestToken(Uint8Array.of(SPACE, ...bytes), 0)
    if (dropsSpace(this.#tokenizer, spaced) && this.#lengthOf(spaced) > 1) return spaced
    return this.#tokenizer.idOf('<0x20>') ?? -1
  }

  #lengthOf(id: number): number {
    let length = 0
    while (this.#tokenizer.byteAt(id, length) >= 0) length++
    return length
  }
}

const known = new WeakMap<Vocabulary, boolean>()

/** Each byte can be written as a token of its own. */
function hasAllBytes(tokenizer: Vocabulary): boolean {
  let hasAll = known.get(tokenizer)
  if (hasAll === undefined) {
    hasAll = true
    // No text has the last one, see TOKEN_BYTE.
    for (let byte = 0; byte < 255 && hasAll; byte++)
      hasAll = tokenizer.longestToken(Uint8Array.of(byte), 0) >= 0
    known.set(tokenizer, hasAll)
  }
  return hasAll
}
