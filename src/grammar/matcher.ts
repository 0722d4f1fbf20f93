// A matcher is the state of one answer under a grammar: which ids may come and leave time to end.

import { dropsSpace } from '../tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { isFree } from './free-text.ts'
import { leadsOn, type Grammar } from './grammar.ts'
import { marked, type Vocabulary } from './marked.ts'
import { Places, ROOT_PLACE } from './places.ts'
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
  /** Names of tokens that the grammar may ask for. */
  tokens?: readonly string[]
  /** In free text an end is a token like others: see GenerateRequest.ignoreEos. */
  ignoresEnds?: boolean
}

/** The ids of a way to an end, and where one is on it: it is not copied for each. None where the vocabulary has none. */
type Way = { ids: readonly number[] | undefined; at: number }

/**
 * Reads the bytes that TextStream prints for each id. An id that prints nothing fits in free text alone; one that ends an
 * answer fits where the text may end, and nowhere else. Under a limit an id fits only if the way from behind it to an end is short
 * enough, or if it is the next of the way itself: so there is always one that fits, and the text ends in time.
 */
export class Matcher {
  readonly #grammar: Grammar
  readonly #tokenizer: Vocabulary
  readonly #ends: ReadonlySet<number>
  readonly #ways: TokenWays
  readonly #limit: number
  readonly #ignoresEnds: boolean
  /** The next id loses the space that it begins with, as in TextStream. */
  #isStripped: boolean
  #term: Term
  #taken = 0
  /** A way that was begun, where the way from here anew would be too long. */
  #begun: Way | undefined
  /** The way from here, looked for once. */
  #fresh: Way | undefined
  #hasEnded = false
  /** Of the last pass. */
  #places: Places | undefined

  constructor(grammar: Grammar, tokenizer: Tokenizer, options: MatcherOptions = {}) {
    this.#grammar = grammar
    this.#tokenizer = marked(tokenizer, options.tokens ?? [])
    this.#ends = new Set([...tokenizer.endIds, ...(options.ends ?? [])])
    this.#limit = options.limit ?? Infinity
    this.#ignoresEnds = options.ignoresEnds === true
    this.#isStripped = tokenizer.decoding?.stripLeadingSpace === true && options.continues !== true
    this.#ways = new TokenWays(grammar.terms, this.#tokenizer)
    this.#term = grammar.start
  }

  /** Tokens that suffice for a whole text from the start on; Infinity where the vocabulary lacks bytes. */
  get leastTokens(): number {
    const least = this.#ways.of(this.#grammar.start, this.#isStripped)?.length ?? Infinity
    this.#grammar.terms.forget()
    return least
  }

  /** The text is whole, and nothing may follow or no token is left. Free text is never whole by itself. */
  get isDone(): boolean {
    return this.#hasEnded || (this.#mayEnd && !isFree(this.#term) && (this.#left <= 0 || !this.#leadsOn))
  }

  /** It is whole because no token is left; more could have come. */
  get isCut(): boolean {
    return !this.#hasEnded && this.#mayEnd && !isFree(this.#term) && this.#left <= 0 && this.#leadsOn
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

  #endsWith(id: number): boolean {
    return this.#ends.has(id) && !(this.#ignoresEnds && isFree(this.#term))
  }

  verdict(id: number): Verdict {
    if (this.#endsWith(id)) return this.#mayEnd ? 'fits' : 'no'
    const next = this.#after(id)
    if (next === undefined) return 'no'
    return this.#closes(next) || id === this.#first ? 'fits' : 'late'
  }

  /** The same for the whole vocabulary at this place: each beginning that ids share is derived once. */
  pass(): (id: number) => Verdict {
    const tokenizer = this.#tokenizer
    const places = (this.#places = new Places(this.#term))
    const mayEnd = this.#mayEnd
    const closes = (term: Term): boolean => this.#closes(term)
    return (id) => {
      let place = ROOT_PLACE
      const from = this.#isStripped && dropsSpace(tokenizer, id) ? 1 : 0
      let at = from
      for (let byte = tokenizer.byteAt(id, at); byte >= 0; byte = tokenizer.byteAt(id, ++at)) {
        place = places.next(place, byte)
        if (place < 0) return mayEnd && this.#endsWith(id) ? 'fits' : 'no'
      }
      if (this.#endsWith(id)) return mayEnd ? 'fits' : 'no'
      if (at === from && !this.#printsNothing(id)) return 'no'
      return places.closes(place, closes) || id === this.#first ? 'fits' : 'late'
    }
  }

  /**
   * Whether no other text than that of `id` could have come, however it is cut into tokens. White space that JSON allows is no
   * other text, an end is one. Looks at all bytes that may follow at each byte of the id, until one may.
   */
  isForced(id: number): boolean {
    const { terms } = this.#grammar
    let term = this.#term
    const from = this.#isStripped && dropsSpace(this.#tokenizer, id) ? 1 : 0
    let at = from
    for (let byte = this.#tokenizer.byteAt(id, at); byte >= 0; byte = this.#tokenizer.byteAt(id, ++at)) {
      const next = terms.step(term, byte)
      if (term.shortest === 0 || next.shortest === NEVER) return false
      // In a string white space is one character of many, in front of a name it is one of two.
      let rivals = 0
      for (let other = 0; other < 256; other++) {
        if (other === byte) continue
        const rival = terms.step(term, other)
        if (rival.shortest === NEVER) continue
        // As much follows with it and without it; terms that were forgotten are not the same again, and so not compared.
        const isAside = isSpace(other)
          ? isSpace(byte) || terms.step(rival, byte).shortest === next.shortest
          : isSpace(byte) && ++rivals < 2 && terms.step(next, other).shortest === rival.shortest
        if (!isAside) return false
      }
      term = next
    }
    return at > from
  }

  /** Takes an id that was chosen; false, and no change, if it does not fit. Limits are not looked at. */
  accept(id: number): boolean {
    if (this.#hasEnded) return false
    if (this.#endsWith(id)) return (this.#hasEnded = this.#mayEnd)
    const next = this.#after(id)
    if (next === undefined) return false
    const way = this.#closes(next) ? undefined : this.#way
    this.#begun = way?.ids?.[way.at] === id ? { ids: way.ids, at: way.at + 1 } : undefined
    this.#fresh = undefined
    this.#places?.end()
    this.#places = undefined
    this.#term = next
    this.#grammar.terms.forget()
    this.#taken++
    if (this.#isStripped && !this.#tokenizer.isSpecial(id)) this.#isStripped = this.#isStillStripped(id)
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
    return at === from && !this.#printsNothing(id) ? undefined : term
  }

  /** Where that is no harm: in free text, of an id of the vocabulary. */
  #printsNothing(id: number): boolean {
    return isFree(this.#term) && id >= 0 && id < this.#tokenizer.vocabSize
  }

  /** An id of which nothing is left may be followed by another that loses its space. */
  #isStillStripped(id: number): boolean {
    const { decoding } = this.#tokenizer
    const isLost =
      this.#tokenizer.byteAt(id, 0) < 0 ||
      (dropsSpace(this.#tokenizer, id) && this.#tokenizer.byteAt(id, 1) < 0)
    return isLost && decoding?.stripAllLeading === true
  }

  /** The way to an end. */
  get #way(): Way {
    if (this.#begun !== undefined) return this.#begun
    return (this.#fresh ??= { ids: this.#ways.of(this.#term, this.#isStripped), at: 0 })
  }

  get #first(): number | undefined {
    const { ids, at } = this.#way
    return ids?.[at]
  }

  /** With one more token taken, the way from `next` to an end fits in what is left. */
  #closes(next: Term): boolean {
    return this.#limit === Infinity || this.#ways.fits(next, this.#left - 1)
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a
}
