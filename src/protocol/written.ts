// A written object keeps the client's digits and key order: plain JSON, or text where that loses some.

import { parseExactJson, writeExactJson, type ExactObject } from '../lib/exact-json.ts'
import type { JsonObject } from '../lib/json-value.ts'

/** Survives JSON and RPC, which know neither `1.0` nor a key "10" before "2". A text is that of an object. */
export type Written<T extends object> = T | string

export function written<T extends object>(object: JsonObject): Written<T> {
  if (!(object instanceof Map)) return object as T
  const text = writeExactJson(object)
  const plain = JSON.parse(text) as T
  return JSON.stringify(plain) === text ? plain : text
}

/** The object as it was written. */
export function readWritten<T extends object>(value: Written<T>): T | ExactObject {
  return typeof value === 'string' ? (parseExactJson(value) as ExactObject) : value
}

/** The object without what plain JSON cannot keep. */
export function plainWritten<T extends object>(value: Written<T>): T {
  return typeof value === 'string' ? (JSON.parse(value) as T) : value
}
