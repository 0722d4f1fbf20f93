// The object reader turns a schema's keywords about members into claims.

import type { ExactJson, ExactObject } from '../../lib/exact-json.ts'
import { GrammarError } from '../grammar-error.ts'
import { allOf, anyOf, claim, type Claim } from './claim.ts'
import { lengths, type PartReader } from './keywords.ts'
import type { Place } from './refs.ts'

export function readObject(reader: PartReader, schema: ExactObject, place: Place): Claim[] {
  const { pointer } = place
  const found = [
    ...members(reader, schema, place),
    ...lengths(schema, 'size', ['minProperties', 'maxProperties'], pointer),
  ]
  const required = schema.get('required')
  // Draft 3 said it of each member by a flag; later ones do not know that.
  if (Array.isArray(required)) for (const name of required) found.push(requiredClaim(name, pointer))
  if (schema.has('propertyNames'))
    found.push(
      claim({ kind: 'names', claim: reader.child(place, 'propertyNames') }, `${pointer}/propertyNames`),
    )
  for (const keyword of ['dependencies', 'dependentRequired', 'dependentSchemas']) {
    const dependent = schema.get(keyword)
    if (!(dependent instanceof Map)) continue
    for (const [name, asked] of dependent) found.push(dependency(reader, place, keyword, name, asked))
  }
  return found
}

function members(reader: PartReader, schema: ExactObject, place: Place): Claim[] {
  const { pointer } = place
  const named = objectAt(schema, 'properties', pointer)
  const patterned = objectAt(schema, 'patternProperties', pointer)
  const hasFurther = schema.has('additionalProperties')
  const hasUnevaluated = schema.has('unevaluatedProperties')
  if (named === undefined && patterned === undefined && !hasFurther && !hasUnevaluated) return []
  const properties = new Map(
    Array.from(named?.keys() ?? [], (name) => [name, reader.child(place, 'properties', name)]),
  )
  const patterns = Array.from(patterned?.keys() ?? [], (pattern) => ({
    pattern,
    claim: reader.child(place, 'patternProperties', pattern),
  }))
  const further = hasFurther
    ? reader.child(place, 'additionalProperties')
    : hasUnevaluated
      ? reader.child(place, 'unevaluatedProperties')
      : undefined
  const isUnevaluated = hasUnevaluated && !hasFurther
  return [
    claim({ kind: 'members', members: { properties, patterns, further, isUnevaluated, pointer } }, pointer),
  ]
}

function requiredClaim(name: ExactJson, pointer: string): Claim {
  if (typeof name !== 'string')
    throw new GrammarError('required is not a list of names', `${pointer}/required`)
  return claim({ kind: 'required', name }, `${pointer}/required`)
}

/** Where `name` is, this is asked of the object too. */
function dependency(
  reader: PartReader,
  place: Place,
  keyword: string,
  name: string,
  asked: ExactJson,
): Claim {
  const at = `${place.pointer}/${keyword}`
  const names = typeof asked === 'string' ? [asked] : asked
  const then = Array.isArray(names)
    ? allOf(
        names.map((other) => requiredClaim(other, at)),
        at,
      )
    : reader.child(place, keyword, name)
  return anyOf([claim({ kind: 'absent', name }, at), then], at)
}

function objectAt(schema: ExactObject, keyword: string, pointer: string): ExactObject | undefined {
  const value = schema.get(keyword)
  if (value === undefined || value instanceof Map) return value
  throw new GrammarError(`${keyword} is not an object`, `${pointer}/${keyword}`)
}
