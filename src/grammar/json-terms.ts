// JSON terms are what all values share: white space, literals, strings, and any value at all.

import { ANY_TEXT, intersect, type CharDfa } from './char-dfa.ts'
import { arrayTerm } from './array-term.ts'
import { objectTerm } from './object-term.ts'
import { allIntegers, allNumbers, canonicalNumbers } from './number-language.ts'
import type { JsonLayout } from './json-layout.ts'
import { Rule } from './rule.ts'
import type { Term, Terms } from './term.ts'
import { textTerm, type TextLanguage } from './text-term.ts'

/** Deeper than anybody indents. */
const MOST_INDENT = 24

/** Makes the terms of JSON values for one grammar. */
export class JsonTerms implements JsonLayout {
  readonly terms: Terms
  /** Rules that were made, to be sealed with all others. */
  readonly rules: Rule[] = []
  /** None, a space, or a line end with an indent: never twice, so that white space has an end. */
  readonly space: Term
  readonly #free: Term
  readonly #integer: Term
  readonly #number: Term
  #anyValue: Rule | undefined

  /** Each value has one spelling: no white space, no other escapes, no exponents. */
  readonly isCanonical: boolean

  constructor(terms: Terms, isCanonical = false) {
    this.terms = terms
    this.isCanonical = isCanonical
    const indent = terms.repeat(terms.text(' '), 0, MOST_INDENT)
    this.space = isCanonical
      ? terms.empty
      : terms.either(terms.empty, terms.text(' '), terms.pair(terms.text('\n'), indent))
    this.#free = this.string()
    this.#integer = textTerm(terms, { dfa: allIntegers(), spelling: 'raw' })
    this.#number = textTerm(terms, { dfa: isCanonical ? canonicalNumbers() : allNumbers(), spelling: 'raw' })
  }

  /** A string of any characters, or of those that an automaton takes, with a length in characters. */
  string(dfa: CharDfa = ANY_TEXT, least = 0, most = Infinity): Term {
    const isBound = least > 0 || most < Infinity
    const language: TextLanguage = {
      dfa,
      spelling: dfa === ANY_TEXT && !this.isCanonical ? 'free' : 'json',
      ...(isBound && { bound: { least, most } }),
    }
    return this.terms.pair(this.terms.text('"'), textTerm(this.terms, language))
  }

  number(dfa: CharDfa): Term {
    if (dfa === allIntegers()) return this.#integer
    if (dfa === allNumbers()) return this.#number
    return textTerm(this.terms, {
      dfa: this.isCanonical ? intersect(dfa, canonicalNumbers()) : dfa,
      spelling: 'raw',
    })
  }

  boolean(): Term {
    return this.terms.either(this.terms.text('true'), this.terms.text('false'))
  }

  null(): Term {
    return this.terms.text('null')
  }

  /** Any JSON value. */
  any(): Term {
    if (this.#anyValue === undefined) {
      const rule = this.rule('any value')
      this.#anyValue = rule
      rule.body = this.terms.either(
        this.null(),
        this.boolean(),
        this.#number,
        this.#free,
        this.anyArray(),
        this.anyObject(),
      )
    }
    return this.#anyValue
  }

  anyArray(): Term {
    return arrayTerm(this, { prefix: [], further: this.any(), least: 0, most: Infinity, isUnique: false })
  }

  anyObject(): Term {
    const further = [{ names: ANY_TEXT, value: this.any() }]
    return objectTerm(this, { keys: [], further, least: 0, most: this.isCanonical ? 1 : Infinity })
  }

  rule(name: string): Rule {
    const rule = new Rule(this.terms, name)
    this.rules.push(rule)
    return rule
  }
}
