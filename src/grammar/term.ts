// A term is a language of byte strings; deriving it by a byte gives the term of what may follow that byte.
//
// Source: Brzozowski, "Derivatives of Regular Expressions", 1964. Equal terms are one object (see Terms), so
// that a loop comes back to the term that it left. A sequence whose head is a called rule is the stack of an
// automaton, its tail is what was pushed.

import { GrammarError } from './grammar-error.ts'

/** Of a term that no string belongs to. */
export const NEVER = Infinity

export abstract class Term {
  readonly terms: Terms
  readonly id: number

  constructor(terms: Terms) {
    this.terms = terms
    this.id = terms.nextId()
  }

  /**
   * Bytes of the shortest string, NEVER where there is none; 0 means that the text may end here. While a
   * grammar is made, rules that call each other are not known yet and count as NEVER: see Rule.
   */
  abstract get shortest(): number

  /** The term of what may follow `byte`, NOTHING where it may not come; ask Terms.step, which remembers. */
  abstract derive(byte: number): Term

  /** The first byte of a shortest string. Must not be asked of what may end, or of NOTHING. */
  abstract get shortestByte(): number

  /** At least so many strings belong to it, Infinity where they have no end; a low guess where nobody counts. */
  get leastCount(): number {
    return 1
  }

  get isPossible(): boolean {
    return this.shortest < NEVER
  }
}

/** Steps that are remembered, and terms that are found again: dropped together. */
const MAX_REMEMBERED = 1024

/** Makes terms of one grammar, each once, and remembers their derivatives. */
export class Terms {
  readonly empty: Term
  readonly nothing: Term
  /** Shortest ways are known for good: no rule changes any more. */
  isSealed = false
  /** Rises while shortest ways are looked for: what was found before may be too long. */
  round = 0
  /** Looked at once the shortest ways are known; true asks for another search. */
  readonly lateChecks: (() => boolean)[] = []
  #count = 0
  readonly #steps = new Map<number, Term>()
  readonly #known = new Map<string, Term>()

  constructor() {
    this.empty = new Empty(this)
    this.nothing = new Nothing(this)
  }

  forget(): void {
    this.#steps.clear()
    this.#known.clear()
  }

  nextId(): number {
    return this.#count++
  }
  /** What may follow `byte` in `term`. */
  step(term: Term, byte: number): Term {
    const key = term.id * 256 + byte
    const known = this.#steps.get(key)
    if (known !== undefined) return known
    const derived = term.derive(byte)
    const next = derived.isPossible ? derived : this.nothing
    if (this.#steps.size >= MAX_REMEMBERED) this.forget()
    this.#steps.set(key, next)
    return next
  }

  advance(term: Term, bytes: Uint8Array): Term {
    for (let i = 0; i < bytes.length && term !== this.nothing; i++) term = this.step(term, bytes[i])
    return term
  }

  /** Bytes of a shortest string of a term that has one. */
  shortestWay(term: Term): Uint8Array {
    const bytes: number[] = []
    for (let left = term.shortest; left > 0; left = term.shortest) {
      const byte = term.shortestByte
      term = this.step(term, byte)
      if (term.shortest >= left) throw new GrammarError('sets in such sets are not supported')
      bytes.push(byte)
    }
    return Uint8Array.from(bytes)
  }

  sequence(...parts: readonly Term[]): Term {
    return parts.reduceRight((tail, head) => this.pair(head, tail), this.empty)
  }

  /** `head` and then `tail`; leans to the right, so that the head is never a sequence itself. */
  pair(head: Term, tail: Term): Term {
    if (head === this.nothing || tail === this.nothing) return this.nothing
    if (head === this.empty) return tail
    if (tail === this.empty) return head
    if (head instanceof Sequence) return this.pair(head.head, this.pair(head.tail, tail))
    return this.once(`s${head.id},${tail.id}`, () => new Sequence(head, tail))
  }

  either(...options: readonly Term[]): Term {
    const flat = new Set<Term>()
    for (const option of options)
      if (option instanceof Choice) for (const inner of option.options) flat.add(inner)
      else if (option !== this.nothing) flat.add(option)
    const sorted = [...flat].sort((a, b) => a.id - b.id)
    if (sorted.length < 2) return sorted[0] ?? this.nothing
    return this.once(`c${sorted.map(({ id }) => id).join()}`, () => new Choice(this, sorted))
  }

  repeat(body: Term, least: number, most = Infinity): Term {
    if (most === 0 || body === this.empty) return this.empty
    if (body === this.nothing) return least === 0 ? this.empty : body
    if (least === 1 && most === 1) return body
    return this.once(`r${body.id},${least},${most}`, () => new Repeat(body, least, most))
  }

  literal(bytes: Uint8Array): Term {
    return bytes.length === 0 ? this.empty : new Literal(this, bytes, 0)
  }

  text(text: string): Term {
    return this.literal(new TextEncoder().encode(text))
  }

  range(low: number, high: number): Term {
    return this.once(`b${low},${high}`, () => new ByteRange(this, low, high))
  }

  /** The term known by `key`, made when it is not. */
  once<T extends Term>(key: string, make: () => T): T {
    const known = this.#known.get(key) as T | undefined
    if (known !== undefined) return known
    const made = make()
    this.#known.set(key, made)
    return made
  }
}

class Empty extends Term {
  get shortest(): number {
    return 0
  }
  get shortestByte(): number {
    throw new RangeError('what may end has no shortest byte')
  }
  derive(): Term {
    return this.terms.nothing
  }
}

class Nothing extends Term {
  get shortest(): number {
    return NEVER
  }
  get shortestByte(): number {
    throw new RangeError('no string has no first byte')
  }
  derive(): Term {
    return this
  }
}

/** The bytes from `at` on. */
class Literal extends Term {
  readonly #bytes: Uint8Array
  readonly #at: number

  constructor(terms: Terms, bytes: Uint8Array, at: number) {
    super(terms)
    this.#bytes = bytes
    this.#at = at
  }
  get text(): string {
    return String.fromCharCode(...this.#bytes.subarray(this.#at))
  }
  get shortest(): number {
    return this.#bytes.length - this.#at
  }
  get shortestByte(): number {
    return this.#bytes[this.#at]
  }
  derive(byte: number): Term {
    if (byte !== this.#bytes[this.#at]) return this.terms.nothing
    return this.shortest === 1 ? this.terms.empty : new Literal(this.terms, this.#bytes, this.#at + 1)
  }
}

class ByteRange extends Term {
  readonly #low: number
  readonly #high: number

  constructor(terms: Terms, low: number, high: number) {
    super(terms)
    this.#low = low
    this.#high = high
  }
  get shortest(): number {
    return 1
  }
  get shortestByte(): number {
    return this.#low
  }
  derive(byte: number): Term {
    return byte >= this.#low && byte <= this.#high ? this.terms.empty : this.terms.nothing
  }
}

/** A term made of others: its shortest way is kept as long as no rule changes. */
export abstract class Compound extends Term {
  #shortest = NEVER
  #round = -1

  get shortest(): number {
    if (this.#round !== this.terms.round) {
      this.#round = this.terms.round
      this.#shortest = this.measure()
    }
    return this.#shortest
  }
  protected abstract measure(): number
}

class Sequence extends Compound {
  readonly head: Term
  readonly tail: Term

  constructor(head: Term, tail: Term) {
    super(head.terms)
    this.head = head
    this.tail = tail
  }
  protected measure(): number {
    return this.head.shortest + this.tail.shortest
  }
  override get leastCount(): number {
    // Of JSON without white space nothing can be cut in two ways.
    return this.head.leastCount * this.tail.leastCount
  }
  override get isPossible(): boolean {
    return this.head.isPossible && this.tail.isPossible
  }
  get shortestByte(): number {
    return this.head.shortest === 0 ? this.tail.shortestByte : this.head.shortestByte
  }
  derive(byte: number): Term {
    const { terms, head, tail } = this
    const inHead = terms.pair(terms.step(head, byte), tail)
    return head.shortest === 0 ? terms.either(inHead, terms.step(tail, byte)) : inHead
  }
}

class Choice extends Compound {
  readonly options: readonly Term[]

  constructor(terms: Terms, options: readonly Term[]) {
    super(terms)
    this.options = options
  }
  protected measure(): number {
    return this.options.reduce((least, { shortest }) => Math.min(least, shortest), NEVER)
  }
  override get leastCount(): number {
    const texts = new Set<string>()
    let most = 0
    for (const option of this.options) {
      if (option instanceof Literal) texts.add(option.text)
      else if (option.isPossible) most = Math.max(most, option.leastCount)
    }
    return Math.max(most, texts.size)
  }
  override get isPossible(): boolean {
    return this.options.some((option) => option.isPossible)
  }
  get shortestByte(): number {
    const { shortest } = this
    return (this.options.find((option) => option.shortest === shortest) ?? this.terms.nothing).shortestByte
  }
  derive(byte: number): Term {
    return this.terms.either(...this.options.map((option) => this.terms.step(option, byte)))
  }
}

class Repeat extends Compound {
  readonly #body: Term
  readonly #least: number
  readonly #most: number

  constructor(body: Term, least: number, most: number) {
    super(body.terms)
    this.#body = body
    this.#least = least
    this.#most = most
  }
  protected measure(): number {
    return this.#least === 0 ? 0 : this.#least * this.#body.shortest
  }
  get shortestByte(): number {
    return this.#body.shortestByte
  }
  derive(byte: number): Term {
    const { terms } = this
    const rest = terms.repeat(this.#body, Math.max(0, this.#least - 1), this.#most - 1)
    return terms.pair(terms.step(this.#body, byte), rest)
  }
}
