// A rule is a named term that may call itself; sealing a grammar finds the shortest way of each rule.

import { GrammarError } from './grammar-error.ts'
import { NEVER, Term, type Terms } from './term.ts'

/**
 * A named term that others call before it is known, and itself. Bodies are set while the grammar is made; seal() then finds the
 * shortest way of each.
 */
export class Rule extends Term {
  readonly name: string
  body: Term
  #shortest = NEVER

  constructor(terms: Terms, name: string) {
    super(terms)
    this.name = name
    this.body = terms.nothing
  }
  get shortest(): number {
    return this.#shortest
  }
  get shortestByte(): number {
    return this.body.shortestByte
  }
  #count = 1
  #countedIn = -1
  /** Looked for once: rules that call each other would be asked again on every way. */
  override get leastCount(): number {
    if (this.#countedIn === this.terms.round) return this.#count
    this.#countedIn = this.terms.round
    this.#count = 1
    this.#count = this.body.leastCount
    return this.#count
  }
  derive(byte: number): Term {
    return this.terms.step(this.body, byte)
  }
  override leg(): Term {
    return this.body
  }
  /** Looks at the body again; true if a shorter way was found. */
  settle(): boolean {
    const { shortest } = this.body
    if (shortest >= this.#shortest) return false
    this.#shortest = shortest
    return true
  }
  forget(): void {
    this.#shortest = NEVER
  }
}

/** Searches that late checks may ask for. */
const MAX_SEARCHES = 16

/** Finds the shortest way of each rule, the least fixed point: 0 as soon as it is found, NEVER for a rule that cannot end. */
export function seal(terms: Terms, rules: readonly Rule[]): void {
  // Rules are made from the outside in: the last ones stand on the fewest others.
  const inward = [...rules].reverse()
  for (let searches = 0; ; searches++) {
    for (const rule of rules) rule.forget()
    for (let isChanged = true; isChanged;) {
      terms.round++
      isChanged = false
      for (const rule of inward) isChanged = rule.settle() || isChanged
    }
    terms.round++
    terms.isSealed = true
    terms.forget()
    let isAsked = false
    for (const check of terms.lateChecks) isAsked = check() || isAsked
    if (!isAsked) return
    if (searches === MAX_SEARCHES) throw new GrammarError('sets that stand on each other are too many')
    terms.isSealed = false
  }
}
