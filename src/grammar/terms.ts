// Terms makes all terms of one grammar, from bytes, sequences, choices and repeats.

import { GrammarError } from './grammar-error.ts'
import { forgetTerms, keepMade, keepStep, knownStep, madeAt, slotAfter, slotOf } from './term-memo.ts'
import { Compound, NEVER, Term, type Terms as TermsOfGrammar } from './term.ts'

/** Makes terms of one grammar, equal ones once as long as they are remembered, and remembers their derivatives. */
export class Terms implements TermsOfGrammar {
  readonly empty: Term
  readonly nothing: Term
  /** Shortest ways are known for good: no rule changes any more. */
  isSealed = false
  /** Rises while shortest ways are looked for: what was found before may be too long. */
  round = 0
  /** Looked at once the shortest ways are known; true asks for another search. */
  readonly lateChecks: (() => boolean)[] = []
  #count = 0

  constructor() {
    this.empty = new Empty(this)
    this.nothing = new Nothing(this)
  }

  /** Between two tokens: see term-memo.ts. */
  readonly forget = forgetTerms

  nextId(): number {
    return this.#count++
  }

  /** What may follow `byte` in `term`. */
  step(term: Term, byte: number): Term {
    const known = knownStep(term, byte)
    if (known !== undefined) return known
    const derived = term.derive(byte)
    const next = derived.isPossible ? derived : this.nothing
    keepStep(term, byte, next)
    return next
  }

  advance(term: Term, bytes: Uint8Array): Term {
    for (let i = 0; i < bytes.length && term !== this.nothing; i++) term = this.step(term, bytes[i])
    return term
  }

  /** Bytes of a shortest string of a term that has one. */
  shortestWay(term: Term): Uint8Array {
    const bytes: number[] = []
    this.walk(term, bytes)
    return Uint8Array.from(bytes)
  }

  walk(term: Term, into: number[]): void {
    for (let left = term.shortest; left > 0; left = term.shortest) term = this.onward(term, into)
  }

  /** One leg of the shortest way; see Term.leg. */
  onward(term: Term, into: number[]): Term {
    const before = into.length
    const next = term.leg(into)
    if (into.length > before && next.shortest >= term.shortest)
      throw new GrammarError('sets in such sets are not supported')
    return next
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
    let slot = slotOf(head.id, tail.id)
    for (let known = madeAt(slot); known !== undefined; known = madeAt((slot = slotAfter(slot))))
      if (known instanceof Sequence && known.head === head && known.tail === tail) return known
    return keepMade(slot, new Sequence(head, tail))
  }

  either(...options: readonly Term[]): Term {
    const all: Term[] = []
    for (const option of options) addOption(all, option)
    return this.choice(all)
  }

  /** Of options as addOption puts them. */
  choice(options: readonly Term[]): Term {
    if (options.length < 2) return options[0] ?? this.nothing
    let slot = options.length
    for (const { id } of options) slot = slotOf(slot, id)
    for (let known = madeAt(slot); known !== undefined; known = madeAt((slot = slotAfter(slot))))
      if (known instanceof Choice && areSame(known.options, options)) return known
    return keepMade(slot, new Choice(this, options))
  }

  repeat(body: Term, least: number, most = Infinity): Term {
    if (most === 0 || body === this.empty) return this.empty
    if (body === this.nothing) return least === 0 ? this.empty : body
    if (least === 1 && most === 1) return body
    let slot = slotOf(body.id, least, most)
    for (let known = madeAt(slot); known !== undefined; known = madeAt((slot = slotAfter(slot))))
      if (known instanceof Repeat && known.isOf(body, least, most)) return known
    return keepMade(slot, new Repeat(body, least, most))
  }

  literal(bytes: Uint8Array): Term {
    return bytes.length === 0 ? this.empty : new Literal(this, bytes, 0)
  }

  text(text: string): Term {
    return this.literal(new TextEncoder().encode(text))
  }

  range(low: number, high: number): Term {
    return new ByteRange(this, low, high)
  }
}

/** Puts an option, or those of a choice, among others: in order of id, none twice. */
function addOption(to: Term[], option: Term): void {
  if (option === option.terms.nothing) return
  if (option instanceof Choice) {
    for (const inner of option.options) addOption(to, inner)
    return
  }
  let at = to.length
  while (at > 0 && to[at - 1].id > option.id) at--
  if (to[at - 1] === option) return
  if (at === to.length) to.push(option)
  else to.splice(at, 0, option)
}

function areSame(a: readonly Term[], b: readonly Term[]): boolean {
  return a.length === b.length && a.every((option, at) => option === b[at])
}

class Empty extends Term {
  readonly shortest = 0
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

  constructor(terms: TermsOfGrammar, bytes: Uint8Array, at: number) {
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
  override leg(into: number[]): Term {
    for (let i = this.#at; i < this.#bytes.length; i++) into.push(this.#bytes[i])
    return this.terms.empty
  }
}

class ByteRange extends Term {
  readonly #low: number
  readonly #high: number

  constructor(terms: TermsOfGrammar, low: number, high: number) {
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
  override leg(into: number[]): Term {
    this.terms.walk(this.head, into)
    return this.tail
  }
}

class Choice extends Compound {
  readonly options: readonly Term[]

  constructor(terms: TermsOfGrammar, options: readonly Term[]) {
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
    const first = (option: Term): number => (option.shortest === shortest ? option.shortestByte : NEVER)
    // Of several the lowest: their order says what was derived first, perhaps for another answer.
    return this.options.reduce((least, option) => Math.min(least, first(option)), NEVER)
  }
  derive(byte: number): Term {
    const next: Term[] = []
    for (const option of this.options) addOption(next, this.terms.step(option, byte))
    return this.terms.choice(next)
  }
  /** The one that is shorter than all others stays the shortest. */
  override leg(into: number[]): Term {
    const { shortest } = this
    let only: Term | undefined
    for (const option of this.options) {
      if (option.shortest !== shortest) continue
      if (only !== undefined) return super.leg(into)
      only = option
    }
    return only ?? super.leg(into)
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
  override leg(into: number[]): Term {
    const { terms } = this
    terms.walk(this.#body, into)
    return terms.repeat(this.#body, this.#least - 1, this.#most - 1)
  }
  isOf(body: Term, least: number, most: number): boolean {
    return this.#body === body && this.#least === least && this.#most === most
  }
}
