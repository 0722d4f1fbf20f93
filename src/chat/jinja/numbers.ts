// Numbers are Python's: integers of any size, and floats that print their shortest digits.

import { Float } from '../../lib/exact-json.ts'
import { TemplateError, valueError } from './errors.ts'
import { SPACE } from './strings.ts'
import type { Value } from './values.ts'

export type Integer = number | bigint

/** An integer as a number where that is exact. */
export function integerOf(value: bigint): Integer {
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}

/** The integer that a value is, booleans too; undefined for what is none. */
export function asInteger(value: Value | undefined): Integer | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return typeof value === 'boolean' ? Number(value) : undefined
}

/** A number as JavaScript has it: exact for a safe integer, rounded for a large one. */
export function asNumber(value: Value): number | undefined {
  if (value instanceof Float) return value.value
  const integer = asInteger(value)
  return integer === undefined ? undefined : Number(integer)
}

/** `repr` of a float. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  if (Object.is(value, -0)) return '-0.0'
  const [mantissa, power] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16) return `${mantissa}e${exponentText(exponent)}`
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** An exponent of at least two digits with its sign. */
export function exponentText(exponent: number): string {
  return `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

/** A float's exact value as a fraction. */
function fractionOf(value: number): { above: bigint; below: bigint } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const field = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  const mantissa = field === 0 ? fraction : fraction | 0x10000000000000n
  const power = (field === 0 ? 1 : field) - 1075
  return power >= 0
    ? { above: mantissa << BigInt(power), below: 1n }
    : { above: mantissa, below: 1n << BigInt(-power) }
}

/** A float as a fraction in its lowest terms. Throws what Python throws for one that is not finite. */
export function ratioOf(value: number): { above: bigint; below: bigint } {
  if (Number.isNaN(value)) throw valueError('cannot convert NaN to integer ratio')
  if (!Number.isFinite(value))
    throw new TemplateError('OverflowError', 'cannot convert Infinity to integer ratio')
  let { above, below } = fractionOf(value)
  while (below > 1n && above % 2n === 0n) [above, below] = [above / 2n, below / 2n]
  return { above: value < 0 ? -above : above, below: above === 0n ? 1n : below }
}

/** Half goes to the even neighbour, as in Python. */
function rounded(above: bigint, below: bigint): bigint {
  const whole = above / below
  const twice = (above % below) * 2n
  return twice > below || (twice === below && whole % 2n === 1n) ? whole + 1n : whole
}

/** The digits of a finite float's size with so many behind the point; fewer than none round before it. */
export function fixed(value: number, digits: number): string {
  const { above, below } = fractionOf(value)
  if (digits < 0) {
    const scale = 10n ** BigInt(-digits)
    return String(rounded(above, below * scale) * scale)
  }
  const text = String(rounded(above * 10n ** BigInt(digits), below)).padStart(digits + 1, '0')
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** The digits of a finite float's size, one more than asked, and its exponent. */
export function scientific(value: number, digits: number): { figures: string; exponent: number } {
  if (value === 0) return { figures: '0'.repeat(digits + 1), exponent: 0 }
  const { above, below } = fractionOf(value)
  let exponent = Number(Math.abs(value).toExponential().split('e')[1])
  for (;;) {
    const shift = digits - exponent
    const figures = String(
      shift >= 0
        ? rounded(above * 10n ** BigInt(shift), below)
        : rounded(above, below * 10n ** BigInt(-shift)),
    )
    if (figures.length === digits + 1) return { figures, exponent }
    exponent += figures.length > digits + 1 ? 1 : -1
  }
}

const TRIM = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'g')

/** `int(text, base)`; undefined where Python raises ValueError. */
export function parseInteger(text: string, base = 10): Integer | undefined {
  const match = /^([+-]?)(?:0([xob])_?)?([\da-z]+(?:_[\da-z]+)*)$/i.exec(text.replaceAll(TRIM, ''))
  if (match === null) return undefined
  const [, sign, prefix = ''] = match
  let digits = match[3]
  const named = { x: 16, o: 8, b: 2 }[prefix.toLowerCase()]
  if (prefix !== '' && named !== base && base !== 0) {
    // In base 16, `0b1` is a number of three digits.
    digits = `0${prefix}${digits}`
  }
  const radix = base === 0 ? (named ?? 10) : base
  if (base === 0 && prefix === '' && /^0+[1-9]/.test(digits)) return undefined
  let value = 0n
  for (const digit of digits.replaceAll('_', '').toLowerCase()) {
    const worth = Number.parseInt(digit, 36)
    if (worth >= radix) return undefined
    value = value * BigInt(radix) + BigInt(worth)
  }
  return integerOf(sign === '-' ? -value : value)
}

/** `float(text)`; undefined where Python raises ValueError. */
export function parseFloatText(text: string): number | undefined {
  const trimmed = text.replaceAll(TRIM, '')
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(trimmed)
  if (special !== null) {
    const size = special[2].toLowerCase() === 'nan' ? Number.NaN : Infinity
    return special[1] === '-' ? -size : size
  }
  if (!/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i.test(trimmed)) return undefined
  return Number(trimmed.replaceAll('_', ''))
}
