// The tests of a template answer what it asks with `is`.

import { Float } from '../../lib/exact-json.ts'
import { native, type Bound } from './bind.ts'
import { contains, equals, ordered, type Order } from './compare.ts'
import { FILTER_NAMES } from './filter-names.ts'
import { iterable, sizeOf } from './iterate.ts'
import type { Meter } from './meter.ts'
import { asNumber } from './numbers.ts'
import { binary } from './operators.ts'
import { str } from './repr.ts'
import { TEXT_METHODS } from './text-methods.ts'
import { Dict, Instance, Markup, NOTHING_NAMED, textOf, Undefined, View, type Value } from './values.ts'

function remainder(value: Value, by: Value, wanted: number, meter: Meter): boolean {
  return equals(binary('%', value, by, meter), wanted, meter)
}

function isInteger(value: Value): boolean {
  return typeof value === 'number' || typeof value === 'bigint'
}

const SIMPLE: Readonly<Record<string, (value: Value, meter: Meter) => boolean>> = {
  odd: (value, meter) => remainder(value, 2, 1, meter),
  even: (value, meter) => remainder(value, 2, 0, meter),
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  filter: (value) => FILTER_NAMES.has(textOf(value) ?? ''),
  test: (value) => TESTS.has(textOf(value) ?? ''),
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  false: (value) => value === false,
  true: (value) => value === true,
  integer: isInteger,
  float: (value) => value instanceof Float,
  lower: (value, meter) => cased('islower', value, meter),
  upper: (value, meter) => cased('isupper', value, meter),
  string: (value) => textOf(value) !== undefined,
  mapping: (value) => value instanceof Dict,
  number: (value) => asNumber(value) !== undefined,
  sequence: (value) => sizeOf(value) !== undefined && !(value instanceof View),
  iterable,
  callable: (value) => (value instanceof Instance && value.call !== undefined) || value instanceof Undefined,
  escaped: (value) => value instanceof Markup,
}

function cased(method: string, value: Value, meter: Meter): boolean {
  return TEXT_METHODS.get(method)?.(meter, str(value, meter), [], NOTHING_NAMED) === true
}

type Pair = (value: Value, other: Value, meter: Meter) => boolean

const order =
  (op: Order): Pair =>
  (value, other, meter) =>
    ordered(value, op, other, meter)
const unequal: Pair = (value, other, meter) => !equals(value, other, meter)

const PAIRS: Readonly<Record<string, Pair>> = {
  divisibleby: (value, by, meter) => remainder(value, by, 0, meter),
  sameas: (value, other) => value === other,
  in: (value, container, meter) => contains(container, value, meter),
  ...{ '==': equals, eq: equals, equalto: equals, '!=': unequal, ne: unequal },
  ...{ '>': order('>'), gt: order('>'), greaterthan: order('>'), '>=': order('>='), ge: order('>=') },
  ...{ '<': order('<'), lt: order('<'), lessthan: order('<'), '<=': order('<='), le: order('<=') },
}

export const TESTS: ReadonlyMap<string, Bound> = new Map([
  ...Object.entries(SIMPLE).map(([name, test]): [string, Bound] => [
    name,
    native(name, '', (value, _, meter) => test(value, meter)),
  ]),
  ...Object.entries(PAIRS).map(([name, test]): [string, Bound] => [
    name,
    native(name, 'other', (value, [other = null], meter) => test(value, other, meter)),
  ]),
])
