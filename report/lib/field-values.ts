// A field's values are worded from the JSON Schema of the zod schema that checks it.

/** What of JSON Schema zod writes for a body. */
export type JsonSchema = {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  maxProperties?: number
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  description?: string
}

/** A field inside another one: its path, such as `messages[].role`. */
export type InnerField = { path: string; values: string; required: boolean; of: string[] }

/** From here on a bound is the largest number of its kind, and says nothing. */
const UNBOUNDED = 2 ** 31 - 1

/** The alternatives of a schema, all but null, which counts as absent. */
function variantsOf(schema: JsonSchema): JsonSchema[] {
  const inner = schema.anyOf ?? schema.oneOf
  if (inner !== undefined) return inner.flatMap(variantsOf)
  if (Array.isArray(schema.type))
    return schema.type.filter((type) => type !== 'null').map((type) => ({ ...schema, type }))
  return schema.type === 'null' ? [] : [schema]
}

/** The values that a schema allows, in a few words; `many`: they are spoken of in the plural. */
export function valuesOf(schema: JsonSchema, many = false): string {
  const { maxProperties } = schema
  const words = variantsOf(schema).map((variant) => wordsOf({ maxProperties, ...variant }, many))
  const isLiteral = (word: string): boolean => word.startsWith('`')
  const literals = [...new Set(words.filter(isLiteral))].join(', ')
  const kinds = [...new Set(words.filter((word) => !isLiteral(word)))]
  return [...(literals === '' ? [] : [literals]), ...kinds].join(' or ')
}

function wordsOf(schema: JsonSchema, many: boolean): string {
  const noun = (word: string): string => (many ? `${word}s` : word)
  if ('const' in schema) return code(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ')
  switch (schema.type) {
    case 'string':
      return `${noun('string')}${lengths(schema)}`
    case 'boolean':
      return noun('boolean')
    case 'integer':
      return `${noun('integer')}${range(schema)}`
    case 'number':
      return `${noun('number')}${range(schema)}`
    case 'array':
      return arrayWords(schema, noun('array'))
    case 'object': {
      const { properties, additionalProperties: each } = schema
      const typed = properties === undefined && typeof each === 'object' && each.type !== undefined
      const most = schema.maxProperties === undefined ? '' : `at most ${schema.maxProperties} `
      return `${noun('object')}${typed ? ` of ${most}${valuesOf(each, true)}` : ''}`
    }
    default:
      return 'anything'
  }
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``

function lengths({ minLength: least = 0, maxLength: most }: JsonSchema): string {
  if (most === undefined) return least === 0 ? '' : ` of ${least} or more characters`
  return least === 0 ? ` of at most ${most} characters` : ` of ${least} to ${most} characters`
}

function range({ minimum: least, maximum: most }: JsonSchema): string {
  if (least !== undefined && least < -Number.MAX_SAFE_INTEGER) return ' of at most 64 bits'
  if (least === undefined) return ''
  return most === undefined || most >= UNBOUNDED ? ` from ${least}` : ` from ${least} to ${most}`
}

function arrayWords({ items = {}, minItems: least = 0, maxItems: most }: JsonSchema, noun: string): string {
  if (most === 0) return '`[]`'
  const what = valuesOf(items, true)
  const count = countWords(least, most)
  if (what === 'anything') return count === '' ? noun : `${noun} of ${count}`
  return `${noun} of ${count === '' ? '' : `${count} `}${what}`
}

function countWords(least: number, most: number | undefined): string {
  if (most === undefined) return least === 0 ? '' : `${least} or more`
  if (least === most) return String(least)
  return least === 0 ? `at most ${most}` : `${least} to ${most}`
}

/** All fields inside `schema`, which is at `path`, with those of each alternative that has any. */
export function innerFields(schema: JsonSchema, path: string): InnerField[] {
  const variants = variantsOf(schema)
  const lists = variants.flatMap(({ items }) => (items === undefined ? [] : [items]))
  const objects = variants.flatMap(({ properties, ...rest }) => (properties ? [{ ...rest, properties }] : []))
  const names = [...new Set(objects.flatMap(({ properties }) => Object.keys(properties)))]
  const isSaid = objects.some(({ properties }) => Object.values(properties).some((each) => valuesOf(each) !== 'anything')) // prettier-ignore
  const own = (isSaid ? names : []).flatMap((name) => {
    const having = objects.filter(({ properties }) => name in properties)
    const each = { anyOf: having.map(({ properties }) => properties[name]) }
    const field = {
      path: `${path}.${name}`,
      values: valuesOf(each),
      required: having.every(({ required = [] }) => required.includes(name)),
      of: having.length === objects.length ? [] : [...new Set(having.flatMap(typesOf))],
    }
    return [field, ...innerFields(each, field.path)]
  })
  return lists.length === 0 ? own : [...own, ...innerFields({ anyOf: lists }, `${path}[]`)]
}

/** What an alternative calls itself. */
function typesOf({ properties: { type, role } }: { properties: Record<string, JsonSchema> }): string[] {
  return variantsOf(type ?? role ?? {}).flatMap(({ const: only, enum: some }) =>
    [only, ...(some ?? [])].flatMap((word) => (typeof word === 'string' ? [word] : [])),
  )
}
