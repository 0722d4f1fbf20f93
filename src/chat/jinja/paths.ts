// An attribute path, such as 'function.name' or 'items.0', reads a part of each item for filters.

import { itemOf } from './attributes.ts'
import type { Meter } from './meter.ts'
import { textOf, Undefined, type Value } from './values.ts'

export type Get = (item: Value) => Value

/** Strings without their case, where asked. */
export function foldCase(value: Value): Value {
  return textOf(value)?.toLowerCase() ?? value
}

/** Reads a path; what is not there counts as `otherwise`, if that is given and not none. */
export function attributePath(path: Value, meter: Meter, otherwise?: Value): Get {
  const parts = partsOf(path)
  return (item) => {
    let value = item
    for (const part of parts) {
      value = itemOf(value, part, meter)
      if (otherwise != null && value instanceof Undefined) value = otherwise
    }
    return value
  }
}

/** Reads several paths with commas between. */
export function attributePaths(path: Value, meter: Meter): (item: Value) => Value[] {
  const paths = textOf(path)?.split(',') ?? [path]
  const each = paths.map((one) => attributePath(one, meter))
  return (item) => each.map((get) => get(item))
}

function partsOf(path: Value): Value[] {
  if (path === null) return []
  const text = textOf(path)
  if (text === undefined) return [path]
  return text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}
