// A text term is an automaton's characters as bytes: plain UTF-8, or the inside of a JSON string.

import { dfaStep, leadsOn, type CharDfa, type DfaState } from './char-dfa.ts'
import {
  freeEscape,
  JSON_ESCAPES,
  onlyEscape,
  partialChar,
  PYTHON_ESCAPES,
  type CharPlace,
} from './char-term.ts'
import { pythonChar } from './python-char.ts'
import { keepMade, madeAt, slotAfter, slotOf } from './term-memo.ts'
import { Term, type Terms } from './term.ts'
import { TextCosts, type LengthBound, type Spelling } from './text-cost.ts'
import { leastTexts, textCount } from './text-count.ts'

const QUOTE = 0x22
const SINGLE_QUOTE = 0x27
const BACKSLASH = 0x5c
/** More than anybody can list: so many different texts fit where two characters are free. */
const MANY = 1000

/** A language of characters: an automaton, a spelling, and for JSON strings a bound of their lengths. */
export type TextLanguage = { dfa: CharDfa; spelling: Spelling; bound?: LengthBound }

/**
 * The text of `language` from its first character on; a JSON string's opening quote is not in it. Throws GrammarError where the
 * automaton and the bound are too large together.
 */
export function textTerm(terms: Terms, { dfa, spelling, bound }: TextLanguage): Term {
  if (dfa.length === 0) return terms.nothing
  const language: Language = {
    dfa,
    spelling,
    bound,
    costs: costsOf(dfa, spelling, bound),
    number: terms.nextId(),
  }
  return language.costs.rest(0, 0) === Infinity ? terms.nothing : at(terms, language, 0, 0)
}

/** Of automata that are kept for other grammars, as numbers and patterns are; without a bound of length. */
const known = new WeakMap<CharDfa, Partial<Record<Spelling, TextCosts>>>()

function costsOf(dfa: CharDfa, spelling: Spelling, bound: LengthBound | undefined): TextCosts {
  if (bound !== undefined) return new TextCosts(dfa, spelling, bound)
  const own = known.get(dfa) ?? {}
  known.set(dfa, own)
  return (own[spelling] ??= new TextCosts(dfa, spelling))
}

/** `number`: none has the same. */
type Language = {
  dfa: CharDfa
  spelling: Spelling
  bound: LengthBound | undefined
  costs: TextCosts
  number: number
}

/** One object for each place of a language, as long as Terms remembers it. */
function at(terms: Terms, language: Language, state: number, count: number): Term {
  let slot = slotOf(language.number, state, count)
  for (let known = madeAt(slot); known !== undefined; known = madeAt((slot = slotAfter(slot))))
    if (known instanceof TextTerm && known.isAt(language, state, count)) return known
  return keepMade(slot, new TextTerm(terms, language, state, count))
}

function quoteOf(spelling: Spelling): number {
  return spelling === 'python' ? SINGLE_QUOTE : QUOTE
}

function spelled(char: string, spelling: Spelling): string {
  if (spelling === 'raw') return char
  return spelling === 'python' ? pythonChar(char) : JSON.stringify(char).slice(1)
}

/** Between two characters. */
class TextTerm extends Term implements CharPlace {
  readonly #language: Language
  readonly #state: number
  /** Characters before, where their number counts; else 0. */
  readonly #count: number

  constructor(terms: Terms, language: Language, state: number, count: number) {
    super(terms)
    this.#language = language
    this.#state = state
    this.#count = count
  }

  isAt(language: Language, state: number, count: number): boolean {
    return this.#language === language && this.#state === state && this.#count === count
  }

  get #here(): DfaState {
    return this.#language.dfa[this.#state]
  }

  get shortest(): number {
    const { costs, spelling } = this.#language
    return costs.rest(this.#state, this.#count) + (spelling === 'raw' ? 0 : 1)
  }

  get shortestByte(): number {
    const { costs, spelling } = this.#language
    if (costs.rest(this.#state, this.#count) === 0) return quoteOf(spelling)
    const char = costs.best(this.#state, this.#count)?.char ?? QUOTE
    const text = String.fromCodePoint(char)
    return new TextEncoder().encode(spelled(text, spelling))[0]
  }

  override get leastCount(): number {
    const { dfa, bound } = this.#language
    const count = textCount(dfa, this.#state)
    if (bound === undefined) return count
    if (bound.most === Infinity && count === Infinity)
      return leastTexts(
        dfa,
        this.#state,
        bound.least - this.#count,
        (bound.closing ?? Infinity) - this.#count,
      )
    return dfa.length === 1 && leadsOn(dfa[0], 0x30, 0x7a) && bound.most - this.#count > 1 ? MANY : 1
  }

  derive(byte: number): Term {
    const { terms } = this
    const { spelling } = this.#language
    if (spelling !== 'raw') {
      if (byte === quoteOf(spelling)) return this.#mayEnd() ? terms.empty : terms.nothing
      if (byte === BACKSLASH)
        return spelling === 'free'
          ? freeEscape(this)
          : onlyEscape(this, spelling === 'json' ? JSON_ESCAPES : PYTHON_ESCAPES)
      if (byte < 0x20) return terms.nothing
    }
    return byte < 0x80 ? this.take(byte) : partialChar(this, byte)
  }

  #mayEnd(): boolean {
    return this.#here.isEnd && this.#count >= (this.#language.bound?.least ?? 0)
  }

  take(char: number): Term {
    const to = dfaStep(this.#here, char)
    const { costs } = this.#language
    if (to < 0 || !costs.leads(this.#state, this.#count, to)) return this.terms.nothing
    return at(this.terms, this.#language, to, costs.after(this.#count))
  }

  takes(low: number, high: number): boolean {
    if (this.#language.bound === undefined) return leadsOn(this.#here, low, high)
    return this.#language.costs.takes(this.#state, this.#count, low, high)
  }

  best(low: number, high: number): { char: number; bytes: number } | undefined {
    const { costs, spelling } = this.#language
    const found = costs.best(this.#state, this.#count, low, high)
    return found === undefined || spelling === 'raw' ? found : { ...found, bytes: found.bytes + 1 }
  }
}
