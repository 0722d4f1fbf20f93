// Keywords whose values are counts or numbers are read and checked here, for readers of all types of value.

import type { ExactObject } from '../../lib/exact-json.ts'
import { GrammarError } from '../grammar-error.ts'
import { claim, type Claim } from './claim.ts'
import { isNumber, numberOf } from './json-value.ts'
import type { Place } from './refs.ts'

/** Reads the part of a schema under some keys. */
export type PartReader = { child(place: Place, ...keys: readonly (string | number)[]): Claim }

export function numberAt(schema: ExactObject, keyword: string, pointer: string): number | undefined {
  const value = schema.get(keyword)
  if (value === undefined) return undefined
  if (!isNumber(value)) throw new GrammarError(`${keyword} is not a number`, `${pointer}/${keyword}`)
  return numberOf(value)
}

/** A claim of two keywords that count. */
export function lengths(
  schema: ExactObject,
  kind: 'length' | 'size' | 'count',
  [low, high]: readonly [string, string],
  pointer: string,
): Claim[] {
  const least = numberAt(schema, low, pointer) ?? 0
  const most = numberAt(schema, high, pointer) ?? Infinity
  return least === 0 && most === Infinity ? [] : [claim({ kind, least, most }, pointer)]
}
