// A term is a language of byte strings; deriving it by a byte gives the term of what may follow that byte.
//
// Source: Brzozowski, "Derivatives of Regular Expressions", 1964. Equal terms are one object (see Terms), so
// that a loop comes back to the term that it left. A sequence whose head is a called rule is the stack of an
// automaton, its tail is what was pushed.

/** Of a term that no string belongs to. */
export const NEVER = Infinity

/** Makes the terms of one grammar, and walks from one to the next: see terms.ts. */
export type Terms = {
  readonly empty: Term
  readonly nothing: Term
  isSealed: boolean
  round: number
  readonly lateChecks: (() => boolean)[]
  forget(): void
  nextId(): number
  step(term: Term, byte: number): Term
  advance(term: Term, bytes: Uint8Array): Term
  shortestWay(term: Term): Uint8Array
  walk(term: Term, into: number[]): void
  onward(term: Term, into: number[]): Term
  sequence(...parts: readonly Term[]): Term
  pair(head: Term, tail: Term): Term
  either(...options: readonly Term[]): Term
  choice(options: readonly Term[]): Term
  repeat(body: Term, least: number, most?: number): Term
  literal(bytes: Uint8Array): Term
  text(text: string): Term
  range(low: number, high: number): Term
}

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

  /**
   * Adds the first bytes of a shortest string, which is not empty, to `into`, and gives the term of the rest. Without a byte: a term
   * with the same shortest string. One byte a time, unless the term knows more at once.
   */
  leg(into: number[]): Term {
    const byte = this.shortestByte
    into.push(byte)
    return this.terms.step(this, byte)
  }

  /** At least so many strings belong to it, Infinity where they have no end; a low guess where nobody counts. */
  get leastCount(): number {
    return 1
  }

  get isPossible(): boolean {
    return this.shortest < NEVER
  }
}

/** A term made of others: its shortest way is kept as long as no rule changes. */
export abstract class Compound extends Term {
  /** -1 for NEVER: a field that is Infinity once holds each of its numbers as an object of its own. */
  #shortest = -1
  #round = -1
  /** For whoever looks for the way from here again: see TokenWays. */
  way: object | undefined = undefined

  get shortest(): number {
    if (this.#round !== this.terms.round) {
      this.#round = this.terms.round
      const bytes = this.measure()
      this.#shortest = bytes === NEVER ? -1 : bytes
    }
    return this.#shortest < 0 ? NEVER : this.#shortest
  }
  protected abstract measure(): number
}
