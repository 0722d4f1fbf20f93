// A character term stands within one character: between the bytes of its UTF-8, or in its escape.

import { Term, type Terms } from './term.ts'

const QUOTE = 0x22
const SLASH = 0x2f
const LETTER_U = 0x75
/** How characters are escaped: letters that stand for one, and what stands before the digits of all others. */
export type Escapes = {
  short: ReadonlyMap<number, number>
  letter: number
  digits: number
  others: readonly number[]
}

function escapesOf(short: Readonly<Record<string, number>>, letter: number, digits: number): Escapes {
  const map = new Map(Object.entries(short).map(([c, n]) => [c.charCodeAt(0), n]))
  const lettered = new Set(map.values())
  // Control characters without a letter of their own.
  const others = Array.from({ length: 0x20 }, (_, code) => code).filter((code) => !lettered.has(code))
  return { short: map, letter, digits, others }
}

const LETTER_X = 0x78
export const JSON_ESCAPES = escapesOf({ '"': 34, '\\': 92, b: 8, f: 12, n: 10, r: 13, t: 9 }, LETTER_U, 4)
export const PYTHON_ESCAPES = escapesOf({ "'": 39, '\\': 92, n: 10, r: 13, t: 9 }, LETTER_X, 2)
const SHORT_ESCAPES = JSON_ESCAPES.short

/** Where the character began. */
export type CharPlace = {
  readonly terms: Terms
  /** Some character from `low` to `high` may stand here. */
  takes(low: number, high: number): boolean
  take(char: number): Term
  /** The character from `low` to `high` on the shortest way, and the bytes of it and of all that follows. */
  best(low: number, high: number): { char: number; bytes: number } | undefined
}

/** Behind a first byte of UTF-8 that is none of ASCII. */
export function partialChar(before: CharPlace, byte: number): Term {
  const lead = leadByte(byte)
  if (lead === undefined || !before.takes(lead.low, lead.high)) return before.terms.nothing
  return new PartialChar(before, lead.low, lead.high, lead.left)
}

/** Behind the backslash of a character that has no other spelling. */
export function onlyEscape(before: CharPlace, escapes: Escapes): Term {
  const isEscaped =
    before.takes(0, 0x1f) || [...escapes.short.values()].some((char) => before.takes(char, char))
  return isEscaped ? new OnlyEscape(before, escapes) : before.terms.nothing
}

/** Behind a backslash in a string whose characters nothing rules. */
export function freeEscape(before: CharPlace): Term {
  return before.takes(0, 0x7f) ? new FreeEscape(before) : before.terms.nothing
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
  readonly #before: CharPlace
  readonly #low: number
  readonly #high: number
  readonly #left: number

  constructor(before: CharPlace, low: number, high: number, left: number) {
    super(before.terms)
    this.#before = before
    this.#low = low
    this.#high = high
    this.#left = left
  }
  get #best(): { char: number; bytes: number } {
    return this.#before.best(this.#low, this.#high) ?? { char: this.#low, bytes: Infinity }
  }
  get shortest(): number {
    const { char, bytes } = this.#best
    return bytes - (char < 0x800 ? 2 : char < 0x10000 ? 3 : 4) + this.#left
  }
  get shortestByte(): number {
    return 0x80 | ((this.#best.char >> (6 * (this.#left - 1))) & 0x3f)
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

class OnlyEscape extends Term {
  readonly #before: CharPlace
  readonly #escapes: Escapes

  constructor(before: CharPlace, escapes: Escapes) {
    super(before.terms)
    this.#before = before
    this.#escapes = escapes
  }
  /** A letter that stands for one character, or what stands before digits, with the bytes of it and all that follows. */
  get #best(): { letter: number; bytes: number } {
    const { short, letter: digits, others } = this.#escapes
    let best = { letter: digits, bytes: Infinity }
    for (const [letter, char] of short) {
      const bytes = (this.#before.best(char, char)?.bytes ?? Infinity) - 1
      if (bytes < best.bytes) best = { letter, bytes }
    }
    for (const char of others) {
      const bytes = (this.#before.best(char, char)?.bytes ?? Infinity) - 1
      if (bytes < best.bytes) best = { letter: digits, bytes }
    }
    return best
  }
  get shortest(): number {
    return this.#best.bytes
  }
  get shortestByte(): number {
    return this.#best.letter
  }
  derive(byte: number): Term {
    const { terms } = this
    const { short, letter, digits, others } = this.#escapes
    const char = short.get(byte)
    if (char !== undefined) return this.#before.take(char)
    if (byte !== letter) return terms.nothing
    const options = others.map((code) => {
      const hex = terms.text(code.toString(16).padStart(digits, '0'))
      return terms.pair(hex, this.#before.take(code))
    })
    return terms.either(...options)
  }
}

class FreeEscape extends Term {
  readonly #before: CharPlace

  constructor(before: CharPlace) {
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
    return byte === LETTER_U ? new HexEscape(this.#before, '') : this.terms.nothing
  }
}

/** Within `\uXXXX`; half a pair must be followed by its other half. */
class HexEscape extends Term {
  readonly #before: CharPlace
  readonly #digits: string
  readonly #high: number | undefined

  constructor(before: CharPlace, digits: string, high?: number) {
    super(before.terms)
    this.#before = before
    this.#digits = digits
    this.#high = high
  }
  get shortest(): number {
    const own = this.#high === undefined ? 4 : 6
    return own - this.#digits.length + this.#before.take(0x20).shortest + this.#pair()
  }
  /** Bytes of the second half that the digits so far want. */
  #pair(): number {
    return this.#high === undefined && /^[dD][89aAbB]/.test(this.#digits) ? 6 : 0
  }
  get shortestByte(): number {
    return (this.#high === undefined ? '0' : '\\uDC00'[this.#digits.length]).charCodeAt(0)
  }
  derive(byte: number): Term {
    const digits = this.#digits + String.fromCharCode(byte)
    if (this.#high !== undefined) return this.#secondHalf(digits, this.#high)
    if (!/^[\da-fA-F]+$/.test(digits) || /^[dD][c-fC-F]/.test(digits)) return this.terms.nothing
    if (digits.length < 4) return new HexEscape(this.#before, digits)
    const code = parseInt(digits, 16)
    return code >= 0xd800 && code < 0xdc00 ? new HexEscape(this.#before, '', code) : this.#before.take(code)
  }
  #secondHalf(digits: string, high: number): Term {
    if (!/^(\\|\\u|\\u[dD]|\\u[dD][c-fC-F][\da-fA-F]{0,2})$/.test(digits)) return this.terms.nothing
    if (digits.length < 6) return new HexEscape(this.#before, digits, high)
    const low = parseInt(digits.slice(2), 16)
    return this.#before.take(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
  }
}
