// The regex parser reads ECMAScript's patterns (with the `u` flag, as JSON Schema wants) into a tree.

import { charRanges, MAX_CHAR, others, singleChar, type CharRanges } from './char-ranges.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'
import { propertyRanges } from './char-properties.ts'

export type Regex =
  | { kind: 'chars'; ranges: CharRanges }
  | { kind: 'seq'; parts: readonly Regex[] }
  | { kind: 'either'; options: readonly Regex[] }
  | { kind: 'repeat'; body: Regex; least: number; most: number }
  /** Beginning and end of the text. */
  | { kind: 'begin' | 'end' }
  /** What follows matches, or does not. */
  | { kind: 'ahead'; body: Regex; isNegative: boolean }

const LINE_ENDS: CharRanges = [[0x0a, 0x0a], [0x0d, 0x0d], [0x2028, 0x2029]] // prettier-ignore
const DIGITS: CharRanges = [[0x30, 0x39]]
const WORD = charRanges([...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]])
const SPACE = charRanges([
  ...[[0x09, 0x0d], [0x20, 0x20], [0xa0, 0xa0], [0x1680, 0x1680], [0x2000, 0x200a]], // prettier-ignore
  ...[[0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000], [0xfeff, 0xfeff]], // prettier-ignore
] as [number, number][])

const CLASSES: Readonly<Record<string, CharRanges>> = {
  ...{ d: DIGITS, w: WORD, s: SPACE },
  ...{ D: others(DIGITS), W: others(WORD), S: others(SPACE) },
}
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }

/** Copies of a body that a count stands for; more is no pattern that anybody wrote. */
const MAX_COUNT = 10_000

/** @throws GrammarError for what is no pattern, or cannot be promised: back references, look-behind, word borders. */
export function parseRegex(pattern: string, mostChars: number): Regex {
  if (pattern.length > mostChars)
    throw new GrammarError(`a pattern has ${pattern.length} characters, at most ${mostChars} are taken`)
  return new Parser(pattern).all()
}

class Parser {
  readonly #chars: readonly string[]
  #at = 0
  #depth = 0

  constructor(pattern: string) {
    this.#chars = Array.from(pattern)
  }

  all(): Regex {
    const regex = this.#either()
    if (this.#at < this.#chars.length) throw this.#wrong(`"${this.#chars[this.#at]}" is not expected`)
    return regex
  }

  #wrong(what: string): GrammarError {
    return new GrammarError(`the pattern cannot be read at character ${this.#at}: ${what}`)
  }

  #peek(text: string): boolean {
    return this.#chars.slice(this.#at, this.#at + text.length).join('') === text
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false
    this.#at += text.length
    return true
  }

  #either(): Regex {
    if (++this.#depth > LIMITS.depth)
      throw this.#wrong(`groups are nested deeper than ${LIMITS.depth} levels`)
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    this.#depth--
    return options.length === 1 ? options[0] : { kind: 'either', options }
  }

  #sequence(): Regex {
    const parts: Regex[] = []
    while (this.#at < this.#chars.length && !this.#peek('|') && !this.#peek(')')) parts.push(this.#counted())
    return parts.length === 1 ? parts[0] : { kind: 'seq', parts }
  }

  #counted(): Regex {
    const body = this.#atom()
    const count = this.#count()
    if (count === undefined) return body
    if (body.kind === 'begin' || body.kind === 'end' || body.kind === 'ahead')
      throw this.#wrong('there is nothing to repeat')
    this.#take('?') // lazy: the language is the same
    return { kind: 'repeat', body, least: count[0], most: count[1] }
  }

  #count(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity]
    if (this.#take('+')) return [1, Infinity]
    if (this.#take('?')) return [0, 1]
    const braces = /^\{(\d+)(,(\d*))?\}/.exec(this.#chars.slice(this.#at, this.#at + 30).join(''))
    if (braces === null) {
      if (this.#peek('{')) throw this.#wrong('"{" begins no count')
      return undefined
    }
    this.#at += braces[0].length
    const least = Number(braces[1])
    const most = braces[2] === undefined ? least : braces[3] === '' ? Infinity : Number(braces[3])
    if (most < least) throw this.#wrong('a count is out of order')
    if (Math.max(least, most === Infinity ? 0 : most) > MAX_COUNT)
      throw this.#wrong(`a count is above ${MAX_COUNT}`)
    return [least, most]
  }

  #atom(): Regex {
    if (this.#take('^')) return { kind: 'begin' }
    if (this.#take('$')) return { kind: 'end' }
    if (this.#take('.')) return { kind: 'chars', ranges: others(LINE_ENDS) }
    if (this.#take('(')) return this.#group()
    if (this.#take('[')) return { kind: 'chars', ranges: this.#set() }
    if (this.#take('\\')) return { kind: 'chars', ranges: this.#escape(false) }
    const char = this.#chars[this.#at]
    if ('*+?{}]'.includes(char) && char !== '}' && char !== ']')
      throw this.#wrong(`there is nothing before "${char}"`)
    this.#at++
    return { kind: 'chars', ranges: singleChar(char.codePointAt(0) ?? 0) }
  }

  #group(): Regex {
    let ahead: 'positive' | 'negative' | undefined
    if (this.#take('?')) {
      if (this.#take('=')) ahead = 'positive'
      else if (this.#take('!')) ahead = 'negative'
      else if (this.#peek('<=') || this.#peek('<!')) throw this.#wrong('look-behind is not supported')
      else if (this.#take('<')) {
        while (this.#at < this.#chars.length && !this.#take('>')) this.#at++
      } else if (!this.#take(':')) throw this.#wrong('flags in a pattern are not supported')
    }
    const body = this.#either()
    if (!this.#take(')')) throw this.#wrong('a group is not closed')
    return ahead === undefined ? body : { kind: 'ahead', body, isNegative: ahead === 'negative' }
  }

  /** Behind a backslash. */
  #escape(isInSet: boolean): CharRanges {
    const letter = this.#chars[this.#at++]
    if (letter === undefined) throw this.#wrong('it ends in a backslash')
    if (letter in CLASSES) return CLASSES[letter]
    if (letter in CONTROLS) return singleChar(CONTROLS[letter])
    if (letter === 'p' || letter === 'P') return this.#property(letter === 'P')
    if (letter === 'b' && isInSet) return singleChar(8)
    if (letter === 'b' || letter === 'B') throw this.#wrong('borders of words are not supported')
    if (letter === 'c') return singleChar((this.#chars[this.#at++]?.codePointAt(0) ?? 0) % 32)
    if (letter === 'x') return singleChar(this.#hex(2))
    if (letter === 'u') return singleChar(this.#unicode())
    if (letter === '0' && !/\d/.test(this.#chars[this.#at] ?? '')) return singleChar(0)
    if (/[1-9]/.test(letter) || letter === 'k') throw this.#wrong('back references are not supported')
    if (/[A-Za-z0-9]/.test(letter)) throw this.#wrong(`"\\${letter}" is no escape`)
    return singleChar(letter.codePointAt(0) ?? 0)
  }

  #hex(digits: number): number {
    const text = this.#chars.slice(this.#at, this.#at + digits).join('')
    if (!new RegExp(`^[\\da-fA-F]{${digits}}$`).test(text))
      throw this.#wrong('hexadecimal digits are missing')
    this.#at += digits
    return parseInt(text, 16)
  }

  #unicode(): number {
    if (this.#take('{')) {
      const text = /^[\da-fA-F]{1,8}(?=\})/.exec(this.#chars.slice(this.#at, this.#at + 9).join(''))?.[0]
      if (text === undefined || parseInt(text, 16) > MAX_CHAR) throw this.#wrong('this is no code point')
      this.#at += text.length + 1
      return parseInt(text, 16)
    }
    const first = this.#hex(4)
    if (first < 0xd800 || first > 0xdbff || !this.#peek('\\u')) return first
    this.#at += 2
    return 0x10000 + ((first - 0xd800) << 10) + (this.#hex(4) - 0xdc00)
  }

  #property(isNegative: boolean): CharRanges {
    const name = /^\{([\w=]+)\}/.exec(this.#chars.slice(this.#at, this.#at + 60).join(''))
    if (name === null) throw this.#wrong('a property needs a name in braces')
    this.#at += name[0].length
    const ranges = propertyRanges(name[1])
    if (ranges === undefined) throw this.#wrong(`there is no property ${name[1]}`)
    return isNegative ? others(ranges) : ranges
  }

  #set(): CharRanges {
    const isNegative = this.#take('^')
    const pairs: (readonly [number, number])[] = []
    while (!this.#take(']')) {
      if (this.#at >= this.#chars.length) throw this.#wrong('a set is not closed')
      const first = this.#setItem()
      if (
        first.length === 1 &&
        first[0][0] === first[0][1] &&
        this.#peek('-') &&
        this.#chars[this.#at + 1] !== ']'
      ) {
        this.#at++
        const last = this.#setItem()
        if (last.length !== 1 || last[0][0] !== last[0][1]) pairs.push(...first, [0x2d, 0x2d], ...last)
        else if (last[0][0] < first[0][0]) throw this.#wrong('a range is out of order')
        else pairs.push([first[0][0], last[0][0]])
      } else pairs.push(...first)
    }
    return isNegative ? others(charRanges(pairs)) : charRanges(pairs)
  }

  #setItem(): CharRanges {
    const char = this.#chars[this.#at++]
    return char === '\\' ? this.#escape(true) : singleChar(char?.codePointAt(0) ?? 0)
  }
}
