// JSON terms are what all values share: white space, literals, strings, and any value at all.

import { ANY_TEXT, intersect, type CharDfa } from './char-dfa.ts'
import { arrayTerm } from './array-term.ts'
import { objectTerm } from './object-term.ts'
import { allIntegers, allNumbers, canonicalNumbers } from './number-language.ts'
import type { JsonLayout } from './json-layout.ts'
import { JSON_NOTATION, type Notation } from './notation.ts'
import { Rule } from './rule.ts'
import type { Term, Terms } from './term.ts'
import type { Spelling } from './text-cost.ts'
import { textCount } from './text-count.ts'
import { textTerm } from './text-term.ts'

/** Deeper than anybody indents. */
const MOST_INDENT = 24

/**
 * Bounds of what is said nothing of, so that a model that loops comes to an end. Behind `mostChars` a string takes only characters that bring
 * its end nearer; `mostItems` are items of an array and further members of an object; `mostLevels` arrays and objects within a value that
 * may be anything. What is asked for goes first: no value that must be there is lost.
 */
export type DefaultBounds = { mostChars?: number; mostItems?: number; mostLevels?: number }

/** Items of a set must be told apart: a string whose loops take more characters than the bound has for them is not bounded. */
const SPARE_LOOPS = 66

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
  /** By the levels above it, where these are bounded. */
  readonly #anyValues: Rule[] = []

  /** Each value has one spelling: no white space, no other escapes, no exponents. */
  readonly isCanonical: boolean

  readonly open: string = '{'
  readonly close: string = '}'
  readonly nameOpening: string
  readonly notation: Notation
  readonly #bounds: DefaultBounds
  readonly #colon: Term

  constructor(terms: Terms, isCanonical = false, bounds: DefaultBounds = {}, notation = JSON_NOTATION) {
    this.notation = notation
    this.nameOpening = notation.quote
    this.terms = terms
    this.#bounds = bounds
    this.isCanonical = isCanonical
    const indent = terms.repeat(terms.text(' '), 0, MOST_INDENT)
    this.space = isCanonical
      ? terms.empty
      : terms.either(terms.empty, terms.text(' '), terms.pair(terms.text('\n'), indent))
    this.#colon = terms.pair(terms.text(':'), this.space)
    this.#free = this.string()
    this.#integer = textTerm(terms, { dfa: allIntegers(), spelling: 'raw' })
    this.#number = textTerm(terms, { dfa: isCanonical ? canonicalNumbers() : allNumbers(), spelling: 'raw' })
  }

  /** A string of any characters, or of those that an automaton takes, with a length in characters. */
  string(dfa: CharDfa = ANY_TEXT, least = 0, most = Infinity): Term {
    const { spelling: one, quote } = this.notation
    const spelling = dfa === ANY_TEXT && !this.isCanonical && one === 'json' ? 'free' : one
    return this.terms.pair(this.terms.text(quote), this.#characters(dfa, spelling, least, most))
  }

  name(dfa: CharDfa): Term {
    return this.#characters(dfa, this.notation.spelling, 0, Infinity)
  }

  head(name: string): Term {
    return this.terms.pair(this.terms.text(this.notation.write(name)), this.#colon)
  }

  get colon(): Term {
    return this.#colon
  }

  #characters(dfa: CharDfa, spelling: Spelling, least: number, most: number): Term {
    const { mostChars: closing = Infinity } = this.#bounds
    const isOpen = most === Infinity && textCount(dfa, 0) === Infinity
    const isClosing = isOpen && closing - least >= (this.isCanonical ? SPARE_LOOPS * dfa.length : -Infinity)
    const isBound = least > 0 || most < Infinity || (isClosing && closing < Infinity)
    return textTerm(this.terms, {
      dfa,
      spelling,
      ...(isBound && { bound: { least, most, ...(isClosing && { closing }) } }),
    })
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
    return this.terms.either(this.#word(true), this.#word(false))
  }

  null(): Term {
    return this.#word(null)
  }

  #word(value: boolean | null): Term {
    return this.terms.text(this.notation.write(value))
  }

  /** Any JSON value. */
  any(): Term {
    return this.#any(0)
  }

  /** Any value below so many arrays and objects. */
  #any(above: number): Term {
    const { mostLevels = Infinity, mostItems } = this.#bounds
    const level = mostLevels === Infinity ? 0 : above
    const known = this.#anyValues[level]
    if (known !== undefined) return known
    const rule = (this.#anyValues[level] = this.rule('any value'))
    const options = [this.null(), this.boolean(), this.#number, this.#free]
    if (level < mostLevels) {
      const value = this.#any(level + 1)
      const [further, none] = [[{ names: ANY_TEXT, value }], { prefix: [], least: 0, isUnique: false }]
      options.push(
        arrayTerm(this, { ...none, further: value, most: mostItems ?? Infinity }),
        objectTerm(this, {
          keys: [],
          further,
          least: 0,
          most: this.isCanonical ? 1 : Infinity,
          mostFurther: mostItems,
        }),
      )
    }
    rule.body = this.terms.either(...options)
    return rule
  }

  rule(name: string): Rule {
    const rule = new Rule(this.terms, name)
    this.rules.push(rule)
    return rule
  }
}
