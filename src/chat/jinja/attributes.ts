// Attributes and items are looked up as Jinja's sandbox does: what would change a value is out of reach.

import { Float } from '../../lib/exact-json.ts'
import { defined } from './arguments.ts'
import type { Bound } from './bind.ts'
import { DICT_METHODS, LIST_METHODS, numberAttribute, TUPLE_METHODS } from './container-methods.ts'
import { TemplateError, typeError } from './errors.ts'
import { sizeOf, sliced, slicedText } from './iterate.ts'
import type { Meter } from './meter.ts'
import { asInteger } from './numbers.ts'
import { markedText, repr } from './repr.ts'
import { formatMap, strFormat } from './str-format.ts'
import { pointsOf } from './strings.ts'
import { TEXT_METHODS } from './text-methods.ts'
import {
  callable,
  Dict,
  Instance,
  Markup,
  Namespace,
  Range,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

const CHANGES_LIST = new Set('append clear pop reverse insert sort extend remove'.split(' '))
const CHANGES_DICT = new Set('clear pop popitem setdefault update'.split(' '))

/** `object.name`: an attribute first, an item second. */
export function attributeOf(of: Value, name: string, meter: Meter): Value {
  const found = ownAttribute(of, name)
  if (found !== undefined) return found
  const item = of instanceof Dict ? of.get(name) : undefined
  return item === undefined ? missing(of, name, meter) : item
}

/** `object[key]`: an item first, an attribute second. */
export function itemOf(of: Value, key: Value, meter: Meter): Value {
  defined(of)
  if (of instanceof Dict) {
    const hashable = !(Array.isArray(key) || key instanceof Dict)
    const value = hashable ? of.get(key) : undefined
    if (value !== undefined) return value
  } else {
    const at = asInteger(key)
    const value = at === undefined ? undefined : entryAt(of, Number(at))
    if (value !== undefined) return value
  }
  const name = textOf(key)
  const found = name === undefined ? undefined : ownAttribute(of, name)
  return found === undefined ? missing(of, key, meter) : found
}

function entryAt(of: Value, at: number): Value | undefined {
  const text = textOf(of)
  if (text !== undefined) {
    const points = pointsOf(text)
    const point = points[at < 0 ? at + points.length : at] as string | undefined
    return of instanceof Markup && point !== undefined ? new Markup(point) : point
  }
  if (Array.isArray(of)) return of[at < 0 ? at + of.length : at]
  if (of instanceof Tuple) return of.items[at < 0 ? at + of.items.length : at]
  if (!(of instanceof Range)) return undefined
  const place = at < 0 ? at + of.length : at
  return place >= 0 && place < of.length ? of.at(place) : undefined
}

/** The attribute alone, as the filter `attr` takes it. */
export function ownAttribute(of: Value, name: string): Value | undefined {
  defined(of)
  if (name.startsWith('_')) {
    const exists = /^__\w+__$/.test(name) || (of instanceof Namespace && of.attribute(name) !== undefined)
    return exists ? unsafe(of, name) : undefined
  }
  if (of instanceof Dict) {
    if (CHANGES_DICT.has(name)) return unsafe(of, name)
    return method(DICT_METHODS, of, name)
  }
  if (of instanceof Instance) return of.attribute(name)
  const text = textOf(of)
  if (text !== undefined) return textMethod(of as string | Markup, text, name)
  if (Array.isArray(of)) return CHANGES_LIST.has(name) ? unsafe(of, name) : method(LIST_METHODS, of, name)
  if (of instanceof Tuple) {
    const at = of.names.indexOf(name)
    return at < 0 ? method(TUPLE_METHODS, of, name) : of.items[at]
  }
  if (of instanceof Range && (name === 'start' || name === 'stop' || name === 'step')) return of[name]
  if (of instanceof Float || asInteger(of) !== undefined)
    return numberAttribute(of as number | bigint | boolean | Float, name)
  return undefined
}

function method<T extends Value>(
  table: ReadonlyMap<string, Bound<T>>,
  of: T,
  name: string,
): Value | undefined {
  const bound = table.get(name)
  return bound === undefined
    ? undefined
    : callable(`method ${name}`, (meter, args, named) => bound(meter, of, args, named))
}

const REACH = { attribute: attributeOf, item: itemOf }

function textMethod(of: string | Markup, text: string, name: string): Value | undefined {
  const marked = of instanceof Markup
  const result = (value: string): Value => (marked ? new Markup(value) : value)
  if (name === 'format')
    return callable(`method ${name}`, (meter, args, named) =>
      result(strFormat(text, args, named, meter, marked, REACH)),
    )
  if (name === 'format_map')
    return callable(`method ${name}`, (meter, args) => {
      if (args.length !== 1) throw typeError(`format_map() takes exactly one argument (${args.length} given)`)
      return result(formatMap(text, args[0], meter, marked, REACH))
    })
  const bound = TEXT_METHODS.get(name)
  if (bound === undefined) return undefined
  if (!marked) return callable(`method ${name}`, (meter, args, named) => bound(meter, text, args, named))
  return callable(`method ${name}`, (meter, args, named) =>
    remarked(bound(meter, text, escapedArgs(name, args, meter), named)),
  )
}

/** What a marked string takes in is escaped. */
function escapedArgs(name: string, args: readonly Value[], meter: Meter): readonly Value[] {
  const escaped = (value: Value): Value => markedText(value, meter)
  if (name === 'replace') return args.map((value, i) => (i === 1 ? escaped(value) : value))
  if (name === 'join' && Array.isArray(args[0])) return [args[0].map(escaped)]
  return args
}

function remarked(value: Value): Value {
  if (typeof value === 'string') return new Markup(value)
  if (Array.isArray(value)) return value.map(remarked)
  return value instanceof Tuple ? new Tuple(value.items.map(remarked)) : value
}

function unsafe(of: Value, name: string): Undefined {
  return new Undefined(
    `access to attribute '${name}' of '${typeName(of)}' object is unsafe.`,
    'SecurityError',
  )
}

function missing(of: Value, key: Value, meter: Meter): Undefined {
  const type = of === null ? 'None' : `${typeName(of)} object`
  const name = textOf(key)
  return new Undefined(
    name === undefined
      ? `${type} has no element ${repr(key, meter)}`
      : `'${type}' has no attribute '${name}'`,
  )
}

/** `object[start:stop:step]`. Throws TypeError for what has no parts. */
export function sliceOf(of: Value, bounds: readonly (Value | undefined)[], meter: Meter): Value {
  defined(of)
  const whole = bounds.map((bound) => (bound === null ? undefined : bound))
  const numbers = whole.map((bound) => (bound === undefined ? undefined : Number(asInteger(bound))))
  const text = textOf(of)
  const parts = text !== undefined || Array.isArray(of) || of instanceof Tuple || of instanceof Range
  if (of instanceof Dict) throw typeError("unhashable type: 'slice'")
  if (!parts) throw typeError(`'${typeName(of)}' object is not subscriptable`)
  if (whole.some((bound) => bound !== undefined && asInteger(bound) === undefined))
    throw typeError('slice indices must be integers or None or have an __index__ method')
  if (numbers[2] === 0) throw new TemplateError('ValueError', 'slice step cannot be zero')
  meter.make(sizeOf(of) ?? 0)
  if (text !== undefined) {
    const part = slicedText(text, numbers)
    return of instanceof Markup ? new Markup(part) : part
  }
  if (Array.isArray(of)) return sliced(of, numbers)
  if (of instanceof Tuple) return new Tuple(sliced(of.items, numbers))
  if (!(of instanceof Range)) return missing(of, 0, meter)
  const places = sliced(
    Array.from({ length: of.length }, (_, i) => i),
    numbers,
  )
  const step = of.step * (numbers[2] ?? 1)
  const start = places.length === 0 ? of.start : of.at(places[0])
  return new Range(start, start + step * places.length, step)
}
