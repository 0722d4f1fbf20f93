// A field kind is a rule that fields of a body share: a number in a range, one value, none, or any.

import * as z from 'zod/mini'
import { glimpse, worded } from '../validate.ts'

// All that may be absent are nullish: null counts as absent.
/** A number in a range. */
export const number = (minimum: number, maximum: number) =>
  z.nullish(z.number().check(z.minimum(minimum), z.maximum(maximum)))
export const integer = (minimum: number, maximum: number, words?: string) =>
  z.int(words).check(z.minimum(minimum), z.maximum(maximum))

/** A known field that passes only at the values of `schema`, worded by `only`: they ask for nothing. */
export function neutral<S extends z.ZodMiniType>(
  only: string,
  schema: S,
): z.ZodMiniOptional<z.ZodMiniNullable<S>> {
  const field = z.nullish(schema)
  z.globalRegistry.add(field, { description: `Supported only as ${only}.` })
  const says = (value: unknown) => `is supported only as ${only}, not ${glimpse(value)}`
  return worded(field, 'unsupported_value', says)
}

/** A known field that we do not implement at any value but null. */
export function unsupported(): z.ZodMiniOptional<z.ZodMiniNull> {
  const field = z.optional(z.null())
  z.globalRegistry.add(field, { description: 'Not supported.' })
  return worded(field, 'unsupported_parameter', () => 'is not supported by this server; remove it')
}

/** Changes nothing of what is generated (billing, storage, tone hints): any value passes. */
export function ignored(): z.ZodMiniOptional<z.ZodMiniUnknown> {
  const field = z.optional(z.unknown())
  z.globalRegistry.add(field, { description: 'Ignored.' })
  return field
}
