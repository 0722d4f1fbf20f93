// This file writes JSON and literals as Python does. Prompts of models that were trained on Python's output
// need its very spaces.

import { IsletError } from '../lib/errors.ts'
import { Float } from '../lib/exact-json.ts'
import { entriesOf, isJsonObject } from '../lib/json-value.ts'
import { floatText } from './jinja/numbers.ts'
import { quoted } from './jinja/repr.ts'
import { stripped } from './jinja/strings.ts'

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
  if (typeof value === 'string') return quoted(value)
  const number = numberText(value, 'inf')
  if (number !== undefined) return number
  checkDepth(depth)
  const inner = (item: unknown): string => literal(item, depth + 1)
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`
  const items = isJsonObject(value) ? entriesOf(value) : []
  return `{${items.map(([key, item]) => `${quoted(key)}: ${inner(item)}`).join(', ')}}`
}

/** A number as Python prints it, undefined for what is none; `infinity` is its word for what overflows. */
function numberText(value: unknown, infinity: string): string | undefined {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  const float = value instanceof Float ? value.value : value
  if (typeof float !== 'number') return undefined
  return Number.isFinite(float) ? floatText(float) : `${float < 0 ? '-' : ''}${infinity}`
}

/** `text.strip()`: not what JavaScript trims. */
export function pythonStrip(text: string): string {
  return stripped(text, undefined, 'both')
}

/** `text.lstrip()`. */
export function pythonStripStart(text: string): string {
  return stripped(text, undefined, 'start')
}

/** `text.rstrip()`. */
export function pythonStripEnd(text: string): string {
  return stripped(text, undefined, 'end')
}
