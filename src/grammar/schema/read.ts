// The schema reader turns JSON Schema into claims; what it cannot promise is an error.
// Drafts 4 to 2020-12 are read.

import { type ExactJson, type ExactObject } from '../../lib/exact-json.ts'
import { GrammarError, LIMITS } from '../grammar-error.ts'
import { allOf, ALWAYS, anyOf, claim, NEVER_CLAIM, not, typed, type Claim, type ValueType } from './claim.ts'
import { isDefinedFormat } from './formats.ts'
import { isNumber, numberOf } from './json-value.ts'
import { lengths, numberAt } from './keywords.ts'
import { readObject } from './read-object.ts'
import { readArray } from './read-array.ts'
import { References, type Place } from './refs.ts'

const TYPES: Readonly<Record<string, readonly ValueType[]>> = {
  null: ['null'],
  boolean: ['boolean'],
  object: ['object'],
  array: ['array'],
  string: ['string'],
  integer: ['integer'],
  number: ['integer', 'fraction'],
}

/** Keywords that a draft defines and that say nothing here that could not be left out. */
const REFUSED = ['$dynamicRef', '$recursiveRef', 'extends', 'disallow', 'divisibleBy', '$data']

/** So many annotations are named, and so many characters of each: they are kept with the answer. */
const [MOST_IGNORED, MOST_IGNORED_CHARS] = [32, 256]

/** Reads each part of a schema once. */
export class SchemaReader {
  readonly references: References
  /** Formats that no draft defines, each by its place: annotations. */
  readonly ignored: string[] = []
  readonly #known = new Map<ExactJson, Claim>()
  #nodes = 0

  constructor(schema: ExactJson) {
    this.references = new References(schema)
  }

  get root(): Claim {
    return this.read(this.references.root)
  }

  /** Throws GrammarError where the part cannot be promised. */
  read(place: Place): Claim {
    const { schema, pointer } = place
    if (schema === true) return ALWAYS
    if (schema === false) return NEVER_CLAIM
    if (!(schema instanceof Map)) throw new GrammarError('a schema is an object, true or false', pointer)
    const known = this.#known.get(schema)
    if (known !== undefined) return known
    if (++this.#nodes > LIMITS.nodes)
      throw new GrammarError(`the schema has more than ${LIMITS.nodes} parts`, pointer)
    if (pointer.split('/').length > 4 * LIMITS.depth)
      throw new GrammarError(`the schema is nested deeper than ${2 * LIMITS.depth} levels`, pointer)
    const read = allOf(this.#parts(schema, place), pointer)
    this.#known.set(schema, read)
    return read
  }

  /** The part under these keys. */
  child(place: Place, ...keys: readonly (string | number)[]): Claim {
    return this.read(this.references.child(place, ...keys))
  }

  #parts(schema: ExactObject, place: Place): Claim[] {
    for (const name of REFUSED) {
      if (schema.has(name)) throw new GrammarError(`${name} is not supported`, `${place.pointer}/${name}`)
    }
    return [
      ...this.#reference(schema, place),
      ...this.#types(schema, place),
      ...this.#combined(schema, place),
      ...this.#numbers(schema, place),
      ...this.#strings(schema, place),
      ...readObject(this, schema, place),
      ...readArray(this, schema, place),
    ]
  }

  #reference(schema: ExactObject, place: Place): Claim[] {
    const ref = schema.get('$ref')
    if (ref === undefined) return []
    if (typeof ref !== 'string') throw new GrammarError('$ref is not a string', `${place.pointer}/$ref`)
    const target = this.references.resolve(ref, place)
    return [claim({ kind: 'ref', pointer: target.pointer, target: () => this.read(target) }, place.pointer)]
  }

  #types(schema: ExactObject, { pointer }: Place): Claim[] {
    const found: Claim[] = []
    const type = schema.get('type')
    if (type !== undefined) {
      const names = Array.isArray(type) ? type : [type]
      const types = names.flatMap((name) => {
        const known = typeof name === 'string' && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined
        if (known === undefined)
          throw new GrammarError(`${JSON.stringify(name)} is no type`, `${pointer}/type`)
        return known
      })
      if (schema.get('nullable') === true) types.push('null')
      found.push(typed(types, pointer))
    }
    const values = schema.get('enum')
    if (values !== undefined) {
      if (!Array.isArray(values)) throw new GrammarError('enum is not a list', `${pointer}/enum`)
      if (values.length > LIMITS.enumValues)
        throw new GrammarError(
          `enum has ${values.length} values, at most ${LIMITS.enumValues}`,
          `${pointer}/enum`,
        )
      found.push(claim({ kind: 'values', values, isExcluded: false }, `${pointer}/enum`))
    }
    const constant = schema.get('const')
    if (constant !== undefined)
      found.push(claim({ kind: 'values', values: [constant], isExcluded: false }, `${pointer}/const`))
    return found
  }

  #combined(schema: ExactObject, place: Place): Claim[] {
    const { pointer } = place
    const found: Claim[] = []
    const list = (keyword: string): Claim[] | undefined => {
      const parts = schema.get(keyword)
      if (parts === undefined) return undefined
      if (!Array.isArray(parts) || parts.length === 0)
        throw new GrammarError(`${keyword} is not a list of schemas`, `${pointer}/${keyword}`)
      return parts.map((_, i) => this.child(place, keyword, i))
    }
    found.push(...(list('allOf') ?? []))
    const any = list('anyOf')
    if (any !== undefined) found.push(anyOf(any, `${pointer}/anyOf`))
    const one = list('oneOf')
    if (one !== undefined) found.push(exactlyOne(one, `${pointer}/oneOf`))
    if (schema.has('not')) found.push(not(this.child(place, 'not')))
    if (schema.has('if')) found.push(...this.#conditional(schema, place))
    return found
  }

  #conditional(schema: ExactObject, place: Place): Claim[] {
    const test = this.child(place, 'if')
    const then = schema.has('then') ? this.child(place, 'then') : ALWAYS
    const otherwise = schema.has('else') ? this.child(place, 'else') : ALWAYS
    if (then === ALWAYS && otherwise === ALWAYS) return []
    const at = `${place.pointer}/if`
    return [anyOf([allOf([test, then], at), allOf([not(test), otherwise], at)], at)]
  }

  #numbers(schema: ExactObject, { pointer }: Place): Claim[] {
    const found: Claim[] = []
    for (const [keyword, kind] of [
      ['minimum', 'least'],
      ['maximum', 'most'],
    ] as const) {
      const open = schema.get(keyword === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum')
      const value = numberAt(schema, keyword, pointer)
      // Draft 4 has the exclusion as a flag of the bound.
      if (value !== undefined) found.push(claim({ kind, bound: { value, isOpen: open === true } }, pointer))
      if (isNumber(open)) found.push(claim({ kind, bound: { value: numberOf(open), isOpen: true } }, pointer))
    }
    const multiple = numberAt(schema, 'multipleOf', pointer)
    if (multiple !== undefined)
      found.push(claim({ kind: 'multiple', of: multiple, isExcluded: false }, `${pointer}/multipleOf`))
    return found
  }

  #strings(schema: ExactObject, { pointer }: Place): Claim[] {
    const found = lengths(schema, 'length', ['minLength', 'maxLength'], pointer)
    const pattern = schema.get('pattern')
    if (pattern !== undefined) {
      if (typeof pattern !== 'string') throw new GrammarError('pattern is not a string', `${pointer}/pattern`)
      found.push(claim({ kind: 'pattern', text: pattern, isExcluded: false }, `${pointer}/pattern`))
    }
    const format = schema.get('format')
    if (typeof format === 'string') {
      if (isDefinedFormat(format))
        found.push(claim({ kind: 'format', text: format, isExcluded: false }, `${pointer}/format`))
      else if (this.ignored.length < MOST_IGNORED)
        this.ignored.push([...`${pointer}/format: ${format}`].slice(0, MOST_IGNORED_CHARS).join(''))
    }
    return found
  }
}

/** Exactly one: each but for all that fulfils another, where types do not tell them apart. */
function exactlyOne(options: readonly Claim[], pointer: string): Claim {
  return anyOf(
    options.map((option, i) => allOf([option, ...options.filter((_, j) => j !== i).map(not)], pointer)),
    pointer,
  )
}
