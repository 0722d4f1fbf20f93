// A claim is one thing that a JSON Schema asks of a value; a schema is read into claims.
//
// As in JSON Schema a claim about one type says nothing of values of another. What a claim's negation cannot say
// exactly it says of fewer values: all that is generated still validates.

import type { ExactJson } from '../../lib/exact-json.ts'
import type { Bound } from '../number-language.ts'

/** `fraction`: a number that is no integer. */
export const VALUE_TYPES = ['null', 'boolean', 'object', 'array', 'string', 'integer', 'fraction'] as const
export type ValueType = (typeof VALUE_TYPES)[number]

/** What a schema says of the members of an object, in its own scope: `further` is of names that neither of the others knows. */
export type Members = {
  properties: ReadonlyMap<string, Claim>
  patterns: readonly { pattern: string; claim: Claim }[]
  /** Undefined where the schema says nothing. */
  further: Claim | undefined
  /** Further names are closed by what other parts of the schema know too. */
  isUnevaluated: boolean
  /** The schema that says it. */
  pointer: string
}

type Said =
  | { kind: 'always' | 'never' | 'unique' }
  | { kind: 'all' | 'any'; of: readonly Claim[] }
  | { kind: 'not'; of: Claim }
  | { kind: 'ref'; pointer: string; target: () => Claim }
  | { kind: 'types'; types: readonly ValueType[] }
  | { kind: 'values'; values: readonly ExactJson[]; isExcluded: boolean }
  | { kind: 'least' | 'most'; bound: Bound }
  | { kind: 'multiple'; of: number; isExcluded: boolean }
  | { kind: 'pattern' | 'format'; text: string; isExcluded: boolean }
  /** Characters of a string, members of an object, items of an array. */
  | { kind: 'length' | 'size' | 'count'; least: number; most: number }
  | { kind: 'required' | 'absent'; name: string }
  | { kind: 'members'; members: Members }
  /** It is there, and this holds of it. */
  | { kind: 'member'; name: string; claim: Claim }
  | { kind: 'names'; claim: Claim }
  | { kind: 'items'; prefix: readonly Claim[]; further: Claim | undefined; isUnevaluated: boolean }
  /** So many items are such, at least. */
  | { kind: 'contains'; claim: Claim; least: number }

export type Claim = Said & { readonly id: number; readonly pointer: string }

const IN_PLACE = /^(\/(allOf|anyOf|oneOf)\/\d+)+$/

/**
 * What `other` knows counts as evaluated for the schema at `pointer`: it is a part of that which is surely applied where the leaf has it.
 * Behind a reference or a condition it is taken not to be, so that fewer values are left.
 */
export function isEvaluated(pointer: string, other: string): boolean {
  return other.startsWith(pointer) && IN_PLACE.test(other.slice(pointer.length))
}

let claims = 0

/** `pointer`: where in the schema it stands. */
export function claim(said: Said, pointer: string): Claim {
  return { ...said, id: claims++, pointer } as Claim
}

export const ALWAYS = claim({ kind: 'always' }, '')
export const NEVER_CLAIM = claim({ kind: 'never' }, '')

export function allOf(of: readonly Claim[], pointer: string): Claim {
  const told = of.filter(({ kind }) => kind !== 'always')
  if (told.some(({ kind }) => kind === 'never')) return claim({ kind: 'never' }, pointer)
  if (told.length === 1) return told[0]
  return told.length === 0 ? ALWAYS : claim({ kind: 'all', of: told }, pointer)
}

export function anyOf(of: readonly Claim[], pointer: string): Claim {
  if (of.some(({ kind }) => kind === 'always')) return ALWAYS
  const possible = of.filter(({ kind }) => kind !== 'never')
  if (possible.length === 1) return possible[0]
  return possible.length === 0
    ? claim({ kind: 'never' }, pointer)
    : claim({ kind: 'any', of: possible }, pointer)
}

export function typed(types: readonly ValueType[], pointer: string): Claim {
  return claim({ kind: 'types', types }, pointer)
}

/** Looked into when it is reached: a schema may lead back to itself. */
export function not(of: Claim): Claim {
  if (of.kind === 'not') return of.of
  if (of.kind === 'always') return claim({ kind: 'never' }, of.pointer)
  return of.kind === 'never' ? ALWAYS : claim({ kind: 'not', of }, of.pointer)
}
