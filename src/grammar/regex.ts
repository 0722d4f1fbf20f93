// A pattern becomes a character automaton here: what it finds in a text, or what it is as a whole.

import { ANY_CHAR } from './char-ranges.ts'
import { dfaOf, type CharDfa } from './char-dfa.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'
import { parseRegex, type Regex } from './regex-syntax.ts'
import { RegexTerms, type RegexTerm } from './regex-term.ts'
import { madeBy, takeMade, type Made } from './work-budget.ts'

/** `search`: the pattern is found somewhere in the text; `whole`: it is all of it. Throws GrammarError, also above `mostChars`. */
export function patternDfa(
  pattern: string,
  mode: 'search' | 'whole',
  mostChars: number = LIMITS.patternChars,
): CharDfa {
  const key = `${mode}:${pattern}`
  const known = made.get(key)
  if (known !== undefined) return takeMade(known)
  const dfa = madeBy(() => compile(pattern, mode, mostChars))
  if (made.size >= MAX_MADE) made.clear()
  made.set(key, dfa)
  return dfa.value
}

/** A schema asks for the same few patterns again and again. */
const made = new Map<string, Made<CharDfa>>()
const MAX_MADE = 32

function compile(pattern: string, mode: 'search' | 'whole', mostChars: number): CharDfa {
  const terms = new RegexTerms()
  const builder = new Builder(terms)
  const regex = parseRegex(pattern, mostChars)
  if (mode === 'whole') return dfaOf(builder.build(regex, terms.empty, 'begin'), terms.nothing)
  const atBegin = builder.build(regex, terms.anything, 'begin')
  // What is anchored cannot match later.
  const later = builder.build(regex, terms.anything, 'later')
  const one = terms.chars(ANY_CHAR)
  return dfaOf(terms.either([atBegin, terms.seq(one, terms.seq(terms.anything, later))]), terms.nothing)
}

/** Whether characters came before: `^` matches at the begin alone. */
type Place = 'begin' | 'later' | 'unknown'

/** Builds from behind: each part knows all that follows it, so that `$` and look-ahead can look at it. */
class Builder {
  readonly #terms: RegexTerms

  constructor(terms: RegexTerms) {
    this.#terms = terms
  }

  build(regex: Regex, rest: RegexTerm, place: Place): RegexTerm {
    const terms = this.#terms
    switch (regex.kind) {
      case 'chars':
        return terms.seq(terms.chars(regex.ranges), rest)
      case 'seq':
        return this.#sequence(regex.parts, rest, place)
      case 'either':
        return terms.either(regex.options.map((option) => this.build(option, rest, place)))
      case 'repeat':
        if (looksAround(regex.body)) {
          if (regex.most > 1)
            throw new GrammarError('a repeated group with ^, $ or a look-ahead is not supported')
          const once = this.build(regex.body, rest, place)
          return regex.least === 1 ? once : terms.either([once, rest])
        }
        return terms.seq(
          terms.repeat(this.build(regex.body, terms.empty, 'unknown'), regex.least, regex.most),
          rest,
        )
      case 'begin':
        if (place === 'unknown')
          throw new GrammarError('^ behind something that may be empty is not supported')
        return place === 'begin' ? rest : terms.nothing
      case 'end':
        return rest.isNullable ? terms.empty : terms.nothing
      case 'ahead': {
        const ahead = this.build(regex.body, terms.anything, place)
        return terms.both([rest, regex.isNegative ? terms.not(ahead) : ahead])
      }
    }
  }

  #sequence(parts: readonly Regex[], rest: RegexTerm, place: Place): RegexTerm {
    const places: Place[] = []
    for (const part of parts) {
      places.push(place)
      const [least, most] = lengthOf(part)
      if (least > 0) place = 'later'
      else if (most > 0) place = place === 'later' ? 'later' : 'unknown'
    }
    return parts.reduceRight((tail, part, i) => this.build(part, tail, places[i]), rest)
  }
}

function looksAround(regex: Regex): boolean {
  switch (regex.kind) {
    case 'chars':
      return false
    case 'seq':
      return regex.parts.some(looksAround)
    case 'either':
      return regex.options.some(looksAround)
    case 'repeat':
      return looksAround(regex.body)
    default:
      return true
  }
}

/** Least and most characters. */
function lengthOf(regex: Regex): readonly [number, number] {
  switch (regex.kind) {
    case 'chars':
      return [1, 1]
    case 'seq':
      return regex.parts.map(lengthOf).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0])
    case 'either':
      return regex.options
        .map(lengthOf)
        .reduce(([a, b], [c, d]) => [Math.min(a, c), Math.max(b, d)], [Infinity, 0])
    case 'repeat': {
      const [least, most] = lengthOf(regex.body)
      return [least * regex.least, most === 0 ? 0 : most * regex.most]
    }
    default:
      return [0, 0]
  }
}
