// This file writes JSON and literals as Python does. Prompts of models that were trained on Python's output
// need its very spaces.

import { IsletError } from '../lib/errors.ts'
import { Float } from '../lib/exact-json.ts'
import { entriesOf, isJsonObject } from '../lib/json-value.ts'

/** Deeper JSON is no schema and no arguments, and would overflow the stack. */
const MAX_DEPTH = 64

/** `json.dumps(value, ensure_ascii=False)`, over several lines with `indent` spaces where given. */
export function pythonJson(value: unknown, indent?: number): string {
  return dump(value, indent, '\n', 0)
}

function dump(value: unknown, indent: number | undefined, line: string, depth: number): string {
  const number = numberText(value, 'Infinity')
  if (number !== undefined) return number
  if (!Array.isArray(value) && !isJsonObject(value)) return JSON.stringify(value) ?? 'null'
  checkDepth(depth)
  const deeper = indent === undefined ? '' : line + ' '.repeat(indent)
  const inner = (item: unknown): string => dump(item, indent, deeper === '' ? line : deeper, depth + 1)
  const [open, close, items] = Array.isArray(value)
    ? ['[', ']', value.map(inner)]
    : [
        '{',
        '}',
        entriesOf(value)
          .filter(([, item]) => item !== undefined)
          .map(([key, item]) => `${JSON.stringify(key)}: ${inner(item)}`),
      ]
  if (items.length === 0) return open + close
  if (indent === undefined) return open + items.join(', ') + close
  return open + deeper + items.join(`,${deeper}`) + line + close
}

/** `repr(value)` of what JSON can say. */
export function pythonLiteral(value: unknown): string {
  return literal(value, 0)
}

function checkDepth(depth: number): void {
  if (depth < MAX_DEPTH) return
  throw new IsletError('invalid_request', `tools or arguments are nested deeper than ${MAX_DEPTH} levels`, {
    param: 'messages',
  })
}

function literal(value: unknown, depth: number): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return stringLiteral(value)
  const number = numberText(value, 'inf')
  if (number !== undefined) return number
  checkDepth(depth)
  const inner = (item: unknown): string => literal(item, depth + 1)
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`
  const items = isJsonObject(value) ? entriesOf(value) : []
  return `{${items.map(([key, item]) => `${stringLiteral(key)}: ${inner(item)}`).join(', ')}}`
}

/** A number as Python prints it, undefined for what is none; `infinity` is its word for what overflows. */
function numberText(value: unknown, infinity: string): string | undefined {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  const float = value instanceof Float ? value.value : value
  if (typeof float !== 'number') return undefined
  return Number.isFinite(float) ? floatText(float) : `${float < 0 ? '-' : ''}${infinity}`
}

/** `repr(float)`: the shortest digits, with an exponent of at least two below 1e-4 and from 1e16 on. */
function floatText(value: number): string {
  const [digits, exponent] = value.toExponential().split('e')
  if (value !== 0 && (Number(exponent) < -4 || Number(exponent) >= 16))
    return `${digits}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`
  const text = Object.is(value, -0) ? '-0' : String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** What `str.isspace` says yes to, which is not what JavaScript trims. */
const isSpace = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** `text.strip()`. */
export function pythonStrip(text: string): string {
  let start = 0
  while (start < text.length && isSpace.test(text[start])) start++
  return pythonStripEnd(text.slice(start))
}

/** `text.rstrip()`. */
export function pythonStripEnd(text: string): string {
  let end = text.length
  while (end > 0 && isSpace.test(text[end - 1])) end--
  return text.slice(0, end)
}

const SHORT: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function stringLiteral(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let out = ''
  for (const character of text) {
    if (character === quote) out += `\\${quote}`
    else if (character in SHORT) out += SHORT[character]
    else if (character !== ' ' && /[\p{C}\p{Z}]/u.test(character)) out += escaped(character)
    else out += character
  }
  return quote + out + quote
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
