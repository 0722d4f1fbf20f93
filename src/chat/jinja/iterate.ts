// This file goes through what Python can iterate over, and measures what has a length.

import { typeError } from './errors.ts'
import type { Meter } from './meter.ts'
import { lengthOf, pointsOf } from './strings.ts'
import { Dict, Generator, Range, textOf, Tuple, typeName, Undefined, View, type Value } from './values.ts'

/** Each time around a loop makes a scope; a number of a range is a new value. */
const STEPS_AROUND = 1

/** The items of a value one by one. Throws TypeError for one that has none. */
export function iterate(value: Value, meter: Meter, use = ''): Iterable<Value> {
  if (Array.isArray(value)) return counted(value, meter)
  if (value instanceof Generator) return counted(value, meter)
  const items = listed(value, meter)
  if (items !== undefined) return items
  throw typeError(
    use === 'in'
      ? `argument of type '${typeName(value)}' is not iterable`
      : `'${typeName(value)}' object is not iterable`,
  )
}

/** The items of a value as a list of its own. */
export function listOf(value: Value, meter: Meter): Value[] {
  return Array.from(iterate(value, meter))
}

export function iterable(value: Value): boolean {
  return (
    (textOf(value) ?? '') !== '' ||
    Array.isArray(value) ||
    [Generator, Tuple, Dict, View, Range, Undefined].some((type) => value instanceof type) ||
    textOf(value) === ''
  )
}

function* counted(items: Iterable<Value>, meter: Meter): Iterable<Value> {
  for (const item of items) {
    meter.take(STEPS_AROUND)
    yield item
  }
}

function listed(value: Value, meter: Meter): readonly Value[] | undefined {
  const length = sizeOf(value)
  if (length === undefined) return undefined
  meter.make(length)
  meter.take(length * STEPS_AROUND)
  const text = textOf(value)
  if (text !== undefined) return Array.from(text)
  if (value instanceof Tuple) return value.items
  if (value instanceof Dict) return value.keys()
  if (value instanceof View) return value.list()
  return value instanceof Range ? Array.from({ length }, (_, i) => value.at(i)) : []
}

/** `len(value)`; undefined for what has none. */
export function sizeOf(value: Value): number | undefined {
  const text = textOf(value)
  if (text !== undefined) return lengthOf(text)
  if (Array.isArray(value)) return value.length
  if (value instanceof Tuple) return value.items.length
  if (value instanceof Dict) return value.entries.size
  if (value instanceof View) return value.of.entries.size
  if (value instanceof Range) return value.length
  return value instanceof Undefined ? 0 : undefined
}

/** `reversed(value)`; undefined for what has no last item. */
export function reversedOf(value: Value, meter: Meter): Generator | undefined {
  if (value instanceof Generator || value instanceof Undefined || sizeOf(value) === undefined)
    return undefined
  const items = listOf(value, meter).reverse()
  return new Generator(items, `${typeName(value)}_reverseiterator`)
}

/** The part of a string from `start` to `stop`, by `step`, as Python slices. */
export function slicedText(text: string, bounds: readonly (number | undefined)[]): string {
  const points = pointsOf(text)
  if (typeof points !== 'string') return sliced(points, bounds).join('')
  const [from, to, step = 1] = bounds
  if (step === 1) return points.slice(from, to)
  return sliced(Array.from(points), bounds).join('')
}

/** The part of a list from `start` to `stop`, by `step`, as Python slices. */
export function sliced<T>(items: readonly T[], [from, to, step = 1]: readonly (number | undefined)[]): T[] {
  if (step === 1) return items.slice(from, to)
  const { length } = items
  const bound = (at: number | undefined, otherwise: number): number => {
    if (at === undefined) return otherwise
    const place = at < 0 ? at + length : at
    return Math.min(Math.max(place, step < 0 ? -1 : 0), step < 0 ? length - 1 : length)
  }
  const start = bound(from, step < 0 ? length - 1 : 0)
  const stop = bound(to, step < 0 ? -1 : length)
  const parts: T[] = []
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) parts.push(items[at])
  return parts
}
