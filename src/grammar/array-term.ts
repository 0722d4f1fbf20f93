// An array term is a JSON array: items by place, then further ones, within a count.

import { distinct, someStrings } from './distinct.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'
import type { JsonLayout } from './json-layout.ts'
import { NEVER, type Term } from './term.ts'
import { Unfolded } from './unfolded.ts'

export type ArrayLanguage = {
  prefix: readonly Term[]
  /** Undefined: none besides the prefix. */
  further: Term | undefined
  least: number
  most: number
  /** No item twice: each value must have one spelling. */
  isUnique: boolean
}

/** Throws GrammarError for a set of more items than are told apart. */
export function arrayTerm(json: JsonLayout, language: ArrayLanguage): Term {
  const { terms, space } = json
  const most =
    language.further === undefined ? Math.min(language.most, language.prefix.length) : language.most
  if (language.least > most) return terms.nothing
  const spec = new ArraySpec(json, { ...language, most })
  return terms.sequence(terms.text('['), space, new ArrayPlace(spec, 0, NONE))
}

/** Where strings cannot be counted they are listed, up to here: a set of such items gets no longer. */
const MOST_LISTED = 16

const NONE: ReadonlySet<string> = new Set()

/** A language with what all its places need. */
class ArraySpec {
  readonly json: JsonLayout
  readonly language: ArrayLanguage
  /** Items of a set are only as many as are surely there to be told apart. */
  most: number
  /** Bytes of the shortest items of a set, each unlike those before. */
  #lengths: readonly number[] = []

  constructor(json: JsonLayout, language: ArrayLanguage) {
    this.json = json
    this.language = language
    this.most = language.most
    if (!language.isUnique) return
    if (language.least > LIMITS.distinct)
      throw new GrammarError(`a set of ${language.least} items: at most ${LIMITS.distinct} are supported`)
    json.terms.lateChecks.push(() => this.#count())
  }

  item(index: number): Term {
    const { prefix, further } = this.language
    return prefix[index] ?? further ?? this.json.terms.nothing
  }

  /** Bytes of the items that must come behind the first `count`, each with what stands before it. */
  owed(count: number): number {
    const { prefix, least } = this.language
    if (count >= least) return 0
    if (least > this.most) return NEVER
    let bytes = least - count - (count === 0 ? 1 : 0)
    const listed = Math.min(prefix.length, least)
    for (let i = count; i < listed; i++) bytes += this.#shortest(i)
    if (this.#lengths.length > 0)
      for (let i = Math.max(count, listed); i < least; i++) bytes += this.#shortest(i)
    else if (least > listed) bytes += (least - Math.max(count, listed)) * this.item(least - 1).shortest
    return bytes
  }

  #shortest(index: number): number {
    const { shortest } = this.item(index)
    return Math.max(shortest, this.#lengths[index] ?? 0)
  }

  /** Takes as many items as have more strings than there are items before them; true where that changes anything. */
  #count(): boolean {
    const { prefix, least, most } = this.language
    const lengths: number[] = []
    this.#listed = undefined
    let i = 0
    for (; i < Math.min(most, LIMITS.distinct) && this.#isLeft(i); i++) {
      const isNew = i === 0 || this.item(i) !== this.item(i - 1)
      if (i < least) lengths.push(...(isNew ? this.#lengthsFrom(i).slice(lengths.length) : []))
    }
    if (i < least && prefix.length > 0)
      throw new GrammarError('a set whose first items may be taken is not supported')
    const isChanged = this.most !== i || lengths.some((length, at) => this.#lengths[at] !== length)
    this.most = i
    this.#lengths = lengths
    return isChanged
  }

  #isLeft(index: number): boolean {
    const item = this.item(index)
    if (!item.isPossible || index === 0 || item.leastCount > index) return item.isPossible
    if (item !== this.#listed?.item)
      this.#listed = { item, count: someStrings(item, Math.max(MOST_LISTED, this.language.least)).length }
    return this.#listed.count > index
  }
  #listed: { item: Term; count: number } | undefined

  /** Lengths of the shortest strings of the item at `index`, for it and those that follow. */
  #lengthsFrom(index: number): number[] {
    const { least } = this.language
    if (least === 1) return [this.item(index).shortest]
    return someStrings(this.item(index), least).map(({ length }) => length)
  }
}

/** Behind the bracket and its space, or behind an item. */
class ArrayPlace extends Unfolded {
  readonly #spec: ArraySpec
  readonly #count: number
  readonly #seen: ReadonlySet<string>

  constructor(spec: ArraySpec, count: number, seen: ReadonlySet<string>) {
    super(spec.json.terms)
    this.#spec = spec
    this.#count = count
    this.#seen = seen
  }

  /** To the end; each of the items that must come, with what stands before it. */
  protected measure(): number {
    return 1 + this.#spec.owed(this.#count)
  }

  override get leastCount(): number {
    const { most, language } = this.#spec
    const { further, isUnique } = language
    return most === Infinity && further?.isPossible === true && !isUnique ? Infinity : 1
  }

  get shortestByte(): number {
    return this.#count >= this.#spec.language.least ? 0x5d : this.#onward().shortestByte
  }

  override leg(into: number[]): Term {
    return this.#count >= this.#spec.language.least ? super.leg(into) : this.#onward()
  }

  protected make(): Term {
    const { json, language, most } = this.#spec
    const { terms, space } = json
    const options: Term[] = []
    const close = terms.text(']')
    if (this.#count >= language.least) options.push(this.#count === 0 ? close : terms.pair(space, close))
    if (this.#count < most && this.#spec.item(this.#count).isPossible) options.push(this.#onward())
    return terms.either(...options)
  }

  /** One more item, and all that follows it. */
  #onward(): Term {
    const { json, language } = this.#spec
    const { terms, space } = json
    const { prefix, least, most, isUnique } = language
    const before = this.#count === 0 ? terms.empty : terms.pair(terms.text(','), space)
    const item = this.#spec.item(this.#count)
    if (isUnique) {
      const next = (text: string): Term => this.#next(new Set(this.#seen).add(text))
      return terms.pair(before, distinct(item, this.#seen, next))
    }
    // Behind all bounds one place is like the next.
    const isLevel = this.#count > prefix.length && this.#count > least && most === Infinity
    return terms.sequence(before, item, isLevel ? this : this.#next(NONE))
  }

  #next(seen: ReadonlySet<string>): Term {
    return new ArrayPlace(this.#spec, this.#count + 1, seen)
  }
}
