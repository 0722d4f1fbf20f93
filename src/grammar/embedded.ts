// An embedded grammar is one made by itself that stands as a term in another grammar.

import { keepMade, madeAt, slotAfter, slotOf } from './term-memo.ts'
import { Term, type Terms } from './term.ts'

type Inner = { terms: Terms; start: Term }

/** The texts of `grammar`, which is sealed, as a term of `terms`. */
export function embedded(terms: Terms, { terms: inner, start }: Inner): Term {
  return wrapped(terms, inner, start, terms.nextId())
}

/** `number`: no other grammar in `terms` has it. */
function wrapped(terms: Terms, inner: Terms, term: Term, number: number): Term {
  if (term === inner.empty) return terms.empty
  if (!term.isPossible) return terms.nothing
  let slot = slotOf(number, term.id)
  for (let known = madeAt(slot); known !== undefined; known = madeAt((slot = slotAfter(slot))))
    if (known instanceof Embedded && known.isOf(terms, term, number)) return known
  return keepMade(slot, new Embedded(terms, inner, term, number))
}

class Embedded extends Term {
  readonly #inner: Terms
  readonly #term: Term
  readonly #number: number

  constructor(terms: Terms, inner: Terms, term: Term, number: number) {
    super(terms)
    this.#inner = inner
    this.#term = term
    this.#number = number
  }
  isOf(terms: Terms, term: Term, number: number): boolean {
    return this.terms === terms && this.#term === term && this.#number === number
  }
  get shortest(): number {
    return this.#term.shortest
  }
  get shortestByte(): number {
    return this.#term.shortestByte
  }
  derive(byte: number): Term {
    return wrapped(this.terms, this.#inner, this.#inner.step(this.#term, byte), this.#number)
  }
  override leg(into: number[]): Term {
    return wrapped(this.terms, this.#inner, this.#inner.onward(this.#term, into), this.#number)
  }
}
