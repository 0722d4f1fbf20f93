// This file turns a ChatGLM3 call, tool_call(city='...', days=3), into JSON without evaluating anything.

import { IsletError } from '../../lib/errors.ts'
import { floatText } from '../jinja/numbers.ts'

/** Deeper nesting is no argument, and would overflow the stack. */
const MAX_DEPTH = 64

/** The arguments as JSON text; undefined for anything but `tool_call(` keywords with literals `)`. */
export function pythonCallArguments(text: string): string | undefined {
  try {
    return new Reader(text).call()
  } catch (error) {
    if (error instanceof IsletError) return undefined
    throw error
  }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  call(): string {
    if (this.#match(/tool_call/y) === undefined) fail()
    this.#expect('(')
    const items = this.#list(')', () => {
      const name = this.#match(/[\p{L}_][\p{L}\p{N}_]*/uy) ?? fail()
      this.#expect('=')
      return `${JSON.stringify(name)}:${this.#value(0)}`
    })
    this.#space()
    if (this.#at < this.#text.length) fail()
    return `{${items.join(',')}}`
  }

  #value(depth: number): string {
    if (depth === MAX_DEPTH) fail()
    const word = this.#match(/True|False|None/y)
    if (word !== undefined) return word === 'None' ? 'null' : word.toLowerCase()
    const number = this.#match(/[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?/y)
    if (number !== undefined) return numberText(number.replaceAll('_', ''))
    if (this.#take('[')) return `[${this.#list(']', () => this.#value(depth + 1)).join(',')}]`
    if (this.#take('(')) return `[${this.#list(')', () => this.#value(depth + 1)).join(',')}]`
    if (this.#take('{')) return `{${this.#list('}', () => this.#entry(depth + 1)).join(',')}}`
    return JSON.stringify(this.#strings())
  }

  #entry(depth: number): string {
    const key = this.#value(depth)
    this.#expect(':')
    return `${key.startsWith('"') ? key : JSON.stringify(key)}:${this.#value(depth)}`
  }

  /** Strings beside each other are one. */
  #strings(): string {
    let text = this.#string() ?? fail()
    for (let next = this.#string(); next !== undefined; next = this.#string()) text += next
    return text
  }

  #string(): string | undefined {
    const opening = this.#match(/[rRuU]?("""|'''|"|')/y)
    if (opening === undefined) return undefined
    const raw = /^r/i.test(opening)
    const quote = opening.replace(/^[a-z]/i, '')
    let text = ''
    for (;;) {
      if (this.#at >= this.#text.length) fail()
      if (this.#text.startsWith(quote, this.#at)) {
        this.#at += quote.length
        return text
      }
      const character = this.#text[this.#at++]
      if (character === '\n' && quote.length === 1) fail()
      if (character !== '\\') text += character
      else text += raw ? character + (this.#text[this.#at++] ?? '') : this.#escape()
    }
  }

  #escape(): string {
    const code = this.#text[this.#at++] ?? fail()
    if (code === '\n') return ''
    const short = SHORT[code]
    if (short !== undefined) return short
    const digits = { x: 2, u: 4, U: 8 }[code]
    if (digits === undefined) {
      if (!/[0-7]/.test(code)) return `\\${code}`
      const octal = code + (this.#matchHere(/[0-7]{0,2}/y) ?? '')
      return String.fromCharCode(Number.parseInt(octal, 8))
    }
    const hex = this.#text.slice(this.#at, this.#at + digits)
    this.#at += digits
    const point = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : Infinity
    return point <= 0x10ffff ? String.fromCodePoint(point) : fail()
  }

  /** Items with commas between them, one may follow the last. */
  #list(close: string, item: () => string): string[] {
    const items: string[] = []
    while (!this.#take(close)) {
      if (items.length > 0) {
        this.#expect(',')
        if (this.#take(close)) break
      }
      items.push(item())
    }
    return items
  }

  #take(character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #expect(character: string): void {
    if (!this.#take(character)) fail()
  }

  #match(pattern: RegExp): string | undefined {
    this.#space()
    return this.#matchHere(pattern)
  }

  #matchHere(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #space(): void {
    while (/[ \t\n\f\r]/.test(this.#text[this.#at] ?? '')) this.#at++
  }
}

const SHORT: Readonly<Record<string, string>> = {
  ...{ n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' },
  ...{ a: '\x07', b: '\b', f: '\f', v: '\v' },
}

/** Whole numbers keep all their digits; a float is what Python would print. */
function numberText(text: string): string {
  if (/^[+-]?(0|[1-9]\d*)$/.test(text)) return text.replace(/^\+/, '')
  const value = Number(text)
  return Number.isFinite(value) && /[.e]/i.test(text) ? floatText(value) : fail()
}

function fail(): never {
  throw new IsletError('invalid_request', 'no call that can be read')
}
