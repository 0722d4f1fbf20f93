// This file writes JSON and literals as Python does. Prompts of models that were trained on Python's output
// need its very spaces.

import { IsletError } from '../lib/errors.ts'

/** Deeper JSON is no schema and no arguments, and would overflow the stack. */
const MAX_DEPTH = 64

/** `json.dumps(value, ensure_ascii=False)`, over several lines with `indent` spaces where given. */
export function pythonJson(value: unknown, indent?: number): string {
  return dump(value, indent, '\n', 0)
}

function dump(value: unknown, indent: number | undefined, line: string, depth: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  checkDepth(depth)
  const deeper = indent === undefined ? '' : line + ' '.repeat(indent)
  const inner = (item: unknown): string => dump(item, indent, deeper === '' ? line : deeper, depth + 1)
  const [open, close, items] = Array.isArray(value)
    ? ['[', ']', value.map(inner)]
    : [
        '{',
        '}',
        Object.entries(value)
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
  if (typeof value === 'number') return numberLiteral(value)
  checkDepth(depth)
  const inner = (item: unknown): string => literal(item, depth + 1)
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`
  const items = Object.entries(value).map(([key, item]) => `${stringLiteral(key)}: ${inner(item)}`)
  return `{${items.join(', ')}}`
}

/** Python writes an exponent of at least two digits. */
function numberLiteral(value: number): string {
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
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
