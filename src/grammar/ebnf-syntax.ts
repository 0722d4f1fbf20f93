// The EBNF parser reads llama.cpp's GBNF, as people write it, into a tree for each rule.

import { ANY_CHAR, charRanges, MAX_CHAR, others, type CharRanges } from './char-ranges.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'

export type Ebnf =
  | { kind: 'text'; text: string }
  | { kind: 'chars'; ranges: CharRanges }
  | { kind: 'call'; name: string; line: number }
  | { kind: 'seq'; parts: readonly Ebnf[] }
  | { kind: 'either'; options: readonly Ebnf[] }
  | { kind: 'repeat'; body: Ebnf; least: number; most: number }

const MAX_RULES = 1_000
/** Times that a count may ask for. */
const MAX_COUNT = 10_000
const NAME = /[A-Za-z0-9_-]+/y
const COUNT = /\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}/y
const SPACE = /(?:[ \t]|#[^\n\r]*)*/y
const SPACE_AND_LINES = /(?:\s|#[^\n\r]*)*/y
const LETTERS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9 }
/** Hexadecimal digits behind a letter. */
const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/** Rules by name, in order. Throws GrammarError for what cannot be read, with the line. */
export function parseEbnf(text: string): Map<string, Ebnf> {
  if (text.length > LIMITS.schemaBytes)
    throw new GrammarError(
      `the grammar has ${text.length} characters, at most ${LIMITS.schemaBytes} are taken`,
    )
  return new Parser(text).rules()
}

class Parser {
  readonly #text: string
  #at = 0
  #depth = 0
  #nodes = 0
  #counted = 0
  #lines = 1

  constructor(text: string) {
    this.#text = text
  }

  rules(): Map<string, Ebnf> {
    const rules = new Map<string, Ebnf>()
    this.#skip(SPACE_AND_LINES)
    while (this.#at < this.#text.length) {
      const name = this.#match(NAME)?.[0]
      if (name === undefined) throw this.#wrong('the name of a rule is expected')
      this.#skip(SPACE)
      if (!this.#take('::=')) throw this.#wrong(`"::=" is expected behind ${name}`)
      if (rules.size === MAX_RULES) throw new GrammarError(`the grammar has more than ${MAX_RULES} rules`)
      if (rules.has(name)) throw this.#wrong(`the rule ${name} is there twice`)
      this.#skip(SPACE_AND_LINES)
      rules.set(name, this.#either(false))
      if (this.#at < this.#text.length && !/[\n\r]/.test(this.#text[this.#at]))
        throw this.#wrong(`"${this.#text[this.#at]}" is not expected`)
      this.#skip(SPACE_AND_LINES)
    }
    return rules
  }

  /** Counted from where it was last asked for. */
  get #line(): number {
    for (; this.#counted < this.#at; this.#counted++) if (this.#text[this.#counted] === '\n') this.#lines++
    return this.#lines
  }

  #wrong(what: string): GrammarError {
    return new GrammarError(`the grammar cannot be read in line ${this.#line}: ${what}`)
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found
  }

  #skip(space: RegExp): void {
    this.#match(space)
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #made<T extends Ebnf>(node: T): T {
    if (++this.#nodes > LIMITS.nodes)
      throw new GrammarError(`the grammar has more than ${LIMITS.nodes} parts`)
    return node
  }

  /** Within parentheses lines may end anywhere, elsewhere before and behind `|`. */
  #either(isInside: boolean): Ebnf {
    if (++this.#depth > LIMITS.depth)
      throw this.#wrong(`groups are nested deeper than ${LIMITS.depth} levels`)
    const options = [this.#sequence(isInside)]
    while (this.#takeBar()) {
      this.#skip(SPACE_AND_LINES)
      options.push(this.#sequence(isInside))
    }
    this.#depth--
    return options.length === 1 ? options[0] : this.#made({ kind: 'either', options })
  }

  #takeBar(): boolean {
    const before = this.#at
    this.#skip(SPACE_AND_LINES)
    if (this.#take('|')) return true
    this.#at = before
    return false
  }

  #sequence(isInside: boolean): Ebnf {
    const space = isInside ? SPACE_AND_LINES : SPACE
    const parts: Ebnf[] = []
    this.#skip(space)
    for (let atom = this.#atom(); atom !== undefined; atom = this.#atom()) {
      this.#skip(space)
      parts.push(this.#repeated(atom, space))
    }
    return parts.length === 1 ? parts[0] : this.#made({ kind: 'seq', parts })
  }

  #repeated(body: Ebnf, space: RegExp): Ebnf {
    for (let count = this.#count(); count !== undefined; count = this.#count()) {
      body = this.#made({ kind: 'repeat', body, least: count[0], most: count[1] })
      this.#skip(space)
    }
    return body
  }

  #count(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity]
    if (this.#take('+')) return [1, Infinity]
    if (this.#take('?')) return [0, 1]
    if (this.#text[this.#at] !== '{') return undefined
    const [, low, comma, high] = this.#match(COUNT) ?? ['', '', '', '']
    if (low === '' && high === '') throw this.#wrong('"{" begins no count')
    const least = Number(low)
    const most = comma === '' ? least : high === '' ? Infinity : Number(high)
    if (most < least) throw this.#wrong('a count is out of order')
    if (Math.max(least, most === Infinity ? 0 : most) > MAX_COUNT)
      throw this.#wrong(`a count is above ${MAX_COUNT}`)
    return [least, most]
  }

  /** Undefined where a sequence ends. */
  #atom(): Ebnf | undefined {
    if (this.#take('"')) return this.#made({ kind: 'text', text: this.#literal() })
    if (this.#take('[')) return this.#made({ kind: 'chars', ranges: this.#set() })
    if (this.#take('.')) return this.#made({ kind: 'chars', ranges: ANY_CHAR })
    if (this.#take('(')) {
      const body = this.#either(true)
      this.#skip(SPACE_AND_LINES)
      if (!this.#take(')')) throw this.#wrong('a group is not closed')
      return body
    }
    if (this.#text[this.#at] === '<' || this.#text[this.#at] === '!')
      throw this.#wrong('tokens by name or number are not supported, write their text')
    const name = this.#match(NAME)?.[0]
    return name === undefined ? undefined : this.#made({ kind: 'call', name, line: this.#line })
  }

  #literal(): string {
    let text = ''
    while (!this.#take('"')) text += String.fromCodePoint(this.#char('a literal'))
    return text
  }

  #set(): CharRanges {
    const isNegative = this.#take('^')
    const pairs: [number, number][] = []
    while (!this.#take(']')) {
      const low = this.#char('a character class')
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
      if (isRange) this.#at++
      const high = isRange ? this.#char('a character class') : low
      if (high < low) throw this.#wrong('a range of characters is out of order')
      pairs.push([low, high])
    }
    const ranges = isNegative ? others(charRanges(pairs)) : charRanges(pairs)
    if (ranges.length === 0) throw this.#wrong('a character class holds no character')
    return ranges
  }

  /** A character of a literal or class as it is, or escaped. */
  #char(place: string): number {
    const char = this.#text.codePointAt(this.#at)
    if (char === undefined || char === 10 || char === 13) throw this.#wrong(`${place} is not closed`)
    this.#at += char > 0xffff ? 2 : 1
    if (char !== 0x5c) return this.#scalar(char)
    const letter = this.#text[this.#at++] ?? ''
    if (letter in LETTERS) return LETTERS[letter]
    if (letter in DIGITS) {
      const digits = this.#text.slice(this.#at, this.#at + DIGITS[letter])
      if (digits.length < DIGITS[letter] || /[^\da-fA-F]/.test(digits))
        throw this.#wrong(`"\\${letter}" needs ${DIGITS[letter]} hexadecimal digits`)
      this.#at += digits.length
      return this.#scalar(parseInt(digits, 16))
    }
    if (letter === '' || /[A-Za-z0-9\n\r]/.test(letter)) throw this.#wrong(`"\\${letter}" is no escape`)
    return letter.codePointAt(0) ?? 0
  }

  #scalar(char: number): number {
    if (char > MAX_CHAR || (char >= 0xd800 && char <= 0xdfff))
      throw this.#wrong(`${char.toString(16)} is no character`)
    return char
  }
}
