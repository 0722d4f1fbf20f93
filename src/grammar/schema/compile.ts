// The schema compiler makes one grammar of a JSON Schema: each set of claims about a value is a rule.

import { parseExactJson, type ExactJson } from '../../lib/exact-json.ts'
import { arrayTerm } from '../array-term.ts'
import { GrammarError, LIMITS } from '../grammar-error.ts'
import { CallTerms, keywordLanguage } from '../call-terms.ts'
import { JsonTerms, type DefaultBounds } from '../json-terms.ts'
import { JSON_NOTATION, PYTHON_NOTATION } from '../notation.ts'
import { objectTerm } from '../object-term.ts'
import { oneOf } from '../one-of.ts'
import { withinBudget } from '../work-budget.ts'
import { seal, type Rule } from '../rule.ts'
import type { Term } from '../term.ts'
import { Terms } from '../terms.ts'
import { claim, isEvaluated, type Claim } from './claim.ts'
import { factsOf, type Facts } from './facts.ts'
import { holds } from './holds.ts'
import { typeOfValue } from './json-value.ts'
import { leavesOf } from './leaves.ts'
import { objectLanguage } from './object-language.ts'
import { SchemaReader } from './read.ts'
import { located, numbers, numbersKey, strings, stringsKey } from './scalars.ts'

export type CompiledSchema = { terms: Terms; start: Term; ignored: readonly string[] }

/** `isObject`: no value but an object, whatever else the schema lets in. `isCall`: written as a Python call, see CallTerms. */
export type SchemaOptions = DefaultBounds & { isObject?: boolean; isCall?: boolean }

/** The grammar of a schema given as JSON text. Throws GrammarError with the pointer of what cannot be promised. */
export function compileSchema(text: string, bounds: SchemaOptions = {}): CompiledSchema {
  return withinBudget(() => {
    const terms = new Terms()
    const compiler = new SchemaCompiler(terms, bounds)
    const { start, ignored } = compiler.add(text)
    compiler.finish()
    checkPossible(start)
    return { terms, start, ignored }
  })
}

/** Throws GrammarError for a value that cannot be, or is too long. */
export function checkPossible(start: Term): void {
  if (!start.isPossible) throw new GrammarError('no value is possible')
  if (start.shortest > LIMITS.shortest)
    throw new GrammarError(`the shortest value has ${start.shortest} bytes, at most ${LIMITS.shortest}`)
}

function schemaOf(text: string): ExactJson {
  if (text.length > LIMITS.schemaBytes)
    throw new GrammarError(`the schema has ${text.length} characters, at most ${LIMITS.schemaBytes}`)
  try {
    return parseExactJson(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new GrammarError(`the schema is not JSON: ${error.message}`)
  }
}

const OBJECT = claim({ kind: 'types', types: ['object'] }, '')

/** Makes terms of schemas, several in one grammar: what they have in common is made once. */
export class SchemaCompiler {
  readonly #bounds: SchemaOptions
  readonly #json: JsonTerms
  readonly #canonical: JsonTerms
  readonly #rules = new Map<string, Rule>()
  /** Rules of the schemas before this one: each schema has a limit of its own. */
  #before = 0
  readonly #waiting: (() => void)[] = []
  /** Numbers and strings that are asked for alike: automata are most of what a schema takes. */
  readonly #scalars = new Map<JsonTerms, Map<string, Term>>()

  constructor(terms: JsonTerms['terms'], bounds: SchemaOptions) {
    this.#bounds = bounds
    const notation = bounds.isCall === true ? PYTHON_NOTATION : JSON_NOTATION
    this.#json = new JsonTerms(terms, false, bounds, notation)
    this.#canonical = new JsonTerms(terms, true, bounds, notation)
  }

  /** The term of a schema given as JSON text, not to be asked before finish(). Throws GrammarError as compileSchema does. */
  add(text: string): { start: Term; ignored: readonly string[] } {
    const reader = new SchemaReader(schemaOf(text))
    this.#before = this.#rules.size
    const claims = [reader.root, ...(this.#bounds.isObject === true ? [OBJECT] : [])]
    const start = this.#bounds.isCall === true ? this.#callOf(claims) : this.valueOf(claims, false)
    for (let make = this.#waiting.pop(); make !== undefined; make = this.#waiting.pop()) make()
    return { start, ignored: reader.ignored }
  }

  /** Objects of which all these claims hold, as the arguments of a call. */
  #callOf(claims: readonly Claim[]): Term {
    const { terms } = this.#json
    if (claims.some(({ kind }) => kind === 'never')) return terms.nothing
    const rule = this.#json.rule('')
    const call = new CallTerms(terms, this.#bounds)
    this.#waiting.push(() => {
      rule.body = this.#body(
        claims.filter(({ kind }) => kind !== 'always'),
        call,
      )
    })
    return rule
  }

  /** Values of which all these claims hold. */
  valueOf(claims: readonly Claim[], isCanonical: boolean): Term {
    const json = isCanonical ? this.#canonical : this.#json
    const told = claims.filter(({ kind }) => kind !== 'always')
    if (told.length === 0) return json.any()
    if (told.some(({ kind }) => kind === 'never')) return json.terms.nothing
    const key = `${isCanonical}${[...new Set(told.map(({ id }) => id))].sort((a, b) => a - b).join()}`
    const known = this.#rules.get(key)
    if (known !== undefined) return known
    if (this.#rules.size - this.#before >= LIMITS.nodes)
      throw new GrammarError(`the schema has more than ${LIMITS.nodes} parts`, told[0].pointer)
    const rule = json.rule(told[0].pointer)
    this.#rules.set(key, rule)
    this.#waiting.push(() => {
      rule.body = located(told[0].pointer, () => this.#body(told, json))
    })
    return rule
  }

  /** Finds out which rules can end. */
  finish(): void {
    seal(this.#json.terms, [...this.#json.rules, ...this.#canonical.rules])
  }

  #body(claims: readonly Claim[], json: JsonTerms): Term {
    return json.terms.either(...leavesOf(claims).map((leaf) => this.#leaf(factsOf(leaf), json)))
  }

  #leaf(facts: Facts, json: JsonTerms): Term {
    const { terms } = json
    const { types, claims } = facts.leaf
    if (facts.values !== undefined) {
      const listing = claims.find((claim) => claim.kind === 'values' && !claim.isExcluded)
      const others = claims.filter((claim) => claim !== listing)
      const possible = facts.values.filter(
        (value) => types.has(typeOfValue(value)) && others.every((claim) => holds(claim, value)),
      )
      return oneOf(terms, possible.map(json.notation.write))
    }
    const isExcluded = (value: ExactJson): boolean => facts.excluded.includes(value)
    const options: Term[] = []
    if (types.has('null') && !isExcluded(null)) options.push(json.null())
    if (types.has('boolean'))
      for (const value of [true, false])
        if (!isExcluded(value)) options.push(terms.text(json.notation.write(value)))
    if (types.has('integer') || types.has('fraction'))
      options.push(this.#scalar(json, numbersKey(facts), () => json.number(numbers(facts))))
    if (types.has('string')) {
      const { least, most } = facts.length
      options.push(this.#scalar(json, stringsKey(facts), () => json.string(strings(facts), least, most)))
    }
    if (types.has('array')) options.push(this.#array(facts, json))
    if (types.has('object')) options.push(this.#object(facts, json))
    return terms.either(...options)
  }

  #scalar(json: JsonTerms, key: string, make: () => Term): Term {
    const own = this.#scalars.get(json) ?? new Map<string, Term>()
    this.#scalars.set(json, own)
    const term = own.get(key) ?? make()
    own.set(key, term)
    return term
  }

  #array(facts: Facts, json: JsonTerms): Term {
    const { count, items, contains, isUnique, excluded } = facts
    for (const value of excluded)
      if (Array.isArray(value)) throw new GrammarError('an excluded array is not supported')
    const isCanonical = isUnique || json.isCanonical
    const itemClaims = (index: number): Claim[] => [
      ...items.flatMap((each) => {
        const own = each.prefix[index] ?? each.further
        if (own === undefined || (each.isUnevaluated && isKnown(facts, index, each))) return []
        return [own]
      }),
      // What must be among the items is put first.
      ...contains.flatMap(({ claim, least }) => (index < least ? [claim] : [])),
    ]
    const owed = contains.reduce((most, { least }) => Math.max(most, least), 0)
    const length = items.reduce((most, { prefix }) => Math.max(most, prefix.length), owed)
    const prefix = Array.from({ length }, (_, i) => this.valueOf(itemClaims(i), isCanonical))
    const further = this.valueOf(itemClaims(Infinity), isCanonical)
    const least = Math.max(count.least, owed)
    return arrayTerm(isCanonical ? this.#canonical : json, {
      prefix,
      further,
      least,
      most: count.most < Infinity ? count.most : Math.max(least, length, this.#bounds.mostItems ?? Infinity),
      isUnique,
    })
  }

  #object(facts: Facts, json: JsonTerms): Term {
    for (const value of facts.excluded)
      if (value instanceof Map) throw new GrammarError('an excluded object is not supported')
    const { isCanonical } = json
    const language = objectLanguage(facts, (claims) => this.valueOf(claims, isCanonical), isCanonical)
    if (language === undefined) return json.terms.nothing
    const isOpen = facts.size.most === Infinity
    const own = json instanceof CallTerms ? keywordLanguage(language) : language
    return objectTerm(json, { ...own, ...(isOpen && { mostFurther: this.#bounds.mostItems }) })
  }
}

/** Another part of the schema says what this item is. */
function isKnown({ items }: Facts, index: number, but: Facts['items'][number]): boolean {
  return items.some(
    (each) =>
      isEvaluated(but.pointer, each.pointer) && (index < each.prefix.length || each.further !== undefined),
  )
}
