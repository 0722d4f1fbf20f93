// A grammar is compiled from what a request asks for, and kept for the next request that asks for the same.

import type { GrammarSpec } from '../protocol/generation.ts'
import { compileForm, type AnswerForm } from './answer-form.ts'
import { easedCalls } from './eased-calls.ts'
import { compileEbnf } from './ebnf.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'
import { oneOf } from './one-of.ts'
import { patternDfa } from './regex.ts'
import { compileSchema } from './schema/compile.ts'
import { seal } from './rule.ts'
import { NEVER, type Term } from './term.ts'
import { Terms } from './terms.ts'
import { textTerm } from './text-term.ts'
import { withinBudget } from './work-budget.ts'

/** `ignored`: what of a schema is an annotation though its name says more, such as `/properties/a/format: nanoid`. */
export type Grammar = { terms: Terms; start: Term; ignored: readonly string[] }

/** Some 500 tokens of text, and lists as long as small models keep in mind: a schema that wants more says so. */
export const DEFAULT_BOUNDS = { mostChars: 2000, mostItems: 64, mostLevels: 16 } as const

const OBJECT_SCHEMA = '{"type":"object"}'
/** Bytes of all that is kept, as `weightOf` counts them. */
const MAX_KEPT = 256 * 1024
/** Bytes of a grammar whose text is empty: what its answers have derived is remembered with it. */
const LEAST_WEIGHT = 32 * 1024

/** Characters of all choices. */
const MAX_CHOICE_CHARS = 65_536

/** The longest unused first. */
const kept = new Map<string, { grammar: Grammar; weight: number }>()
let total = 0

/** Those that were kept no longer while an answer may still be under them, at most as many as a lane has places. */
const used = new Map<string, WeakRef<Grammar>>()
const MAX_USED = 64

/**
 * The grammar of a request, the same object for the same request while it is kept. Throws GrammarError for what cannot be
 * promised, is too large, or has no text.
 */
export function compileGrammar(spec: GrammarSpec | AnswerForm): Grammar {
  const key = JSON.stringify(spec)
  const known = kept.get(key)
  if (known !== undefined) {
    kept.delete(key)
    kept.set(key, known)
    return known.grammar
  }
  const grammar =
    used.get(key)?.deref() ?? (spec.kind === 'form' ? compileEased(spec) : withinBudget(() => compile(spec)))
  const weight = LEAST_WEIGHT + 4 * key.length
  kept.set(key, { grammar, weight })
  total += weight
  used.delete(key)
  for (const [oldest, { grammar: former, weight: freed }] of kept) {
    if (total <= MAX_KEPT || oldest === key) break
    kept.delete(oldest)
    total -= freed
    used.set(oldest, new WeakRef(former))
  }
  for (const [oldest, former] of used)
    if (used.size > MAX_USED || former.deref() === undefined) used.delete(oldest)
  return grammar
}

function compileEased(form: AnswerForm): Grammar {
  // Within a budget of its own, kept or not.
  const text = form.text && compileGrammar(form.text)
  const attempt = (given: AnswerForm): Grammar => withinBudget(() => compile(given, text), LIMITS.formWork)
  try {
    return attempt(form)
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    const eased = form.calls && easedCalls(form.calls, DEFAULT_BOUNDS)
    if (eased === undefined || eased.ignored.length === 0) throw error
    const grammar = attempt({ ...form, calls: eased.calls })
    return { ...grammar, ignored: [...eased.ignored, ...grammar.ignored] }
  }
}

function compile(spec: GrammarSpec | AnswerForm, text?: Grammar): Grammar {
  const grammar = { ignored: [], ...languageOf(spec, text) }
  const { terms, start } = grammar
  if (start.shortest === NEVER) throw new GrammarError('no text is possible')
  if (start.shortest > LIMITS.shortest)
    throw new GrammarError(`the shortest text has ${start.shortest} bytes, at most ${LIMITS.shortest}`)
  if (start.shortest === 0 && !leadsOn(terms, start))
    throw new GrammarError('no text but the empty one is possible')
  return grammar
}

function languageOf(
  spec: GrammarSpec | AnswerForm,
  text: Grammar | undefined,
): {
  terms: Terms
  start: Term
  ignored?: readonly string[]
} {
  switch (spec.kind) {
    case 'json_schema':
      return compileSchema(spec.schema, DEFAULT_BOUNDS)
    case 'json_object':
      return compileSchema(OBJECT_SCHEMA, DEFAULT_BOUNDS)
    case 'regex':
      return sealed((terms) => textTerm(terms, { dfa: patternDfa(spec.pattern, 'whole'), spelling: 'raw' }))
    case 'choice':
      return sealed((terms) => oneOf(terms, checked(spec.choices)))
    case 'ebnf':
      return compileEbnf(spec.text)
    case 'form':
      return compileForm(spec, text, DEFAULT_BOUNDS)
  }
}

function sealed(make: (terms: Terms) => Term): { terms: Terms; start: Term } {
  const terms = new Terms()
  const start = make(terms)
  seal(terms, [])
  return { terms, start }
}

function checked(choices: readonly string[]): readonly string[] {
  if (choices.length > LIMITS.enumValues)
    throw new GrammarError(`there are ${choices.length} choices, at most ${LIMITS.enumValues} are taken`)
  if (choices.reduce((sum, { length }) => sum + length, 0) > MAX_CHOICE_CHARS)
    throw new GrammarError(`the choices have more than ${MAX_CHOICE_CHARS} characters`)
  const bad = choices.findIndex((choice) => choice === '' || !choice.isWellFormed())
  if (bad >= 0) throw new GrammarError('a choice is empty, or has half a character', `/${bad}`)
  return choices
}

/** Some byte may follow in `term`, and an end behind it. */
export function leadsOn(terms: Terms, term: Term): boolean {
  if (term === terms.empty) return false
  for (let byte = 0; byte < 256; byte++) if (terms.step(term, byte).shortest !== NEVER) return true
  return false
}
