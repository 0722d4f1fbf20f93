// Values print as Python's str and repr print them.

import { Float } from '../../lib/exact-json.ts'
import type { Meter } from './meter.ts'
import { floatText } from './numbers.ts'
import { escapeHtml } from './strings.ts'
import {
  Dict,
  Generator,
  Instance,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  View,
  type Value,
} from './values.ts'

/** `str(value)`. */
export function str(value: Value, meter: Meter): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (value instanceof Markup) return value.text
  return value instanceof Undefined ? '' : repr(value, meter)
}

/** `escape(value)`, as text. */
export function markedText(value: Value, meter: Meter): string {
  return value instanceof Markup ? value.text : escapeHtml(str(value, meter))
}

/** What `{{ value }}` prints. */
export function printed(value: Value, meter: Meter): string {
  return meter.escapes ? markedText(value, meter) : str(value, meter)
}

/** What a body printed, as a value: marked where it was escaped. */
export function bodyValue(text: string, meter: Meter): Value {
  return meter.escapes ? new Markup(text) : text
}

/** `repr(value)`. */
export function repr(value: Value, meter: Meter): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (value instanceof Float) return floatText(value.value)
  meter.take(1)
  if (Array.isArray(value)) return `[${written(value, meter)}]`
  if (value instanceof Dict) return `{${pairs(value, meter)}}`
  if (value instanceof Tuple) return `(${written(value.items, meter)}${value.items.length === 1 ? ',' : ''})`
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof View) return `dict_${value.what}([${written(value.list(), meter)}])`
  if (value instanceof Range)
    return `range(${value.start}, ${value.stop}${value.step === 1 ? '' : `, ${value.step}`})`
  if (value instanceof Namespace) return `<Namespace {${pairs(value.attributes, meter)}}>`
  if (value instanceof Instance && value.type.startsWith('built-in')) return `<${value.type}>`
  return value instanceof Generator && value.type === 'generator'
    ? '<generator object>'
    : `<${typeName(value)} object>`
}

function written(items: readonly Value[], meter: Meter): string {
  return joined(items, (item) => within(item, meter), meter)
}

function pairs(dict: Dict, meter: Meter): string {
  const entries = Array.from(dict.entries.values())
  return joined(entries, ([key, value]) => `${repr(key, meter)}: ${within(value, meter)}`, meter)
}

function within(value: Value, meter: Meter): string {
  meter.enter(1)
  const text = repr(value, meter)
  meter.leave(1)
  return text
}

function joined<T>(items: readonly T[], write: (item: T) => string, meter: Meter): string {
  let text = ''
  for (const item of items) {
    text += (text === '' ? '' : ', ') + write(item)
    meter.make(text.length > 4096 ? text.length : 0)
  }
  return text
}

const SHORT: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const PLAIN = /^[ !#-&(-[\]-~]*$/

/** `repr` of a string. */
export function quoted(text: string): string {
  if (PLAIN.test(text)) return `'${text}'`
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const inner = text.replaceAll(/['"\\]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    if (character === quote) return `\\${quote}`
    if (character === '"' || character === "'") return character
    return SHORT[character] ?? escaped(character)
  })
  return quote + inner + quote
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
