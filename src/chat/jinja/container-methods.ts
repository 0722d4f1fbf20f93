// The methods of Python's dict, list, tuple and numbers that change nothing.

import { Float } from '../../lib/exact-json.ts'
import { integerArg } from './arguments.ts'
import { native, type Bound } from './bind.ts'
import { equals } from './compare.ts'
import { Unsupported, valueError } from './errors.ts'
import { listOf } from './iterate.ts'
import type { Meter } from './meter.ts'
import { integerOf, ratioOf, type Integer } from './numbers.ts'
import { repr } from './repr.ts'
import { callable, Dict, Tuple, View, type Value } from './values.ts'

function got(value: Value | undefined, otherwise: Value): Value {
  return value === undefined ? otherwise : value
}

export const DICT_METHODS: ReadonlyMap<string, Bound<Dict>> = new Map([
  [
    'get',
    native<Dict>('dict.get', '/ key default?', (dict, [key, otherwise = null]) =>
      got(dict.get(key ?? null), otherwise),
    ),
  ],
  ['keys', native<Dict>('dict.keys', '', (dict) => new View(dict, 'keys'))],
  ['values', native<Dict>('dict.values', '', (dict) => new View(dict, 'values'))],
  ['items', native<Dict>('dict.items', '', (dict) => new View(dict, 'items'))],
  [
    'copy',
    native<Dict>('dict.copy', '', (dict, _, meter) => {
      meter.make(dict.entries.size * 16)
      const copy = new Dict()
      for (const [key, value] of dict.entries.values()) copy.set(key, value)
      return copy
    }),
  ],
  [
    'fromkeys',
    native<Dict>('dict.fromkeys', '/ keys value?', (_, [keys, value = null], meter) =>
      fromKeys(keys ?? null, value, meter),
    ),
  ],
])

/** `dict.fromkeys(keys, value)`. */
export function fromKeys(keys: Value, value: Value, meter: Meter): Dict {
  const dict = new Dict()
  for (const key of listOf(keys, meter)) dict.set(key, value)
  return dict
}

function counted(items: readonly Value[], what: Value, meter: Meter): number {
  return items.filter((item) => equals(item, what, meter)).length
}

function placed(
  items: readonly Value[],
  what: Value,
  bounds: readonly (Value | undefined)[],
  name: string,
  meter: Meter,
): number {
  const [start, end] = bounds.map((bound, i) => {
    const at = integerArg(bound, i === 0 ? 0 : items.length)
    return at < 0 ? Math.max(0, at + items.length) : at
  })
  const at = items.findIndex((item, i) => i >= start && i < end && equals(item, what, meter))
  if (at < 0)
    throw valueError(
      name === 'list' ? `${repr(what, meter)} is not in list` : 'tuple.index(x): x not in tuple',
    )
  return at
}

export const LIST_METHODS: ReadonlyMap<string, Bound<Value[]>> = new Map([
  [
    'count',
    native<Value[]>('list.count', '/ value', (list, [what = null], meter) => counted(list, what, meter)),
  ],
  [
    'index',
    native<Value[]>('list.index', '/ value start? stop?', (list, [what = null, start, stop], meter) =>
      placed(list, what, [start, stop], 'list', meter),
    ),
  ],
  [
    'copy',
    native<Value[]>('list.copy', '', (list, _, meter) => {
      meter.make(list.length * 16)
      return [...list]
    }),
  ],
])

export const TUPLE_METHODS: ReadonlyMap<string, Bound<Tuple>> = new Map([
  [
    'count',
    native<Tuple>('tuple.count', '/ value', ({ items }, [what = null], meter) => counted(items, what, meter)),
  ],
  [
    'index',
    native<Tuple>('tuple.index', '/ value start? stop?', ({ items }, [what = null, start, stop], meter) =>
      placed(items, what, [start, stop], 'tuple', meter),
    ),
  ],
])

type Numeric = Integer | boolean | Float

function plain(value: Numeric): Value {
  return typeof value === 'boolean' ? Number(value) : value
}

const ofFloat = (name: string, value: number): Value | undefined => {
  if (name === 'imag') return new Float(0)
  if (name === 'is_integer') return callable('method is_integer', () => Number.isInteger(value))
  return undefined
}

const ofInteger = (name: string, value: bigint): Value | undefined => {
  const bits = (value < 0n ? -value : value).toString(2)
  switch (name) {
    case 'imag':
      return 0
    case 'numerator':
      return integerOf(value)
    case 'denominator':
      return 1
    case 'bit_length':
      return callable('method bit_length', () => (value === 0n ? 0 : bits.length))
    case 'bit_count':
      return callable('method bit_count', () => bits.replaceAll('0', '').length)
    default:
      return undefined
  }
}

/** The attributes of a number that need no bytes and no other base. */
export function numberAttribute(value: Numeric, name: string): Value | undefined {
  if (name === 'real') return plain(value)
  if (name === 'conjugate') return callable('method conjugate', () => plain(value))
  if (name === 'as_integer_ratio')
    return callable('method as_integer_ratio', () => {
      const { above, below } =
        value instanceof Float ? ratioOf(value.value) : { above: BigInt(value), below: 1n }
      return new Tuple([integerOf(above), integerOf(below)])
    })
  if (['hex', 'fromhex', 'to_bytes', 'from_bytes'].includes(name))
    return callable(`method ${name}`, () => {
      throw new Unsupported(`${name} of a number`)
    })
  return value instanceof Float ? ofFloat(name, value.value) : ofInteger(name, BigInt(value))
}
