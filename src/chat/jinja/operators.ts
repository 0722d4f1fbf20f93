// Operators work as Python's do: on numbers of any size, strings, lists and tuples.

import { Float } from '../../lib/exact-json.ts'
import { pow } from '../../lib/math.ts'
import type { Binary } from './ast.ts'
import { TemplateError, TemplateLimit, typeError, Unsupported } from './errors.ts'
import { percentFormat } from './percent.ts'
import type { Meter } from './meter.ts'
import { asInteger, integerOf, type Integer } from './numbers.ts'
import { markedText, str } from './repr.ts'
import { escapeHtml } from './strings.ts'
import { Markup, textOf, Tuple, typeName, Undefined, type Value } from './values.ts'

/** `left op right`. */
export function binary(op: Binary, left: Value, right: Value, meter: Meter): Value {
  if (typeof left === 'number' && typeof right === 'number') {
    const quick =
      op === '+' ? left + right : op === '-' ? left - right : op === '*' ? left * right : Number.NaN
    if (Number.isSafeInteger(quick)) return quick + 0
    return integers(op, left, right, meter)
  }
  if (op === '%' && textOf(left) !== undefined) return percentFormat(left as string | Markup, right, meter)
  for (const each of [left, right])
    if (each instanceof Undefined) throw new TemplateError(each.kind, each.says)
  const [a, b] = [asInteger(left), asInteger(right)]
  if (a !== undefined && b !== undefined) return integers(op, a, b, meter)
  const [x, y] = [floatOf(left, a), floatOf(right, b)]
  if (x !== undefined && y !== undefined) return floats(op, x, y)
  if (op === '+') return added(left, right, meter)
  if (op === '*') {
    if (b !== undefined && isSequence(left)) return repeated(left, Number(b), meter)
    if (a !== undefined && isSequence(right)) return repeated(right, Number(a), meter)
    if (isSequence(left) || isSequence(right)) {
      const other = isSequence(left) ? right : left
      throw typeError(`can't multiply sequence by non-int of type '${typeName(other)}'`)
    }
  }
  throw unsupported(op, left, right)
}

function unsupported(op: string, left: Value, right: Value): TemplateError {
  const name = op === '**' ? '** or pow()' : op
  return typeError(`unsupported operand type(s) for ${name}: '${typeName(left)}' and '${typeName(right)}'`)
}

/** `-value` and `+value`. */
export function unary(op: '-' | '+', value: Value): Value {
  if (value instanceof Undefined) throw new TemplateError(value.kind, value.says)
  if (value instanceof Float) return op === '-' ? new Float(-value.value) : value
  const integer = asInteger(value)
  if (integer === undefined) throw typeError(`bad operand type for unary ${op}: '${typeName(value)}'`)
  if (op === '+' || integer === 0) return integer
  return typeof integer === 'number' ? -integer : integerOf(-integer)
}

/** `~`: both as strings, side by side. */
export function concatenated(parts: readonly Value[], meter: Meter): Value {
  const marked = meter.escapes && parts.some((part) => part instanceof Markup)
  let text = ''
  for (const part of parts) text += marked ? markedText(part, meter) : str(part, meter)
  meter.make(text.length)
  return marked ? new Markup(text) : text
}

function floatOf(value: Value, integer: Integer | undefined): number | undefined {
  if (value instanceof Float) return value.value
  if (integer === undefined) return undefined
  const number = Number(integer)
  if (!Number.isFinite(number)) throw new TemplateError('OverflowError', 'int too large to convert to float')
  return number
}

function isSequence(value: Value): value is string | Markup | Value[] | Tuple {
  return textOf(value) !== undefined || Array.isArray(value) || value instanceof Tuple
}

function added(left: Value, right: Value, meter: Meter): Value {
  if (typeof left === 'string' && typeof right === 'string') {
    meter.make(left.length + right.length)
    return left + right
  }
  const [a, b] = [textOf(left), textOf(right)]
  if (a !== undefined && b !== undefined) {
    const escaped = (value: Value, text: string): string =>
      value instanceof Markup ? text : escapeHtml(text)
    const text = escaped(left, a) + escaped(right, b)
    meter.make(text.length)
    return new Markup(text)
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    meter.make((left.length + right.length) * 16)
    return [...left, ...right]
  }
  if (left instanceof Tuple && right instanceof Tuple) {
    meter.make((left.items.length + right.items.length) * 16)
    return new Tuple([...left.items, ...right.items])
  }
  if (isSequence(left)) {
    const name = left instanceof Markup ? 'str' : typeName(left)
    throw typeError(`can only concatenate ${name} (not "${typeName(right)}") to ${name}`)
  }
  throw unsupported('+', left, right)
}

function repeated(value: string | Markup | Value[] | Tuple, times: number, meter: Meter): Value {
  const count = Math.max(0, times)
  const text = textOf(value)
  if (text !== undefined) {
    meter.make(text.length * count)
    return value instanceof Markup ? new Markup(text.repeat(count)) : text.repeat(count)
  }
  const items = Array.isArray(value) ? value : (value as Tuple).items
  meter.make(items.length * count * 16)
  const all: Value[] = []
  for (let i = 0; i < (items.length === 0 ? 0 : count); i++) for (const item of items) all.push(item)
  return Array.isArray(value) ? all : new Tuple(all)
}

/** Integers beyond these bits are more than any template prints. */
const MAX_BITS = 1 << 16

function integers(op: Binary, a: Integer, b: Integer, meter: Meter): Value {
  if (b === 0 && (op === '/' || op === '//' || op === '%'))
    throw new TemplateError(
      'ZeroDivisionError',
      { '/': 'division by zero', '//': 'integer division or modulo by zero', '%': 'integer modulo by zero' }[
        op
      ],
    )
  if (op === '/') return floats('/', floatOf(a, a) ?? 0, floatOf(b, b) ?? 0)
  if (op === '**' && b < 0) return floats('**', floatOf(a, a) ?? 0, floatOf(b, b) ?? 0)
  const [x, y] = [BigInt(a), BigInt(b)]
  switch (op) {
    case '+':
      return integerOf(x + y)
    case '-':
      return integerOf(x - y)
    case '*':
      if (bitsOf(x) + bitsOf(y) > MAX_BITS) throw tooManyBits()
      meter.take((bitsOf(x) * bitsOf(y)) / 65536)
      return integerOf(x * y)
    case '//':
    case '%': {
      const rest = x % y
      const adjust = rest !== 0n && rest < 0n !== y < 0n
      if (op === '%') return integerOf(adjust ? rest + y : rest)
      return integerOf(adjust ? x / y - 1n : x / y)
    }
    case '**':
      if (bitsOf(x) * Number(y) > MAX_BITS && x !== 1n && x !== -1n && x !== 0n) throw tooManyBits()
      meter.take((bitsOf(x) * Number(y)) / 64 > MAX_BITS ? 1 : (bitsOf(x) * Number(y)) / 64)
      return integerOf(x ** y)
  }
}

function tooManyBits(): TemplateLimit {
  return new TemplateLimit(`makes an integer of more than ${MAX_BITS} bits`)
}

function bitsOf(value: bigint): number {
  return (value < 0n ? -value : value).toString(16).length * 4
}

function floats(op: Binary, a: number, b: number): Float {
  switch (op) {
    case '+':
      return new Float(a + b)
    case '-':
      return new Float(a - b)
    case '*':
      return new Float(a * b)
    case '**':
      return new Float(power(a, b))
    default:
  }
  if (b === 0)
    throw new TemplateError(
      'ZeroDivisionError',
      op === '%' ? 'float modulo' : op === '/' ? 'float division by zero' : 'float floor division by zero',
    )
  if (op === '/') return new Float(a / b)
  let rest = a % b
  if (rest === 0) rest = b < 0 ? -0 : 0
  else if (rest < 0 !== b < 0) rest += b
  if (op === '%') return new Float(rest)
  const quotient = (a - rest) / b
  const floor = Math.floor(quotient)
  return new Float(quotient - floor > 0.5 ? floor + 1 : floor)
}

function power(a: number, b: number): number {
  if (a === 0 && b < 0)
    throw new TemplateError('ZeroDivisionError', '0.0 cannot be raised to a negative power')
  if (b === 0.5 && a >= 0) return Math.sqrt(a)
  if (!Number.isInteger(b)) {
    if (a < 0) throw new Unsupported('a power that is a complex number')
    return pow(a, b)
  }
  if (Math.abs(b) > 1 << 16) return pow(Math.abs(a), b) * (a < 0 && b % 2 !== 0 ? -1 : 1)
  // Exact as long as the result is.
  let result = 1
  for (let factor = a, rest = Math.abs(b); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor
    factor *= factor
  }
  return b < 0 ? 1 / result : result
}
