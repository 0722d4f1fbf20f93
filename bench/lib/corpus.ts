// A corpus of schemas is JSON lines of MaskBench's files: schemas with instances, and ajv as the judge of what is written.

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Ajv2019, type Options } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parseExactJson, writeExactJson, type ExactJson } from '../../src/lib/exact-json.ts'

export type CorpusEntry = {
  name: string
  /** As it was written, digits and the order of keys kept. */
  schema: ExactJson
  tests: { isValid: boolean; data: ExactJson }[]
}

/** Reads a file of lines `{"name": PATH, "text": THE FILE}`. Throws what makes a line unreadable. */
export async function* readCorpus(path: string): AsyncGenerator<CorpusEntry> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line === '') continue
    const { name, text } = JSON.parse(line) as { name: string; text: string }
    const file = parseExactJson(text)
    if (!(file instanceof Map)) throw new SyntaxError(`${name} is not an object`)
    const tests = (file.get('tests') ?? []) as Map<string, ExactJson>[]
    yield {
      name,
      schema: file.get('schema') ?? true,
      tests: tests.map((each) => ({ isValid: each.get('valid') === true, data: each.get('data') ?? null })),
    }
  }
}

/** Whether a JSON pointer leads somewhere in the schema; what it names may be a keyword or a part. */
export function pointerExists(schema: ExactJson, pointer: string): boolean {
  let at: ExactJson | undefined = schema
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (at instanceof Map) at = at.get(key)
    else if (Array.isArray(at)) at = at[Number(key)]
    else return false
    if (at === undefined) return false
  }
  return true
}

/**
 * A value as texts that a grammar of the schema may take: as it came, and with keys in the order in which the schema first names them,
 * where an order is one that a person could write.
 */
export function textsOf(data: ExactJson, schema: ExactJson): string[] {
  const ranks = new Map<string, number>()
  rank(schema, ranks)
  return [...new Set([writeExactJson(data), writeExactJson(inOrder(data, ranks))])]
}

function rank(schema: ExactJson | undefined, ranks: Map<string, number>): void {
  if (Array.isArray(schema)) for (const part of schema) rank(part, ranks)
  if (!(schema instanceof Map)) return
  const [properties, required] = [schema.get('properties'), schema.get('required')]
  const names = [
    ...(properties instanceof Map ? properties.keys() : []),
    ...(Array.isArray(required) ? required : []),
  ]
  for (const name of names) if (typeof name === 'string' && !ranks.has(name)) ranks.set(name, ranks.size)
  for (const part of schema.values()) rank(part, ranks)
}

function inOrder(data: ExactJson, ranks: ReadonlyMap<string, number>): ExactJson {
  if (Array.isArray(data)) return data.map((item) => inOrder(item, ranks))
  if (!(data instanceof Map)) return data
  const of = (name: string): number => ranks.get(name) ?? Infinity
  const sorted = [...data].sort(([a], [b]) => (of(a) === of(b) ? 0 : of(a) - of(b)))
  return new Map(sorted.map(([name, value]) => [name, inOrder(value, ranks)]))
}

export type Judge = (value: unknown) => string | undefined

/** ajv by the schema: undefined where the value validates, else what is wrong. Throws where ajv cannot read the schema. */
export function judgeOf(schema: ExactJson): Judge {
  const text = writeExactJson(schema)
  const plain: unknown = modern(JSON.parse(text))
  const of = (unicodeRegExp: boolean) => {
    const options: Options = {
      strict: false,
      validateSchema: false,
      logger: false,
      unicodeRegExp,
      meta: false,
    }
    const ajv = text.includes('"prefixItems"') ? new Ajv2020(options) : new Ajv2019(options)
    addFormats.default(ajv)
    return ajv.compile(plain as object)
  }
  let validate: ReturnType<typeof of>
  try {
    validate = of(true)
  } catch {
    validate = of(false)
  }
  return (value) => {
    if (validate(value)) return undefined
    const [{ instancePath, schemaPath, message } = { instancePath: '', schemaPath: '', message: '' }] =
      validate.errors ?? []
    return `${instancePath} ${message ?? ''} (${schemaPath})`
  }
}

/** Keywords whose values are no schemas. */
const VALUES = new Set(['enum', 'const', 'default', 'examples', 'example'])

/** Draft 4 and OpenAPI in the words of later drafts, as far as ajv wants it: flags of bounds, `id`. */
function modern(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(modern)
  if (typeof schema !== 'object' || schema === null) return schema
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    // Under `properties` they are names of members, whose values are schemas.
    if ((key === '$schema' || key === 'id') && typeof value === 'string') continue
    fields[key] = VALUES.has(key) ? value : modern(value)
  }
  for (const [bound, flag] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ]) {
    if (typeof fields[flag] !== 'boolean') continue
    if (fields[flag] && typeof fields[bound] === 'number') fields[flag] = fields[bound]
    else delete fields[flag]
  }
  return fields
}
