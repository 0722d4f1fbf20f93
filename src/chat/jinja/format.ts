// The format of one value follows Python's format specifications, as in '{:>8.2f}'.

import { Float } from '../../lib/exact-json.ts'
import { TemplateError, typeError, valueError } from './errors.ts'
import type { Meter } from './meter.ts'
import { asInteger, asNumber, exponentText, fixed, floatText, scientific } from './numbers.ts'
import { str } from './repr.ts'
import { padded } from './strings.ts'
import { slicedText } from './iterate.ts'
import { textOf, typeName, type Value } from './values.ts'

const SPEC =
  /^(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<z>z)?(?<alt>#)?(?<zero>0)?(?<width>\d+)?(?<group>[,_])?(?:\.(?<precision>\d+))?(?<type>[bcdeEfFgGnosxX%])?$/su

export type NumberStyle = {
  sign: string
  alternate: boolean
  group: string
  precision: number | undefined
  type: string
}

/** `format(value, spec)`. */
export function formatValue(value: Value, spec: string, meter: Meter): string {
  const groups = SPEC.exec(spec)?.groups
  if (spec === '') return str(value, meter)
  const number = asNumber(value)
  const text = textOf(value)
  if (number === undefined && text === undefined)
    throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`)
  if (groups === undefined)
    throw valueError(`Invalid format specifier '${spec}' for object of type '${typeName(value)}'`)
  const { fill, align, sign = '-', alt, zero, width = '0', group = '', precision, type = '' } = groups
  const wide = Number(width)
  meter.make(wide)
  if (Number(precision ?? 0) > 1000) throw valueError('precision too big')
  const filler = fill ?? (zero === undefined ? ' ' : '0')
  if (text !== undefined || type === 's') {
    if (text === undefined || (type !== 's' && type !== ''))
      throw valueError(`Unknown format code '${type}' for object of type '${typeName(value)}'`)
    const cut = precision === undefined ? text : slicedText(text, [0, Number(precision)])
    return padded(cut, wide, filler, (align ?? '<') as '<')
  }
  const style = { sign, alternate: alt !== undefined, group, precision: numberOf(precision), type }
  const { head, body } = numberParts(value, style)
  const place = align ?? (zero === undefined ? '>' : '=')
  if (place !== '=') return padded(head + body, wide, filler, place as '>')
  const inner = wide - head.length
  if (group === '' || filler !== '0') return head + padded(body, inner, filler, '>')
  return head + zerosGrouped(body, inner, group, /[xXob]/.test(type) ? 4 : 3)
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

/** A number's sign and prefix, and its digits. */
export function numberParts(value: Value, style: NumberStyle): { head: string; body: string } {
  const integer = asInteger(value)
  const asFloat = value instanceof Float || /^[eEfFgG%]$/.test(style.type)
  if (!asFloat && integer !== undefined) {
    const negative = integer < 0
    const size = negative ? -integer : integer
    const head = negative ? '-' : style.sign === '-' ? '' : style.sign
    const radix = { x: 16, X: 16, o: 8, b: 2 }[style.type] ?? 10
    if (style.type === 'c') return { head: '', body: String.fromCodePoint(Number(integer)) }
    if (style.precision !== undefined) throw valueError('Precision not allowed in integer format specifier')
    const digits = size.toString(radix)
    return {
      head: head + (style.alternate && radix !== 10 ? `0${style.type}` : ''),
      body: grouped(style.type === 'X' ? digits.toUpperCase() : digits, style.group, radix === 10 ? 3 : 4),
    }
  }
  if (/^[bcdoxX]$/.test(style.type))
    throw valueError(`Unknown format code '${style.type}' for object of type '${typeName(value)}'`)
  const number = asNumber(value) ?? 0
  if (!Number.isFinite(number) && !(value instanceof Float))
    throw new TemplateError('OverflowError', 'int too large to convert to float')
  const negative = number < 0 || Object.is(number, -0)
  const body = floatBody(Math.abs(number), style)
  return {
    head: negative ? '-' : style.sign === '-' ? '' : style.sign,
    body: /[EFG]/.test(style.type) ? body.toUpperCase() : body,
  }
}

function floatBody(size: number, { alternate, group, precision, type }: NumberStyle): string {
  if (!Number.isFinite(size)) return floatText(size) + (type === '%' ? '%' : '')
  const apart = (text: string): string => {
    const [whole, ...rest] = text.split(/(?=[.e])/)
    return grouped(whole, group, 3) + rest.join('')
  }
  const point = (text: string): string => (alternate && !text.includes('.') ? `${text}.` : text)
  switch (type.toLowerCase()) {
    case 'f':
      return apart(point(fixed(size, precision ?? 6)))
    case '%':
      return `${apart(point(fixed(size * 100, precision ?? 6)))}%`
    case 'e':
      return exponential(size, precision ?? 6, point)
    case '':
      if (precision === undefined) return apart(floatText(size))
      break
    default:
  }
  const digits = Math.max(1, precision ?? 6)
  const { figures, exponent } = scientific(size, digits - 1)
  const trim = (text: string): string =>
    alternate || !text.includes('.') ? point(text) : text.replace(/\.?0+$/, '')
  // Without a type a float keeps one digit behind its point, and changes to an exponent one earlier.
  const limit = type === '' ? digits - 1 : digits
  if (exponent < -4 || exponent >= Math.max(limit, type === '' ? 1 : 0)) {
    const mantissa = figures.length > 1 ? `${figures[0]}.${figures.slice(1)}` : figures
    return `${trim(mantissa)}e${exponentText(exponent)}`
  }
  const text = trim(fixed(size, Math.max(0, digits - 1 - exponent)))
  return apart(type === '' && !text.includes('.') ? `${text}.0` : text)
}

function exponential(size: number, digits: number, point: (text: string) => string): string {
  const { figures, exponent } = scientific(size, digits)
  const mantissa = digits === 0 ? figures : `${figures[0]}.${figures.slice(1)}`
  return `${point(mantissa)}e${exponentText(exponent)}`
}

function grouped(digits: string, mark: string, every: number): string {
  if (mark === '') return digits
  return digits.replaceAll(new RegExp(`\\B(?=(?:[\\da-fA-F]{${every}})+$)`, 'g'), mark)
}

/** Zeros in front count as digits between the marks. */
function zerosGrouped(body: string, width: number, mark: string, every: number): string {
  const [whole, rest = ''] = body.split(/(?=[.e%])(.*)/s)
  let digits = whole.replaceAll(mark, '')
  while (grouped(digits, mark, every).length + rest.length < width) digits = `0${digits}`
  return grouped(digits, mark, every) + rest
}
