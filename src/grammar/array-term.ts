// An array term is a JSON array: items by place, then further ones, within a count.

import { distinct } from './distinct.ts'
import type { JsonTerms } from './json-terms.ts'
import { NEVER, Term } from './term.ts'

export type ArrayLanguage = {
  prefix: readonly Term[]
  /** Undefined: none besides the prefix. */
  further: Term | undefined
  least: number
  most: number
  /** No item twice: each value must have one spelling. */
  isUnique: boolean
}

export function arrayTerm(json: JsonTerms, language: ArrayLanguage): Term {
  const { terms, space } = json
  const most =
    language.further === undefined ? Math.min(language.most, language.prefix.length) : language.most
  if (language.least > most) return terms.nothing
  const bounded = { ...language, most }
  return terms.sequence(terms.text('['), space, new ArrayPlace(json, bounded, 0, NONE))
}

const NONE: ReadonlySet<string> = new Set()

/** Behind the bracket and its space, or behind an item. */
class ArrayPlace extends Term {
  readonly #json: JsonTerms
  readonly #language: ArrayLanguage
  readonly #count: number
  readonly #seen: ReadonlySet<string>

  constructor(json: JsonTerms, language: ArrayLanguage, count: number, seen: ReadonlySet<string>) {
    super(json.terms)
    this.#json = json
    this.#language = language
    this.#count = count
    this.#seen = seen
  }

  /** To the end; each of the items that must come, with what stands before it. */
  /** To the end; each of the items that must come, with what stands before it. */
  get shortest(): number {
    const { prefix, further, least, isUnique } = this.#language
    if (this.#count >= least) return 1
    // What is left to choose from tells only the next item.
    if (isUnique) return this.#onward().shortest
    let bytes = 1
    for (let i = this.#count; i < least; i++) {
      const item = prefix[i] ?? further ?? this.terms.nothing
      const times = i < prefix.length ? 1 : least - i
      bytes += times * item.shortest + times - (i === 0 ? 1 : 0)
      if (i >= prefix.length) break
    }
    return bytes
  }

  override get isEndless(): boolean {
    const { most, further } = this.#language
    return most === Infinity && further !== undefined && further.shortest < NEVER && !this.#language.isUnique
  }

  get shortestByte(): number {
    return this.#count >= this.#language.least ? 0x5d : this.#onward().shortestByte
  }

  #item(): Term {
    const { prefix, further } = this.#language
    return prefix[this.#count] ?? further ?? this.terms.nothing
  }

  #known: Term | undefined
  #body(): Term {
    return (this.#known ??= this.#make())
  }

  #make(): Term {
    const { terms, space } = this.#json
    const { least, most } = this.#language
    const options: Term[] = []
    const close = terms.text(']')
    if (this.#count >= least) options.push(this.#count === 0 ? close : terms.pair(space, close))
    if (this.#count < most && this.#item().shortest < NEVER) options.push(this.#onward())
    return terms.either(...options)
  }

  /** One more item, and all that follows it. */
  #onward(): Term {
    const { terms, space } = this.#json
    const { prefix, least, most, isUnique } = this.#language
    const before = this.#count === 0 ? terms.empty : terms.pair(terms.text(','), space)
    if (isUnique) {
      const next = (text: string): Term => this.#next(new Set(this.#seen).add(text))
      return terms.pair(before, distinct(this.#item(), this.#seen, next))
    }
    // Behind all bounds one place is like the next.
    const isLevel = this.#count > prefix.length && this.#count > least && most === Infinity
    return terms.sequence(before, this.#item(), isLevel ? this : this.#next(NONE))
  }

  #next(seen: ReadonlySet<string>): Term {
    return new ArrayPlace(this.#json, this.#language, this.#count + 1, seen)
  }

  derive(byte: number): Term {
    return this.terms.step(this.#body(), byte)
  }
}
