// JSON values compare as JSON Schema does: numbers by value however they are written, objects without order.

import { Float, type ExactJson } from '../../lib/exact-json.ts'
import type { ValueType } from './claim.ts'

export function typeOfValue(value: ExactJson): ValueType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Map) return 'object'
  if (typeof value === 'boolean' || typeof value === 'string') return typeof value as ValueType
  return typeof value === 'bigint' || Number.isInteger(numberOf(value)) ? 'integer' : 'fraction'
}

/** A number of JSON as the nearest double. */
export function numberOf(value: ExactJson): number {
  return value instanceof Float ? value.value : Number(value)
}

export function isNumber(value: ExactJson | undefined): value is number | bigint | Float {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Float
}

export function areEqual(a: ExactJson, b: ExactJson): boolean {
  if (isNumber(a) && isNumber(b)) return numberOf(a) === numberOf(b)
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => areEqual(item, b[i]))
  if (a instanceof Map && b instanceof Map)
    return (
      a.size === b.size &&
      Array.from(a).every(([key, value]) => {
        const other = b.get(key)
        return other !== undefined && areEqual(value, other)
      })
    )
  return a === b
}
