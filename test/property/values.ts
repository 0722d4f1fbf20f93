// Values are generated from a JSON Schema: what it takes, small enough to be answered in little time.

import fc from 'fast-check'
import type { Schema } from '../../tools/openapi/shapes.ts'

export type Schemas = Readonly<Record<string, Schema>>

/** Longest array and longest string that are worth their time. */
const [MOST_ITEMS, MOST_LETTERS] = [3, 24]
/** Optional fields that a value has at once: with more of them hardly any body is one that can be answered. */
const MOST_FIELDS = 5

const WORDS = [
  'a',
  'Hi',
  'In the beginning',
  'the sea and the lamp',
  '<|im_end|>',
  '\u{1f30d}é\u0000',
  '   ',
  '{"a": 1}',
]
const word = (): fc.Arbitrary<string> =>
  fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: MOST_LETTERS, unit: 'binary' }))

/** Any JSON, not deep. */
export const anything = (): fc.Arbitrary<unknown> => fc.jsonValue({ maxDepth: 2 })

/** A value that the schema takes, as far as plain JSON Schema tells. */
export function valueOf(schema: Schema, schemas: Schemas): fc.Arbitrary<unknown> {
  const { $ref: target, const: only, enum: values, anyOf, oneOf, allOf, type } = schema
  const each = (options: unknown) =>
    fc.oneof(...(options as Schema[]).map((option) => valueOf(option, schemas)))
  if (typeof target === 'string') return valueOf(schemas[target.slice(target.lastIndexOf('/') + 1)], schemas)
  if ('const' in schema) return fc.constant(only)
  if (Array.isArray(values)) return fc.constantFrom(...(values as unknown[]))
  if (Array.isArray(anyOf)) return each(anyOf)
  if (Array.isArray(oneOf)) return each(oneOf)
  if (Array.isArray(allOf)) return valueOf(Object.assign({}, ...(allOf as object[])) as Schema, schemas)
  if (Array.isArray(type)) return each(type.map((one: unknown) => ({ ...schema, type: one })))
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
    case 'number':
      return numberOf(schema)
    case 'string':
      return stringOf(schema)
    case 'array':
      return arrayOf(schema, schemas)
    case 'object':
      return objectOf(schema, schemas)
    default:
      return anything()
  }
}

function numberOf(schema: Schema): fc.Arbitrary<number> {
  const {
    type,
    minimum: least = -1e6,
    maximum: most = 1e6,
  } = schema as { type: string; minimum?: number; maximum?: number }
  const [min, max] = [Math.max(least, -(2 ** 53)), Math.min(most, 2 ** 53)]
  const whole = fc.integer({
    min: Math.ceil(Math.max(min, -(2 ** 31))),
    max: Math.floor(Math.min(max, 2 ** 31 - 1)),
  })
  const edges = fc.constantFrom(Math.ceil(min), Math.floor(max))
  return type === 'integer'
    ? fc.oneof(whole, edges)
    : fc.oneof(whole, edges, fc.double({ min, max, noNaN: true }))
}

function stringOf(schema: Schema): fc.Arbitrary<string> {
  const {
    pattern,
    minLength: least = 0,
    maxLength: most = Infinity,
  } = schema as { pattern?: string; minLength?: number; maxLength?: number }
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { size: '-1' })
  const exact = most < 2000 ? [fc.constant('x'.repeat(most))] : []
  const bounded = word().filter((text) => text.length >= least && text.length <= most)
  return fc.oneof({ arbitrary: bounded, weight: 9 }, ...exact)
}

function arrayOf(schema: Schema, schemas: Schemas): fc.Arbitrary<unknown[]> {
  const {
    items = {},
    minItems: least = 0,
    maxItems: most = Infinity,
  } = schema as { items?: Schema; minItems?: number; maxItems?: number }
  return fc.array(valueOf(items, schemas), {
    minLength: least,
    maxLength: Math.min(most, Math.max(least, MOST_ITEMS)),
  })
}

function objectOf(schema: Schema, schemas: Schemas): fc.Arbitrary<object> {
  const {
    properties = {},
    required = [],
    additionalProperties,
    propertyNames,
  } = schema as {
    properties?: Schemas
    required?: string[]
    additionalProperties?: Schema | boolean
    propertyNames?: Schema
  }
  const names = Object.keys(properties)
  if (names.length === 0) {
    const value =
      typeof additionalProperties === 'object' ? valueOf(additionalProperties, schemas) : anything()
    const name =
      propertyNames === undefined ? word() : (valueOf(propertyNames, schemas) as fc.Arbitrary<string>)
    return fc.dictionary(name.map(String), value, { maxKeys: MOST_ITEMS })
  }
  const optional = names.filter((name) => !required.includes(name))
  const most = Math.min(optional.length, MOST_FIELDS)
  const chosen =
    optional.length === 0
      ? fc.constant([])
      : fc.uniqueArray(fc.constantFrom(...optional), { maxLength: most })
  return chosen.chain((more) =>
    fc.record(
      Object.fromEntries([...required, ...more].map((name) => [name, valueOf(properties[name], schemas)])),
    ),
  )
}
