// A token way cuts the shortest bytes to an end into tokens, greedily: a bound of what an end takes.

import { dropsSpace } from '../tokenizer/stream-decoder.ts'
import type { Vocabulary } from './marked.ts'
import { Compound, type Term, type Terms } from './term.ts'

const SPACE = 0x20
/** Bytes behind a stretch that its tokens may reach into: no vocabulary has longer tokens. */
const MOST_TOKEN_BYTES = 1024

/**
 * A part of a way, and for each of its bytes the tokens from there to the end, Infinity where the vocabulary lacks a byte. Ways that join
 * share what follows: it is cut once for all answers under a grammar.
 */
type Stretch = { bytes: number[]; counts: number[]; next: Stretch | undefined }
/** What a compound term keeps: the stretch that begins there in this vocabulary. */
type Kept = { tokenizer: Vocabulary; stretch: Stretch | undefined }

export class TokenWays {
  readonly #terms: Terms
  readonly #tokenizer: Vocabulary

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
    return tokensFrom(this.#stretchFrom(term), 0) <= most
  }

  /** The way from `term`, but for what others have found of it. */
  #stretchFrom(term: Term): Stretch | undefined {
    const passed: { term: Term; bytes: number[] }[] = []
    let behind: Stretch | undefined
    while (term.shortest > 0) {
      const kept = term instanceof Compound ? (term.way as Kept | undefined) : undefined
      if (kept?.tokenizer === this.#tokenizer) {
        behind = kept.stretch
        break
      }
      const bytes: number[] = []
      const next = this.#terms.onward(term, bytes)
      passed.push({ term, bytes })
      term = next
    }
    for (let i = passed.length - 1; i >= 0; i--) {
      const { term: from, bytes } = passed[i]
      if (bytes.length > 0) behind = { bytes, counts: this.#counts(bytes, behind), next: behind }
      if (from instanceof Compound) from.way = { tokenizer: this.#tokenizer, stretch: behind } satisfies Kept
    }
    return behind
  }

  /** From the last byte to the first: each needs those that a token behind it reaches. */
  #counts(bytes: readonly number[], next: Stretch | undefined): number[] {
    const text = textOf(bytes, next)
    const counts = new Array<number>(bytes.length).fill(Infinity)
    for (let at = bytes.length - 1; at >= 0; at--) {
      const id = this.#tokenizer.longestToken(text, at)
      if (id < 0) continue
      const to = at + this.#lengthOf(id)
      counts[at] = 1 + (to < bytes.length ? counts[to] : tokensFrom(next, to - bytes.length))
    }
    return counts
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

/** Tokens from the byte at `at` of a stretch, or of those behind it. */
function tokensFrom(stretch: Stretch | undefined, at: number): number {
  for (; stretch !== undefined; stretch = stretch.next) {
    if (at < stretch.bytes.length) return stretch.counts[at]
    at -= stretch.bytes.length
  }
  return 0
}

let scratch = new Uint8Array(0)

/** A stretch with as much behind it as its last token may reach; valid until the next. */
function textOf(bytes: readonly number[], next: Stretch | undefined): Uint8Array {
  const most = bytes.length + MOST_TOKEN_BYTES
  if (scratch.length < most) scratch = new Uint8Array(most)
  let length = 0
  for (const byte of bytes) scratch[length++] = byte
  for (let behind = next; behind !== undefined && length < most; behind = behind.next)
    for (let i = 0; i < behind.bytes.length && length < most; i++) scratch[length++] = behind.bytes[i]
  return scratch.subarray(0, length)
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
