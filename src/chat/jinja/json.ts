// The filter tojson writes JSON as Python's json.dumps does.

import { Float } from '../../lib/exact-json.ts'
import { sortedBy } from './compare.ts'
import { typeError } from './errors.ts'
import type { Meter } from './meter.ts'
import { floatText } from './numbers.ts'
import { Dict, textOf, Tuple, typeName, type Value } from './values.ts'

export type JsonStyle = {
  ascii: boolean
  /** What one level is indented by; undefined for all on one line. */
  indent: string | undefined
  /** Between items, and behind a key. */
  separators: readonly [string, string]
  sortKeys: boolean
}

/** `json.dumps(value)`. Throws TypeError for what JSON has no form for. */
export function dumps(value: Value, style: JsonStyle, meter: Meter): string {
  return new Writer(style, meter).value(value, '\n')
}

class Writer {
  readonly #style: JsonStyle
  readonly #meter: Meter
  #written = 0

  constructor(style: JsonStyle, meter: Meter) {
    this.#style = style
    this.#meter = meter
  }

  value(value: Value, line: string): string {
    const text = textOf(value)
    if (text !== undefined) return this.#string(text)
    if (typeof value === 'number' || typeof value === 'bigint') return String(value)
    if (value === null) return 'null'
    if (typeof value === 'boolean') return String(value)
    if (value instanceof Float) return jsonFloat(value.value)
    if (Array.isArray(value))
      return this.#items(value, (item, deeper) => this.value(item, deeper), line, '[]')
    if (value instanceof Tuple)
      return this.#items(value.items, (item, deeper) => this.value(item, deeper), line, '[]')
    if (!(value instanceof Dict))
      throw typeError(`Object of type ${typeName(value)} is not JSON serializable`)
    const write = ([key, item]: readonly [Value, Value], deeper: string): string =>
      this.#string(keyText(key)) + this.#style.separators[1] + this.value(item, deeper)
    return this.#items(this.#entries(value), write, line, '{}')
  }

  #entries(dict: Dict): (readonly [Value, Value])[] {
    const entries = Array.from(dict.entries.values())
    if (!this.#style.sortKeys) return entries
    return sortedBy(dict.keys(), (key) => key, false, this.#meter).map((key) => [key, dict.get(key) ?? null])
  }

  #items<T>(
    items: readonly T[],
    write: (item: T, line: string) => string,
    line: string,
    marks: string,
  ): string {
    if (items.length === 0) return marks
    this.#meter.enter(1)
    const { indent, separators } = this.#style
    const deeper = indent === undefined ? line : line + indent
    let text = marks[0]
    for (const [i, item] of items.entries()) {
      this.#meter.take(1)
      this.#count(separators[0].length + (indent === undefined ? 0 : deeper.length))
      text += i === 0 ? '' : separators[0]
      if (indent !== undefined) text += deeper
      text += write(item, deeper)
    }
    this.#meter.leave(1)
    return text + (indent === undefined ? '' : line) + marks[1]
  }

  #string(text: string): string {
    this.#count(text.length)
    return jsonString(text, this.#style.ascii)
  }

  #count(characters: number): void {
    this.#written += characters
    this.#meter.make(this.#written > 4096 ? this.#written / 16 : 0)
    if (this.#written > 1 << 22) this.#meter.make(this.#written)
  }
}

/** A string of JSON: JavaScript escapes lone surrogates where Python leaves them. */
function jsonString(text: string, ascii: boolean): string {
  const plain = JSON.stringify(text)
  if (!ascii) return /\\ud[89a-f]/.test(plain) ? unescapedSurrogates(text) : plain
  return plain.replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function unescapedSurrogates(text: string): string {
  const parts = text.split(/(\p{Cs}+)/u)
  return `"${parts.map((part, i) => (i % 2 === 1 ? part : JSON.stringify(part).slice(1, -1))).join('')}"`
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity'
  return floatText(value)
}

function keyText(key: Value): string {
  const text = textOf(key)
  if (text !== undefined) return text
  if (key === null) return 'null'
  if (key instanceof Float) return jsonFloat(key.value)
  if (typeof key === 'object')
    throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`)
  return String(key)
}
