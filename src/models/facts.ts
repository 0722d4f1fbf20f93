// Reads sizes and numbers out of a checkpoint's metadata, each with its bounds: the door for hostile configs.

import { IsletError } from '../lib/errors.ts'
import type { Facts } from './family.ts'

/** Facts over a parsed JSON object; keys of its prototype are absent. */
export function factsOf(object: object): Facts {
  const values = new Map<string, unknown>(Object.entries(object))
  return { get: (key) => values.get(key) ?? undefined }
}

/** An integer in 1..max; `invalid_file` names the key and what it held. */
export function size(facts: Facts, key: string, max: number, fallback?: number): number {
  const value = facts.get(key) ?? fallback
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new IsletError('invalid_file', `${key} is ${show(value)}; an integer from 1 to ${max} is needed`)
  }
  return value
}

/** A finite number above 0; `invalid_file` otherwise. */
export function positive(facts: Facts, key: string, fallback?: number): number {
  const value = facts.get(key) ?? fallback
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw new IsletError('invalid_file', `${key} is ${show(value)}; a number above 0 is needed`)
  }
  return value
}

/** Throws `unsupported_format` unless the key is absent or holds one of the values. */
export function only(facts: Facts, key: string, allowed: readonly unknown[]): void {
  const value = facts.get(key)
  if (value === undefined || value === null || allowed.includes(value)) return
  const list = allowed.map(show).join(' or ')
  throw new IsletError('unsupported_format', `${key} is ${show(value)}; only ${list} is supported`)
}

/** A value from a file for a message: JSON, cut after 60 characters. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

/** A list of so many values of a key; `invalid_file` for anything else, undefined where it is absent. */
export function list(facts: Facts, key: string, length: number): unknown[] | undefined {
  const value = facts.get(key)
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value) && value.length === length) return value as unknown[]
  throw new IsletError('invalid_file', `${key} is ${show(value)}; a list of ${length} is needed`)
}

/** The facts inside an object of a key; none where it is absent or null. */
export function inside(facts: Facts, key: string): Facts {
  const value = facts.get(key)
  return factsOf(typeof value === 'object' && value !== null ? value : {})
}

/** The number with the fewest digits that is this float32: 1e-5 for 0.000009999999747378752, which is what was meant. */
export function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === Math.fround(value)) return candidate
  }
  return value
}

/** A text, empty where the key is absent or holds something else. */
export function text(facts: Facts, key: string): string {
  const value = facts.get(key)
  return typeof value === 'string' ? value : ''
}
