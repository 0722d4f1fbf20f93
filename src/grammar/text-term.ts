// Text terms are the characters of an automaton as bytes: UTF-8 as it is, or the inside of a JSON string with its quote.

import { dfaStep, leadsOn, type CharDfa, type DfaState } from './char-dfa.ts'
import type { LengthBound } from './length-bound.ts'
import { Term, type Terms } from './term.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SHORT_ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': 34, '\\': 92, b: 8, f: 12, n: 10, r: 13, t: 9 }).map(([c, n]) => [
    c.charCodeAt(0),
    n,
  ]),
)
const SLASH = 0x2f

/**
 * How characters are spelled. `raw`: as UTF-8, the term may end where the automaton does. `json`: inside a JSON string, up to and with
 * the closing quote, each character in the one way that JSON.stringify writes it. `free`: any escape that JSON has.
 */
export type Spelling = 'raw' | 'json' | 'free'

/** A language of characters: an automaton, a spelling, and for JSON strings a bound of their lengths. */
export type TextLanguage = { dfa: CharDfa; spelling: Spelling; bound?: LengthBound }

/** The text of `language` from its first character on; a JSON string's opening quote is not in it. */
export function textTerm(terms: Terms, language: TextLanguage): Term {
  return language.dfa.length === 0 ? terms.nothing : at(terms, language, 0, 0)
}

/** One object for each place of a language, as long as Terms remembers it. */
function at(terms: Terms, language: TextLanguage, state: number, count: number): Term {
  return terms.once(
    `t${numberOf(language)},${state},${count}`,
    () => new TextTerm(terms, language, state, count),
  )
}

const numbers = new WeakMap<TextLanguage, number>()
let languages = 0

function numberOf(language: TextLanguage): number {
  let number = numbers.get(language)
  if (number === undefined) numbers.set(language, (number = languages++))
  return number
}

/** Between two characters. */
class TextTerm extends Term {
  readonly #language: TextLanguage
  readonly #state: number
  /** Characters before, where their number counts; else 0. */
  readonly #count: number

  constructor(terms: Terms, language: TextLanguage, state: number, count: number) {
    super(terms)
    this.#language = language
    this.#state = state
    this.#count = count
  }

  get #here(): DfaState {
    return this.#language.dfa[this.#state]
  }

  /** Characters that must come; bytes where each is one. The true way may be longer: escapes, and bounds of length. */
  get shortest(): number {
    return this.#way().length
  }

  get shortestByte(): number {
    return this.#way()[0]
  }

  override get isEndless(): boolean {
    const { dfa, bound } = this.#language
    return (bound === undefined || bound.most === Infinity) && goesRound(dfa, this.#state)
  }

  /** Bytes of the shortest way; kept, since it is asked for twice. */
  #known: readonly number[] | undefined
  #way(): readonly number[] {
    return (this.#known ??= shortestText(this.#language, this.#state, this.#count))
  }

  derive(byte: number): Term {
    const { terms } = this
    const { spelling } = this.#language
    if (spelling !== 'raw') {
      if (byte === QUOTE) return this.#mayEnd() ? terms.empty : terms.nothing
      if (byte === BACKSLASH) return this.#escaped()
      if (byte < 0x20) return terms.nothing
    }
    if (byte < 0x80) return this.#after(byte)
    const lead = leadByte(byte)
    return lead === undefined ? terms.nothing : this.#partial(lead)
  }

  #mayEnd(): boolean {
    const { bound } = this.#language
    return this.#here.isEnd && (bound === undefined || this.#count >= bound.least)
  }

  #after(char: number): Term {
    const to = dfaStep(this.#here, char)
    if (to < 0) return this.terms.nothing
    return this.#onward(to)
  }

  #onward(to: number): Term {
    const { bound } = this.#language
    if (bound === undefined) return at(this.terms, this.#language, to, 0)
    const count = bound.after(this.#count)
    return bound.isAlive(to, count) ? at(this.terms, this.#language, to, count) : this.terms.nothing
  }

  /** Some character from `low` to `high` may stand here. */
  takes(low: number, high: number): boolean {
    if (!leadsOn(this.#here, low, high)) return false
    const { bound } = this.#language
    if (bound === undefined) return true
    const count = bound.after(this.#count)
    return this.#here.edges.some(
      (edge) => edge.low <= high && edge.high >= low && bound.isAlive(edge.to, count),
    )
  }

  take(char: number): Term {
    return this.#after(char)
  }

  #partial({ low, high, left }: Lead): Term {
    return this.takes(low, high) ? new PartialChar(this, low, high, left) : this.terms.nothing
  }

  #escaped(): Term {
    if (this.#language.spelling === 'json') {
      const isEscaped = this.takes(0, 0x1f) || this.takes(QUOTE, QUOTE) || this.takes(BACKSLASH, BACKSLASH)
      return isEscaped ? new OnlyEscape(this) : this.terms.nothing
    }
    return this.takes(0, 0x7f) ? new FreeEscape(this) : this.terms.nothing
  }
}

type Lead = { low: number; high: number; left: number }

/** The characters that a first byte of UTF-8 begins, and how many bytes are to come. */
function leadByte(byte: number): Lead | undefined {
  if (byte >= 0xc2 && byte <= 0xdf)
    return { low: (byte & 0x1f) << 6, high: ((byte & 0x1f) << 6) | 0x3f, left: 1 }
  if (byte >= 0xe0 && byte <= 0xef) {
    const low = (byte & 0x0f) << 12
    return { low: Math.max(low, 0x800), high: low | 0xfff, left: 2 }
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    const low = (byte & 0x07) << 18
    return { low: Math.max(low, 0x10000), high: Math.min(low | 0x3ffff, 0x10ffff), left: 3 }
  }
  return undefined
}

/** Within a character of several bytes: it is one from `low` to `high`. */
class PartialChar extends Term {
  readonly #before: TextTerm
  readonly #low: number
  readonly #high: number
  readonly #left: number

  constructor(before: TextTerm, low: number, high: number, left: number) {
    super(before.terms)
    this.#before = before
    this.#low = low
    this.#high = high
    this.#left = left
  }
  get shortest(): number {
    return this.#left + this.#afterFirst().shortest
  }
  get shortestByte(): number {
    for (let byte = 0x80; byte < 0xc0; byte++) if (this.derive(byte) !== this.terms.nothing) return byte
    throw new RangeError('a character has no way on')
  }
  #afterFirst(): Term {
    let term: Term = this
    while (term instanceof PartialChar) term = term.terms.step(term, term.shortestByte)
    return term
  }
  derive(byte: number): Term {
    if ((byte & 0xc0) !== 0x80) return this.terms.nothing
    const shift = 6 * (this.#left - 1)
    const base = (this.#high >> (shift + 6)) << (shift + 6)
    const from = base | ((byte & 0x3f) << shift)
    const low = Math.max(this.#low, from)
    const high = Math.min(this.#high, from | ((1 << shift) - 1))
    if (low > high) return this.terms.nothing
    if (this.#left === 1) return this.#before.take(low)
    return this.#before.takes(low, high)
      ? new PartialChar(this.#before, low, high, this.#left - 1)
      : this.terms.nothing
  }
}

/** Behind a backslash, where JSON.stringify's spelling is the only one. */
class OnlyEscape extends Term {
  readonly #before: TextTerm

  constructor(before: TextTerm) {
    super(before.terms)
    this.#before = before
  }
  get shortest(): number {
    return 1 + this.terms.step(this, this.shortestByte).shortest
  }
  get shortestByte(): number {
    const letter = [...SHORT_ESCAPES.keys()].find((byte) => this.derive(byte) !== this.terms.nothing)
    return letter ?? 0x75
  }
  derive(byte: number): Term {
    const char = SHORT_ESCAPES.get(byte)
    if (char !== undefined) return this.#before.take(char)
    if (byte !== 0x75) return this.terms.nothing
    // Control characters without a letter of their own.
    const options: Term[] = []
    for (let code = 0; code < 0x20; code++) {
      if (code >= 8 && code <= 13 && code !== 11) continue
      const after = this.#before.take(code)
      if (after !== this.terms.nothing)
        options.push(this.terms.pair(this.terms.text(code.toString(16).padStart(4, '0')), after))
    }
    return this.terms.either(...options)
  }
}

/** Behind a backslash in a string whose characters nothing rules. */
class FreeEscape extends Term {
  readonly #before: TextTerm

  constructor(before: TextTerm) {
    super(before.terms)
    this.#before = before
  }
  get shortest(): number {
    return 1 + this.#before.take(QUOTE).shortest
  }
  get shortestByte(): number {
    return QUOTE
  }
  derive(byte: number): Term {
    const char = byte === SLASH ? SLASH : SHORT_ESCAPES.get(byte)
    if (char !== undefined) return this.#before.take(char)
    return byte === 0x75 ? new HexEscape(this.#before, '') : this.terms.nothing
  }
}

/** Within `\uXXXX`; half a pair must be followed by its other half. */
class HexEscape extends Term {
  readonly #before: TextTerm
  readonly #digits: string
  readonly #high: number | undefined

  constructor(before: TextTerm, digits: string, high?: number) {
    super(before.terms)
    this.#before = before
    this.#digits = digits
    this.#high = high
  }
  get shortest(): number {
    return (
      (this.#high === undefined ? 4 : 6) -
      this.#digits.length +
      this.#before.take(0x20).shortest +
      this.#pair()
    )
  }
  /** Bytes of the second half that the digits so far want. */
  #pair(): number {
    return this.#high === undefined && /^[dD][89aAbB]/.test(this.#digits) ? 6 : 0
  }
  get shortestByte(): number {
    const wanted =
      this.#high === undefined ? (this.#digits === '' ? '0' : '0') : '\\uDC00'[this.#digits.length]
    return wanted.charCodeAt(0)
  }
  derive(byte: number): Term {
    const digits = this.#digits + String.fromCharCode(byte)
    if (this.#high !== undefined) return this.#secondHalf(digits)
    if (!/^[\da-fA-F]+$/.test(digits) || /^[dD][c-fC-F]/.test(digits)) return this.terms.nothing
    if (digits.length < 4) return new HexEscape(this.#before, digits)
    const code = parseInt(digits, 16)
    return code >= 0xd800 && code < 0xdc00 ? new HexEscape(this.#before, '', code) : this.#before.take(code)
  }
  #secondHalf(digits: string): Term {
    if (!/^(\\|\\u|\\u[dD]|\\u[dD][c-fC-F][\da-fA-F]{0,2})$/.test(digits)) return this.terms.nothing
    if (digits.length < 6) return new HexEscape(this.#before, digits, this.#high)
    const low = parseInt(digits.slice(2), 16)
    return this.#before.take(0x10000 + (((this.#high ?? 0) - 0xd800) << 10) + (low - 0xdc00))
  }
}

/** Bytes of a character in a spelling. */
function spelled(char: number, spelling: Spelling): readonly number[] {
  const text = String.fromCodePoint(char)
  return [...new TextEncoder().encode(spelling === 'raw' ? text : JSON.stringify(text).slice(1, -1))]
}

/** A way with fewest characters, each the cheapest of its edge to write: bytes, with the closing quote where there is one. */
function shortestText({ dfa, spelling, bound }: TextLanguage, state: number, count: number): number[] {
  const bytes: number[] = []
  for (;;) {
    const here = dfa[state]
    if (here.isEnd && (bound === undefined || count >= bound.least)) break
    const next = bound === undefined ? nearest(dfa, here) : bound.nearest(dfa, state, count)
    bytes.push(...spelled(cheapest(next.low, next.high, spelling), spelling))
    state = next.to
    if (bound !== undefined) count = bound.after(count)
  }
  if (spelling !== 'raw') bytes.push(QUOTE)
  return bytes
}

function nearest(dfa: CharDfa, { edges }: DfaState): { low: number; high: number; to: number } {
  return edges.reduce((best, edge) => (dfa[edge.to].toEnd < dfa[best.to].toEnd ? edge : best))
}

/** Letters and the like before what must be escaped. */
function cheapest(low: number, high: number, spelling: Spelling): number {
  const plain = [0x61, 0x30, 0x41, 0x20, 0x23, 0x5d].find((char) => char >= low && char <= high)
  if (plain !== undefined || spelling === 'raw') return plain ?? low
  for (let char = low; char <= Math.min(high, 0x7f); char++)
    if (char >= 0x20 && char !== QUOTE && char !== BACKSLASH) return char
  return low
}

const roundsOf = new WeakMap<CharDfa, Uint8Array>()

/** From `state` a state is reached that leads back to itself, so that there is no longest text. */
function goesRound(dfa: CharDfa, state: number): boolean {
  let rounds = roundsOf.get(dfa)
  if (rounds === undefined) roundsOf.set(dfa, (rounds = findRounds(dfa)))
  return rounds[state] === 1
}

/** States whose ways all end are taken off one after the other; what is left goes round. */
function findRounds(dfa: CharDfa): Uint8Array {
  const targets = dfa.map(({ edges }) => new Set(edges.map(({ to }) => to)))
  const sources: number[][] = dfa.map(() => [])
  targets.forEach((all, from) => all.forEach((to) => sources[to].push(from)))
  const left = targets.map(({ size }) => size)
  const rounds = new Uint8Array(dfa.length).fill(1)
  const queue = [...left.keys()].filter((state) => left[state] === 0)
  for (const state of queue) {
    rounds[state] = 0
    for (const from of sources[state]) if (--left[from] === 0) queue.push(from)
  }
  return rounds
}
