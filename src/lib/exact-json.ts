// Exact JSON keeps what JSON.parse loses: the kind and digits of numbers, and the order of all keys.

/** A number that was written with a fraction or an exponent: Python reads `1.0` as a float, and prints it so. */
export class Float {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** Integers are numbers where these are exact, else bigints; objects are maps in the order of the text. */
export type ExactJson = null | boolean | string | number | bigint | Float | ExactJson[] | ExactObject
export type ExactObject = Map<string, ExactJson>

/** A string, a number or a word of JSON, from where it is looked for. Strings are cut out here and read by JSON.parse. */
const TOKEN =
  /[ \t\n\r]*(?:("(?:[^"\\]|\\.)*")|(-?(?:0|[1-9]\d*))(\.\d+)?([eE][+-]?\d+)?|([{}[\],:])|(true|false|null))/suy

/** Deeper text would end the stack. */
const MAX_DEPTH = 1000

/** Digits of an integer: reading more takes seconds, and Python reads no more either. */
export const MAX_DIGITS = 4300

/**
 * Reads what JSON.parse reads. Of a key that comes twice the last value counts, at the place of the first.
 * @throws SyntaxError for what is not JSON, nested deeper than 1,000 levels, or an integer of more than MAX_DIGITS.
 */
export function parseExactJson(text: string): ExactJson {
  const reader = new Reader(text)
  const value = reader.value(reader.next(), 0)
  reader.end()
  return value
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): RegExpExecArray {
    TOKEN.lastIndex = this.#at
    const token = TOKEN.exec(this.#text)
    if (token === null) throw new SyntaxError(`not JSON at character ${this.#at}`)
    this.#at = TOKEN.lastIndex
    return token
  }

  end(): void {
    if (/[^ \t\n\r]/.test(this.#text.slice(this.#at)))
      throw new SyntaxError(`not JSON at character ${this.#at}`)
  }

  value(token: RegExpExecArray, depth: number): ExactJson {
    const [, string, whole, fraction, exponent, mark, word] = token
    if (string !== undefined) return JSON.parse(string) as string
    if (whole !== undefined) return numberOf(whole, (fraction ?? '') + (exponent ?? ''))
    if (word !== undefined) return word === 'null' ? null : word === 'true'
    if (depth === MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`)
    if (mark === '[') return this.#array(depth + 1)
    if (mark === '{') return this.#object(depth + 1)
    throw this.#unexpected(token)
  }

  #array(depth: number): ExactJson[] {
    const items: ExactJson[] = []
    let token = this.next()
    if (token[5] === ']') return items
    for (;;) {
      items.push(this.value(token, depth))
      if (!this.#goesOn(']')) return items
      token = this.next()
    }
  }

  #object(depth: number): ExactObject {
    const entries: ExactObject = new Map()
    let token = this.next()
    if (token[5] === '}') return entries
    for (;;) {
      if (token[1] === undefined) throw this.#unexpected(token)
      const key = JSON.parse(token[1]) as string
      const colon = this.next()
      if (colon[5] !== ':') throw this.#unexpected(colon)
      entries.set(key, this.value(this.next(), depth))
      if (!this.#goesOn('}')) return entries
      token = this.next()
    }
  }

  #goesOn(close: string): boolean {
    const token = this.next()
    if (token[5] === ',') return true
    if (token[5] === close) return false
    throw this.#unexpected(token)
  }

  #unexpected(token: RegExpExecArray): SyntaxError {
    return new SyntaxError(`${token[0].trim().slice(0, 20)} is not expected before character ${this.#at}`)
  }
}

function numberOf(whole: string, rest: string): ExactJson {
  if (rest !== '') return new Float(Number(whole + rest))
  const value = Number(whole)
  if (Number.isSafeInteger(value)) return value + 0
  if (whole.length > MAX_DIGITS) throw new SyntaxError(`a number of more than ${MAX_DIGITS} digits`)
  return BigInt(whole)
}

/** JSON text that reads as an equal value; no white space. A float that is too large for JSON is written as it overflows. */
export function writeExactJson(value: ExactJson): string {
  if (value instanceof Float) return floatText(value.value)
  if (Array.isArray(value)) return `[${value.map(writeExactJson).join(',')}]`
  if (value instanceof Map)
    return `{${Array.from(value, ([key, item]) => `${JSON.stringify(key)}:${writeExactJson(item)}`).join(',')}}`
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-1e999' : '1e999'
  const text = Object.is(value, -0) ? '-0' : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}
