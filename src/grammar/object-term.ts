// An object term is a JSON object: the schema's keys in their order, then further ones, none twice, within a count.

import type { CharDfa } from './char-dfa.ts'
import { distinct } from './distinct.ts'
import type { JsonTerms } from './json-terms.ts'
import { NEVER, Term } from './term.ts'
import { textTerm } from './text-term.ts'

export type ObjectKey = { name: string; value: Term; isRequired: boolean }

export type ObjectLanguage = {
  /** In the order in which they are written. */
  keys: readonly ObjectKey[]
  /** Names besides the keys, sets that share none, and what each holds. */
  further: readonly { names: CharDfa; value: Term }[]
  least: number
  most: number
}

/** Names of `further` must not be among the keys: whoever makes the language takes them out. */
export function objectTerm(json: JsonTerms, language: ObjectLanguage): Term {
  const { terms, space } = json
  const spec = new ObjectSpec(json, language)
  return terms.sequence(terms.text('{'), space, spec.place(0, 0, NONE))
}

const NONE: ReadonlySet<string> = new Set()

/** A language with what all its places need. */
class ObjectSpec {
  readonly json: JsonTerms
  readonly language: ObjectLanguage
  /** `"name":` and its space, for each key. */
  readonly heads: readonly Term[]
  /** Required keys from each on. */
  readonly owed: readonly number[]
  readonly colon: Term
  readonly names: readonly Term[]
  readonly #places = new Map<number, Term>()

  constructor(json: JsonTerms, language: ObjectLanguage) {
    const { terms, space } = json
    this.json = json
    this.language = language
    this.colon = terms.pair(terms.text(':'), space)
    this.heads = language.keys.map(({ name }) => terms.pair(terms.text(JSON.stringify(name)), this.colon))
    const owed = [0]
    for (const { isRequired } of [...language.keys].reverse()) owed.unshift(owed[0] + (isRequired ? 1 : 0))
    this.owed = owed
    this.names = language.further.map(({ names }) => textTerm(terms, { dfa: names, spelling: 'json' }))
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
class ObjectPlace extends Term {
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

  #shortest: number | undefined
  get shortest(): number {
    if (this.#shortest !== undefined) return this.#shortest
    const shortest = this.#measure()
    if (this.terms.isSealed) this.#shortest = shortest
    return shortest
  }

  /** The way that `#choose` goes. */
  #measure(): number {
    const chosen = this.#choose()
    if (chosen === 'end') return 1
    return chosen === undefined ? NEVER : chosen.shortest
  }

  override get isEndless(): boolean {
    return this.#body().isEndless
  }

  get shortestByte(): number {
    const chosen = this.#choose()
    return chosen === 'end' ? 0x7d : (chosen ?? this.terms.nothing).shortestByte
  }

  /** What a short way goes on with: keys that are owed, and others only as far as the least count wants them. */
  #choose(): Term | 'end' | undefined {
    const { keys, least } = this.#spec.language
    const owed = this.#spec.owed[this.#index]
    const wanted = least - this.#count
    if (owed === 0 && wanted <= 0) return 'end'
    for (let i = this.#index; i < keys.length; i++) {
      const { isRequired, value } = keys[i]
      if (isRequired || (wanted > owed && value.shortest < NEVER)) return this.#keyed(i)
    }
    return this.#further().find((member) => member.shortest < NEVER)
  }

  /** The members that may come next, each with all that follows it. */
  #members(): Term[] {
    const { language, owed } = this.#spec
    const { keys, most } = language
    if (this.#count >= most) return []
    const options: Term[] = []
    for (let i = this.#index; i < keys.length; i++) {
      // What is owed must still fit in.
      if (this.#count + owed[i + 1] + 1 <= most) options.push(this.#keyed(i))
      if (keys[i].isRequired) return options
    }
    return [...options, ...this.#further()]
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
    const { language, colon, names } = this.#spec
    const { terms } = this
    return language.further.map(({ value }, i) => {
      if (value.shortest === NEVER) return terms.nothing
      const name = distinct(names[i], this.#seen, (text) => {
        const seen = new Set(this.#seen).add(text)
        return terms.sequence(colon, value, this.#spec.place(language.keys.length, this.#count + 1, seen))
      })
      return terms.sequence(this.#before, terms.text('"'), name)
    })
  }

  #known: Term | undefined
  #body(): Term {
    return (this.#known ??= this.#make())
  }

  #make(): Term {
    const { json, language, owed } = this.#spec
    const { terms, space } = json
    const options = this.#members().filter((member) => member.shortest < NEVER)
    const close = terms.text('}')
    if (owed[this.#index] === 0 && this.#count >= language.least)
      options.push(this.#count === 0 ? close : terms.pair(space, close))
    return terms.either(...options)
  }

  derive(byte: number): Term {
    return this.terms.step(this.#body(), byte)
  }
}
