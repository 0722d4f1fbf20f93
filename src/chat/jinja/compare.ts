// Comparisons of values are Python's: by value, and TypeError where there is no order.

import { Float } from '../../lib/exact-json.ts'
import { TemplateError, typeError } from './errors.ts'
import { iterate } from './iterate.ts'
import type { Meter } from './meter.ts'
import { asInteger, asNumber } from './numbers.ts'
import { Dict, Range, textOf, Tuple, typeName, Undefined, View, type Value } from './values.ts'

/** `a == b`. */
export function equals(a: Value, b: Value, meter: Meter): boolean {
  if (a === b) return true
  if (typeof a === 'string' && typeof b === 'string') return false
  meter.take(1)
  const [text, other] = [textOf(a), textOf(b)]
  if (text !== undefined || other !== undefined) return text === other
  const [x, y] = [numeric(a), numeric(b)]
  // JavaScript orders a number and a bigint by value.
  if (x !== undefined && y !== undefined) return x <= y && x >= y
  if (Array.isArray(a) && Array.isArray(b)) return equalItems(a, b, meter)
  if (a instanceof Tuple && b instanceof Tuple) return equalItems(a.items, b.items, meter)
  if (a instanceof Range && b instanceof Range)
    return (
      a.length === b.length &&
      (a.length === 0 || (a.start === b.start && (a.length === 1 || a.step === b.step)))
    )
  if (a instanceof Undefined && b instanceof Undefined) return true
  if (a instanceof Dict && b instanceof Dict) {
    if (a.entries.size !== b.entries.size) return false
    for (const [hash, [, value]] of a.entries) {
      const pair = b.entries.get(hash)
      if (pair === undefined || !equals(value, pair[1], meter)) return false
    }
    return true
  }
  if (a instanceof View && b instanceof View && a.what === b.what && a.what !== 'values') {
    const others = b.list()
    const same = (item: Value): boolean => others.some((each) => equals(item, each, meter))
    return a.of.entries.size === b.of.entries.size && a.list().every(same)
  }
  return false
}

function equalItems(a: readonly Value[], b: readonly Value[], meter: Meter): boolean {
  return a.length === b.length && a.every((item, i) => equals(item, b[i], meter))
}

function numeric(value: Value): number | bigint | undefined {
  return value instanceof Float ? value.value : asInteger(value)
}

export type Order = '<' | '<=' | '>' | '>='

/** Whether `a` stands in this order to `b`. Throws TypeError where Python has none. */
export function ordered(a: Value, op: Order, b: Value, meter: Meter): boolean {
  const [x, y] = [numeric(a), numeric(b)]
  if (x !== undefined && y !== undefined) return holds(op, x < y, x > y, x <= y && x >= y)
  const [text, other] = [textOf(a), textOf(b)]
  if (text !== undefined && other !== undefined) {
    meter.take(Math.min(text.length, other.length) / 64)
    const side = compareTexts(text, other)
    return holds(op, side < 0, side > 0, side === 0)
  }
  const lists = Array.isArray(a) && Array.isArray(b)
  if (lists || (a instanceof Tuple && b instanceof Tuple)) {
    const [left, right] = [itemsOf(a), itemsOf(b)]
    const at = left.findIndex((item, i) => i >= right.length || !equals(item, right[i], meter))
    if (at >= 0 && at < right.length) return ordered(left[at], op, right[at], meter)
    const [n, m] = [left.length, right.length]
    return holds(op, n < m, n > m, n === m)
  }
  for (const each of [a, b]) if (each instanceof Undefined) throw new TemplateError(each.kind, each.says)
  throw typeError(`'${op}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`)
}

function holds(op: Order, less: boolean, more: boolean, same: boolean): boolean {
  if (op === '<') return less
  if (op === '>') return more
  return same || (op === '<=' ? less : more)
}

function itemsOf(value: Value): readonly Value[] {
  return Array.isArray(value) ? value : (value as Tuple).items
}

const SURROGATE = /[\ud800-\udfff]/

/** By code points: UTF-16 has characters beyond U+FFFF before those from U+E000. */
function compareTexts(a: string, b: string): number {
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : Number(a > b)
  const [x, y] = [Array.from(a), Array.from(b)]
  for (let i = 0; i < Math.min(x.length, y.length); i++)
    if (x[i] !== y[i]) return (x[i].codePointAt(0) ?? 0) - (y[i].codePointAt(0) ?? 0)
  return x.length - y.length
}

/** `item in container`. */
export function contains(container: Value, item: Value, meter: Meter): boolean {
  const text = textOf(container)
  if (text !== undefined) {
    const what = textOf(item)
    if (what === undefined)
      throw typeError(`'in <string>' requires string as left operand, not ${typeName(item)}`)
    meter.seek(text.length, what.length)
    return text.includes(what)
  }
  if (container instanceof Dict) return container.has(item)
  if (container instanceof View && container.what === 'keys') return container.of.has(item)
  if (container instanceof Range) {
    const number = asNumber(item)
    if (number === undefined) return false
    const at = (number - container.start) / container.step
    return Number.isInteger(at) && at >= 0 && at < container.length
  }
  for (const each of iterate(container, meter, 'in')) if (equals(each, item, meter)) return true
  return false
}

/** Sorted by keys as Python's `sorted` does: stable, in reverse too. */
export function sortedBy(
  items: readonly Value[],
  keyOf: (item: Value) => Value,
  reverse: boolean,
  meter: Meter,
): Value[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }))
  const before = (a: Value, b: Value): boolean => {
    meter.take(1)
    return ordered(a, '<', b, meter)
  }
  keyed.sort((a, b) => {
    if (before(a.key, b.key)) return reverse ? 1 : -1
    return before(b.key, a.key) ? (reverse ? -1 : 1) : 0
  })
  return keyed.map(({ item }) => item)
}
