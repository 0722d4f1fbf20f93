// The input of a template is turned into Python's values, its keys in the order in which they came.

import { Float } from '../../lib/exact-json.ts'
import { MAX_VALUE, tooLarge, type Meter } from './meter.ts'
import { Dict, type Value } from './values.ts'

/**
 * The value of plain or exact JSON. Numbers that are not safe integers are floats, unless they are bigints.
 * Throws TemplateLimit where all that is inside is larger than one value may be.
 */
export function toValue(input: unknown, meter: Meter): Value {
  const size = sizeOf(input, meter)
  if (size > MAX_VALUE) throw tooLarge(size)
  return convert(input)
}

/** Characters and entries with all that is inside. */
function sizeOf(input: unknown, meter: Meter): number {
  if (typeof input === 'string') return input.length
  if (typeof input !== 'object' || input === null || input instanceof Float) return 1
  let size = 1
  if (Array.isArray(input)) for (const item of input as unknown[]) size += sizeOf(item, meter)
  else for (const [key, item] of entriesOf(input)) size += String(key).length + sizeOf(item, meter)
  meter.take(1 / 4)
  return size
}

function convert(input: unknown): Value {
  switch (typeof input) {
    case 'string':
    case 'boolean':
      return input
    case 'number':
      return Number.isSafeInteger(input) && !Object.is(input, -0) ? input : new Float(input)
    case 'bigint': {
      const small = Number(input)
      return Number.isSafeInteger(small) ? small : input
    }
    case 'object':
      break
    default:
      return null
  }
  if (input === null || input instanceof Float) return input
  if (Array.isArray(input)) return input.map(convert)
  const dict = new Dict()
  for (const [key, item] of entriesOf(input)) if (item !== undefined) dict.set(key, convert(item))
  return dict
}

function entriesOf(input: object): Iterable<[string, unknown]> {
  return input instanceof Map ? (input as Map<string, unknown>) : Object.entries(input)
}
