// This file reads sizes and numbers out of a checkpoint's metadata, each within its bounds. It is the door
// for hostile configs.

import { MAX_NUMBER } from '../formats/limits.ts'
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

/** A number above 0 that float32 arithmetic can bear; `invalid_file` otherwise. */
export function positive(facts: Facts, key: string, fallback?: number): number {
  const value = facts.get(key) ?? fallback
  if (typeof value !== 'number' || !(value > 0 && value <= MAX_NUMBER)) {
    throw new IsletError(
      'invalid_file',
      `${key} is ${show(value)}; a number above 0 is needed, at most ${MAX_NUMBER}`,
    )
  }
  return value
}

/** As `positive`, and no less than `least`. */
export function atLeast(facts: Facts, key: string, least: number, fallback?: number): number {
  const value = positive(facts, key, fallback)
  if (value >= least) return value
  throw new IsletError('invalid_file', `${key} is ${show(value)}; at least ${least} is needed`)
}

/** True or false; `invalid_file` for anything else. */
export function flag(facts: Facts, key: string, fallback: boolean): boolean {
  const value = facts.get(key) ?? fallback
  if (typeof value === 'boolean') return value
  throw new IsletError('invalid_file', `${key} is ${show(value)}; true or false is needed`)
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
  if (typeof value === 'number') return String(value)
  return cut(json(value))
}

/** At most 60 characters of a text from a file. */
export function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  } catch {
    return 'too deep to show'
  }
}

/** A list of so many values of a key; `invalid_file` for anything else, undefined where it is absent. */
export function list(facts: Facts, key: string, length: number): unknown[] | undefined {
  const value = facts.get(key)
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value) && value.length === length) return value as unknown[]
  throw new IsletError('invalid_file', `${key} is ${show(value)}; a list of ${length} is needed`)
}

/** The facts inside an object of a key, none where it is absent or null; `invalid_file` for anything else. */
export function inside(facts: Facts, key: string): Facts {
  const value = facts.get(key) ?? {}
  if (typeof value === 'object' && !Array.isArray(value)) return factsOf(value)
  throw new IsletError('invalid_file', `${key} is ${show(value)}; an object is needed`)
}

/**
 * The number with the fewest digits that is this float32: 1e-5 for 0.000009999999747378752, which is what was
 * meant.
 */
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
