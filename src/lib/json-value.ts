// A JSON value comes plain, as JSON.parse gives it, or exact: these functions read either.

import { Float, parseExactJson, writeExactJson, type ExactJson, type ExactObject } from './exact-json.ts'

export type PlainObject = Readonly<Record<string, unknown>>
export type JsonObject = PlainObject | ExactObject

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Float)
}

/** The fields of an object in their order. */
export function entriesOf(object: JsonObject): [string, unknown][] {
  return object instanceof Map ? [...object] : Object.entries(object)
}

export function fieldOf(object: JsonObject, name: string): unknown {
  if (object instanceof Map) return object.get(name)
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** An object of these fields, of the kind of `like`. */
export function objectLike(like: JsonObject, entries: readonly [string, unknown][]): JsonObject {
  return like instanceof Map
    ? new Map(entries as [string, ExactJson][])
    : (Object.fromEntries(entries) as PlainObject)
}

/** The object with one field set: in its place where it was there, else as the last. */
export function withField(object: JsonObject, name: string, value: unknown): JsonObject {
  if (object instanceof Map) return new Map(object).set(name, value as ExactJson)
  return { ...object, [name]: value }
}

/** Deeper values are left as they are: nobody takes them. */
const MAX_LEVELS = 100

/** The value as JSON.parse would have given it. */
export function plainJson(value: unknown, levels = MAX_LEVELS): unknown {
  if (value instanceof Float) return value.value
  if (typeof value === 'bigint') return Number(value)
  if (levels === 0) return value
  const inner = (item: unknown): unknown => plainJson(item, levels - 1)
  if (Array.isArray(value)) return value.map(inner)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(entriesOf(value).map(([key, item]) => [key, inner(item)]))
}

/** JSON text of a value of either kind; as in JSON.stringify a field of undefined is left out. */
export function jsonText(value: unknown): string {
  return value instanceof Map || value instanceof Float || typeof value === 'bigint'
    ? writeExactJson(value)
    : Array.isArray(value)
      ? `[${value.map(jsonText).join(',')}]`
      : isJsonObject(value)
        ? `{${entriesOf(value)
            .filter(([, item]) => item !== undefined)
            .map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`)
            .join(',')}}`
        : JSON.stringify(value ?? null)
}

/** What JSON.parse may change: a fraction, an exponent, many digits, a key that is a number. */
const MAY_LOSE = /\d[.eE]|\d{16}|"[\d\\][^"]*"\s*:/

/**
 * Reads JSON, plain where that loses nothing.
 * @throws SyntaxError for what is not JSON.
 */
export function readJson(text: string): unknown {
  return MAY_LOSE.test(text) ? parseExactJson(text) : (JSON.parse(text) as unknown)
}
