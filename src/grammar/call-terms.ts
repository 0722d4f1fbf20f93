// Call terms write an object as the keyword arguments of a Python call, its values as literals.

import { intersect, type CharDfa } from './char-dfa.ts'
import type { ExactJson } from '../lib/exact-json.ts'
import { GrammarError } from './grammar-error.ts'
import { JsonTerms, type DefaultBounds } from './json-terms.ts'
import { KEYWORD, PYTHON_NOTATION } from './notation.ts'
import type { ObjectLanguage } from './object-term.ts'
import { patternDfa } from './regex.ts'
import type { Term, Terms } from './term.ts'
import { textTerm } from './text-term.ts'

/** `tool_call(city='Rome', days=3)`: python-call.ts reads it. */
export class CallTerms extends JsonTerms {
  constructor(terms: Terms, bounds: DefaultBounds) {
    super(terms, false, bounds, { ...PYTHON_NOTATION, write: callText })
  }
  override readonly open = 'tool_call('
  override readonly close = ')'
  override readonly nameOpening = ''

  override head(name: string): Term {
    return this.terms.text(`${name}=`)
  }
  override get colon(): Term {
    return this.terms.empty
  }
  override name(dfa: CharDfa): Term {
    const names = intersect(dfa, patternDfa('[A-Za-z_][A-Za-z0-9_]{0,40}', 'whole'))
    return this.terms.pair(textTerm(this.terms, { dfa: names, spelling: 'raw' }), this.terms.text('='))
  }
}

/** Values that are listed are objects, and a call's arguments are never Python's words. */
function callText(value: ExactJson): string {
  const { write } = PYTHON_NOTATION
  if (!(value instanceof Map)) return write(value)
  return `tool_call(${Array.from(value, ([name, item]) => `${name}=${write(item)}`).join(', ')})`
}

/** The language without keys that are no keywords. Throws GrammarError where such a one is required. */
export function keywordLanguage(language: ObjectLanguage): ObjectLanguage {
  const bad = language.keys.find(({ name, isRequired }) => isRequired && !KEYWORD.test(name))
  if (bad !== undefined)
    throw new GrammarError(
      `this model writes calls in Python, where ${JSON.stringify(bad.name)} can be no name of an argument`,
    )
  return { ...language, keys: language.keys.filter(({ name }) => KEYWORD.test(name)) }
}
