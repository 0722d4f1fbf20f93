// A matcher is the state of one answer under a grammar: which ids may come and leave time to end.

import { dropsSpace } from '../tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { leadsOn, type Grammar } from './grammar.ts'
import { NEVER, type Term } from './term.ts'
import { TokenWays } from './token-ways.ts'

/** `late`: it could come, but no end would fit behind it within the limit of tokens. */
export type Verdict = 'fits' | 'late' | 'no'

export type MatcherOptions = {
  /** Ids that end an answer besides the tokenizer's own. */
  ends?: ReadonlySet<number>
  /** The text goes on from the prompt's: see TextStream. */
  continues?: boolean
  /** Tokens of the answer, the end within them; Infinity for no limit. */
  limit?: number
}

/** A place of the grammar and those behind it, as far as a pass has looked. */
type Place = { term: Term; next: (Place | null | undefined)[]; closes: boolean | undefined }

/**
 * Reads the bytes that TextStream prints for each id. An id that prints nothing never fits; one that ends an answer fits
 * where the text may end, and nowhere else. Under a limit an id fits only if the way from behind it to an end is short
 * enough, or if it is the next of the way itself: so there is always one that fits, and the text ends in time.
 */
export class Matcher {
  readonly #grammar: Grammar
  readonly #tokenizer: Tokenizer
  readonly #ends: ReadonlySet<number>
  readonly #ways: TokenWays
  readonly #limit: number
  readonly #strips: boolean
  #term: Term
  #taken = 0
  /** The rest of a way that was begun, where the way from here anew would be too long. */
  #begun: readonly number[] | undefined
  #hasEnded = false

  constructor(grammar: Grammar, tokenizer: Tokenizer, options: MatcherOptions = {}) {
    this.#grammar = grammar
    this.#tokenizer = tokenizer
    this.#ends = new Set([...tokenizer.endIds, ...(options.ends ?? [])])
    this.#limit = options.limit ?? Infinity
    this.#strips = tokenizer.decoding?.stripLeadingSpace === true && options.continues !== true
    this.#ways = new TokenWays(grammar.terms, tokenizer)
    this.#term = grammar.start
  }

  /** Tokens that suffice for a whole text from the start on; Infinity where the vocabulary lacks bytes. */
  get leastTokens(): number {
    return this.#ways.of(this.#grammar.start, this.#strips)?.length ?? Infinity
  }

  /** The text is whole, and nothing may follow or no token is left. */
  get isDone(): boolean {
    return this.#hasEnded || (this.#mayEnd && (this.#left <= 0 || !this.#leadsOn))
  }

  /** It is whole because no token is left; more could have come. */
  get isCut(): boolean {
    return !this.#hasEnded && this.#mayEnd && this.#left <= 0 && this.#leadsOn
  }

  get #mayEnd(): boolean {
    return this.#term.shortest === 0
  }

  get #leadsOn(): boolean {
    return leadsOn(this.#grammar.terms, this.#term)
  }

  get #left(): number {
    return this.#limit - this.#taken
  }

  get #isStripped(): boolean {
    return this.#strips && this.#taken === 0
  }

  verdict(id: number): Verdict {
    if (this.#ends.has(id)) return this.#mayEnd ? 'fits' : 'no'
    const next = this.#after(id)
    if (next === undefined) return 'no'
    return this.#closes(next) || id === this.#way?.[0] ? 'fits' : 'late'
  }

  /** The same for the whole vocabulary at this place: each beginning that ids share is derived once. */
  pass(): (id: number) => Verdict {
    const tokenizer = this.#tokenizer
    const places = new Map<Term, Place>()
    const placeOf = (term: Term): Place => {
      const known = places.get(term)
      if (known !== undefined) return known
      const made: Place = { term, next: [], closes: undefined }
      places.set(term, made)
      return made
    }
    const explore = (place: Place, byte: number): Place | null => {
      const next = this.#grammar.terms.step(place.term, byte)
      return (place.next[byte] = next.shortest === NEVER ? null : placeOf(next))
    }
    const root = placeOf(this.#term)
    const mayEnd = this.#mayEnd
    const first = this.#limit === Infinity ? undefined : this.#way?.[0]
    return (id) => {
      let place = root
      const from = this.#isStripped && dropsSpace(tokenizer, id) ? 1 : 0
      let at = from
      for (let byte = tokenizer.byteAt(id, at); byte >= 0; byte = tokenizer.byteAt(id, ++at)) {
        const known = place.next[byte]
        const next = known === undefined ? explore(place, byte) : known
        if (next === null) return mayEnd && this.#ends.has(id) ? 'fits' : 'no'
        place = next
      }
      if (this.#ends.has(id)) return mayEnd ? 'fits' : 'no'
      if (at === from) return 'no'
      place.closes ??= this.#closes(place.term)
      return place.closes || id === first ? 'fits' : 'late'
    }
  }

  /** Takes an id that was chosen; false, and no change, if it does not fit. Limits are not looked at. */
  accept(id: number): boolean {
    if (this.#hasEnded) return false
    if (this.#ends.has(id)) return (this.#hasEnded = this.#mayEnd)
    const next = this.#after(id)
    if (next === undefined) return false
    const way = this.#closes(next) ? undefined : this.#way
    this.#begun = way?.[0] === id ? way.slice(1) : undefined
    this.#term = next
    this.#taken++
    return true
  }

  /** Behind the bytes of `id`; undefined if it prints none or they do not fit. */
  #after(id: number): Term | undefined {
    const { terms } = this.#grammar
    const from = this.#isStripped && dropsSpace(this.#tokenizer, id) ? 1 : 0
    let at = from
    let term = this.#term
    for (let byte = this.#tokenizer.byteAt(id, at); byte >= 0; byte = this.#tokenizer.byteAt(id, ++at)) {
      term = terms.step(term, byte)
      if (term.shortest === NEVER) return undefined
    }
    return at === from ? undefined : term
  }

  /** The way to an end, in ids; undefined where the vocabulary has none. */
  get #way(): readonly number[] | undefined {
    return this.#begun ?? this.#ways.of(this.#term, this.#isStripped)
  }

  /** With one more token taken, the way from `next` to an end fits in what is left. */
  #closes(next: Term): boolean {
    return this.#limit === Infinity || this.#ways.fits(next, this.#left - 1)
  }
}
