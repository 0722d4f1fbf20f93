// An object term is a JSON object: keys in their order, then further ones, none twice, in a count.

import type { CharDfa } from './char-dfa.ts'
import { distinct } from './distinct.ts'
import type { JsonLayout } from './json-layout.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'
import { NEVER, type Term } from './term.ts'
import { Unfolded } from './unfolded.ts'
import { textCount } from './text-count.ts'

export type ObjectKey = { name: string; value: Term; isRequired: boolean }

export type ObjectLanguage = {
  /** In the order in which they are written. */
  keys: readonly ObjectKey[]
  /** Names besides the keys, sets that share none, and what each holds. */
  further: readonly { names: CharDfa; value: Term }[]
  least: number
  most: number
  /** No more further names than these, but for what the least count asks for; Infinity if absent. */
  mostFurther?: number
}

/**
 * Names of `further` must not be among the keys: whoever makes the language takes them out. Throws GrammarError where more members are
 * asked for than are told apart.
 */
export function objectTerm(json: JsonLayout, language: ObjectLanguage): Term {
  const { terms, space } = json
  const spec = new ObjectSpec(json, language)
  const chosen = language.least - spec.owed[0]
  if (chosen > 0 && (language.least > LIMITS.distinct || chosen * language.keys.length > MAX_CHOICES))
    throw new GrammarError(`an object of at least ${language.least} members is not supported`)
  return terms.sequence(terms.text(json.open), space, spec.place(0, 0, NONE))
}

/** Members that must be chosen among optional ones, times these. */
const MAX_CHOICES = 10_000

const NONE: ReadonlySet<string> = new Set()

/** From each key on: keys that have a value, and bytes of the required ones; besides, the number of further names. */
type Supply = { round: number; possible: readonly number[]; bytes: readonly number[]; names: number }

/** A language with what all its places need. */
class ObjectSpec {
  readonly json: JsonLayout
  readonly language: ObjectLanguage
  /** `"name":` and its space, for each key. */
  readonly heads: readonly Term[]
  /** Required keys from each on. */
  readonly owed: readonly number[]
  readonly names: readonly Term[]
  readonly #places = new Map<number, Term>()

  constructor(json: JsonLayout, language: ObjectLanguage) {
    this.json = json
    this.language = language
    this.heads = language.keys.map(({ name }) => json.head(name))
    const owed = [0]
    for (const { isRequired } of [...language.keys].reverse()) owed.unshift(owed[0] + (isRequired ? 1 : 0))
    this.owed = owed
    this.names = language.further.map(({ names }) => json.name(names))
  }

  #supply: Supply | undefined
  /** What each key has to give, as far as is known by now. */
  get supply(): Supply {
    const { terms } = this.json
    if (this.#supply?.round !== terms.round) this.#supply = this.#look(terms.round)
    return this.#supply
  }

  #look(round: number): Supply {
    const { keys, further } = this.language
    const possible = [0]
    const bytes = [0]
    for (let i = keys.length - 1; i >= 0; i--) {
      const { value, isRequired } = keys[i]
      possible.unshift(possible[0] + (value.isPossible ? 1 : 0))
      bytes.unshift(bytes[0] + (isRequired ? 1 + this.heads[i].shortest + value.shortest : 0))
    }
    const names = further.reduce(
      (sum, { names: dfa, value }) => sum + (value.isPossible ? textCount(dfa, 0) : 0),
      0,
    )
    return { round, possible, bytes, names }
  }

  /** Behind `count` members, of which `seen` are further ones, the least number can be reached. */
  isReached(index: number, count: number, seen: number): boolean {
    const { possible, names } = this.supply
    return count + possible[index] + names - seen >= this.language.least
  }

  /** Members beyond both bounds need no count. */
  place(index: number, count: number, seen: ReadonlySet<string>): Term {
    const { least, most } = this.language
    const counted = most === Infinity ? Math.min(count, Math.max(least, 1)) : count
    if (seen.size > 0) return new ObjectPlace(this, index, counted, seen)
    const key = index * 65_536 + counted
    let place = this.#places.get(key)
    if (place === undefined) this.#places.set(key, (place = new ObjectPlace(this, index, counted, seen)))
    return place
  }
}

/** Behind the brace and its space, or behind a member; keys before `index` cannot come any more. */
class ObjectPlace extends Unfolded {
  readonly #spec: ObjectSpec
  readonly #index: number
  readonly #count: number
  readonly #seen: ReadonlySet<string>

  constructor(spec: ObjectSpec, index: number, count: number, seen: ReadonlySet<string>) {
    super(spec.json.terms)
    this.#spec = spec
    this.#index = index
    this.#count = count
    this.#seen = seen
  }

  /** Keys that are owed, and others only as far as the least count wants them. */
  protected measure(): number {
    const owed = this.#spec.owed[this.#index]
    const wanted = this.#spec.language.least - this.#count
    if (wanted <= owed)
      return 1 + this.#spec.supply.bytes[this.#index] - (owed > 0 && this.#count === 0 ? 1 : 0)
    return this.#members().reduce((least, { shortest }) => Math.min(least, shortest), NEVER)
  }

  #texts: number | undefined
  override get leastCount(): number {
    return (this.#texts ??= this.body.leastCount)
  }

  get shortestByte(): number {
    if (this.#wantsMore) return this.terms.either(...this.#members()).shortestByte
    const next = this.#nextOwed
    return next < 0 ? this.#spec.json.close.charCodeAt(0) : this.#keyed(next).shortestByte
  }

  override leg(into: number[]): Term {
    const next = this.#nextOwed
    return this.#wantsMore || next < 0 ? super.leg(into) : this.#keyed(next)
  }

  /** Optional keys or further ones are needed to reach the least count. */
  get #wantsMore(): boolean {
    const { language, owed } = this.#spec
    return language.least - this.#count > owed[this.#index]
  }

  get #nextOwed(): number {
    const { keys } = this.#spec.language
    let i = this.#index
    while (i < keys.length && !keys[i].isRequired) i++
    return i < keys.length ? i : -1
  }

  /** The members that may come next, each with all that follows it. */
  #members(): Term[] {
    const { language, owed } = this.#spec
    const { keys, most } = language
    const after = this.#count + 1
    if (this.#count >= most) return []
    const options: Term[] = []
    for (let i = this.#index; i < keys.length; i++) {
      // What is owed must still fit in, and what is left suffice.
      const fits = after + owed[i + 1] <= most && this.#spec.isReached(i + 1, after, this.#seen.size)
      if (fits && keys[i].value.isPossible) options.push(this.#keyed(i))
      if (keys[i].isRequired) return options
    }
    return this.#spec.isReached(keys.length, after, this.#seen.size + 1)
      ? [...options, ...this.#further()]
      : options
  }

  get #before(): Term {
    const { terms, space } = this.#spec.json
    return this.#count === 0 ? terms.empty : terms.pair(terms.text(','), space)
  }

  #keyed(i: number): Term {
    const { language, heads } = this.#spec
    const next = this.#spec.place(i + 1, this.#count + 1, this.#seen)
    return this.terms.sequence(this.#before, heads[i], language.keys[i].value, next)
  }

  #further(): Term[] {
    const { json, language, names } = this.#spec
    const { terms } = this
    const { least, mostFurther = Infinity } = language
    if (this.#seen.size >= mostFurther && this.#count >= least) return []
    return language.further.map(({ value }, i) => {
      if (!value.isPossible) return terms.nothing
      const name = distinct(names[i], this.#seen, (text) => {
        const seen = new Set(this.#seen).add(text)
        return terms.sequence(
          json.colon,
          value,
          this.#spec.place(language.keys.length, this.#count + 1, seen),
        )
      })
      return terms.sequence(this.#before, terms.text(json.nameOpening), name)
    })
  }

  protected make(): Term {
    const { json, language, owed } = this.#spec
    const { terms, space } = json
    const options = this.#members()
    const close = terms.text(json.close)
    if (owed[this.#index] === 0 && this.#count >= language.least)
      options.push(this.#count === 0 ? close : terms.pair(space, close))
    return terms.either(...options)
  }
}
