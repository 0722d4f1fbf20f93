// The filters of numbers work as Jinja's do: rounding, reading and printing sizes.

import { Float } from '../../lib/exact-json.ts'
import { defined, integerArg } from './arguments.ts'
import { native, type Bound } from './bind.ts'
import { TemplateError, typeError } from './errors.ts'
import {
  asInteger,
  asNumber,
  fixed,
  integerOf,
  parseFloatText,
  parseInteger,
  type Integer,
} from './numbers.ts'
import { unary } from './operators.ts'
import { textOf, truthy, typeName, type Value } from './values.ts'

/** `int(value)` of a float: towards zero; undefined for what is not finite. */
export function truncated(value: number): Integer | undefined {
  return Number.isFinite(value) ? integerOf(BigInt(Math.trunc(value))) : undefined
}

const SCALES = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']

export const NUMBER_FILTERS: readonly [string, Bound][] = [
  [
    'abs',
    native('abs', '', (value) => {
      const number = asNumber(defined(value))
      if (number === undefined) throw typeError(`bad operand type for abs(): '${typeName(value)}'`)
      return number < 0 || Object.is(number, -0) ? unary('-', value) : unary('+', value)
    }),
  ],
  [
    'int',
    native('int', 'default? base?', (value, [otherwise = 0, base = 10]) => {
      const text = textOf(defined(value))
      if (text === undefined)
        return (
          asInteger(value) ??
          (value instanceof Float ? (truncated(value.value) ?? overflow(value.value, otherwise)) : otherwise)
        )
      const number = parseInteger(text, integerArg(base))
      return number ?? truncated(parseFloatText(text) ?? Number.NaN) ?? otherwise
    }),
  ],
  [
    'float',
    native('float', 'default?', (value, [otherwise = new Float(0)]) => {
      const text = textOf(defined(value))
      const number = text === undefined ? asNumber(value) : parseFloatText(text)
      return number === undefined ? otherwise : new Float(number)
    }),
  ],
  [
    'round',
    native('round', 'precision? method?', (value, [digits = 0, method = 'common']) => {
      const how = textOf(method) ?? ''
      if (!['common', 'ceil', 'floor'].includes(how))
        throw new TemplateError('FilterArgumentError', 'method must be common, ceil or floor')
      const number = asNumber(defined(value))
      if (number === undefined) throw typeError(`type ${typeName(value)} doesn't define __round__ method`)
      const places = integerArg(digits)
      if (how === 'common') return rounded(value, number, places)
      const scale = 10 ** places
      const whole = how === 'ceil' ? Math.ceil(number * scale) : Math.floor(number * scale)
      return new Float((whole + 0) / scale)
    }),
  ],
  [
    'filesizeformat',
    native('filesizeformat', 'binary?', (value, [binary]) => {
      const text = textOf(defined(value))
      const bytes = text === undefined ? asNumber(value) : parseFloatText(text)
      if (bytes === undefined)
        throw typeError(`float() argument must be a string or a real number, not '${typeName(value)}'`)
      const small = binary !== undefined && truthy(binary)
      const base = small ? 1024 : 1000
      if (bytes === 1) return '1 Byte'
      if (bytes < base) return `${Math.trunc(bytes)} Bytes`
      let at = 0
      while (at < SCALES.length - 1 && bytes >= base ** (at + 2)) at++
      const scale = small ? SCALES[at].toUpperCase() : SCALES[at]
      return `${fixed(bytes / base ** (at + 1), 1)} ${scale}${small ? 'iB' : 'B'}`
    }),
  ],
]

function overflow(value: number, otherwise: Value): Value {
  if (Number.isNaN(value)) return otherwise
  throw new TemplateError('OverflowError', 'cannot convert float infinity to integer')
}

function rounded(value: Value, number: number, places: number): Value {
  const integer = asInteger(value)
  if (integer !== undefined) {
    if (places >= 0) return integer
    const scale = 10n ** BigInt(-places)
    const [whole, rest] = [BigInt(integer) / scale, BigInt(integer) % scale]
    const [size, sign] = rest < 0n ? [-rest, -1n] : [rest, 1n]
    const up = size * 2n > scale || (size * 2n === scale && whole % 2n !== 0n)
    return integerOf((up ? whole + sign : whole) * scale)
  }
  if (!Number.isFinite(number)) return value
  const size = Number(fixed(number, Math.min(places, 400)))
  return new Float(number < 0 || Object.is(number, -0) ? -size : size)
}
