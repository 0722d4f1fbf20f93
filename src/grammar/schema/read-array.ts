// The array reader turns a schema's keywords about items into claims.

import type { ExactObject } from '../../lib/exact-json.ts'
import { GrammarError } from '../grammar-error.ts'
import { claim, type Claim } from './claim.ts'
import { lengths, numberAt, type PartReader } from './keywords.ts'
import type { Place } from './refs.ts'

export function readArray(reader: PartReader, schema: ExactObject, place: Place): Claim[] {
  const { pointer } = place
  const found = [
    ...items(reader, schema, place),
    ...lengths(schema, 'count', ['minItems', 'maxItems'], pointer),
  ]
  if (schema.get('uniqueItems') === true) found.push(claim({ kind: 'unique' }, `${pointer}/uniqueItems`))
  if (schema.has('contains')) {
    const at = `${pointer}/contains`
    if (schema.has('maxContains'))
      throw new GrammarError('maxContains is not supported', `${pointer}/maxContains`)
    const least = numberAt(schema, 'minContains', pointer) ?? 1
    if (least > 0) found.push(claim({ kind: 'contains', claim: reader.child(place, 'contains'), least }, at))
  }
  return found
}

/** `prefixItems` and `items`, or as older drafts say it a list of `items` and `additionalItems`. */
function items(reader: PartReader, schema: ExactObject, place: Place): Claim[] {
  const own = schema.get('items')
  const isOld = Array.isArray(own)
  const list = isOld ? own : schema.get('prefixItems')
  const keyword = isOld ? 'items' : 'prefixItems'
  const rest = isOld ? 'additionalItems' : 'items'
  const prefix = Array.isArray(list) ? list.map((_, i) => reader.child(place, keyword, i)) : []
  const isUnevaluated = !schema.has(rest) && schema.has('unevaluatedItems')
  const further = schema.has(rest)
    ? reader.child(place, rest)
    : isUnevaluated
      ? reader.child(place, 'unevaluatedItems')
      : undefined
  if (prefix.length === 0 && further === undefined) return []
  return [claim({ kind: 'items', prefix, further, isUnevaluated }, place.pointer)]
}
