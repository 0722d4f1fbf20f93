// A regex term is a regular language over code points, derived by a character.
//
// Source: Owens, Reppy and Turon, "Regular-expression derivatives re-examined", 2009. Terms are made once each, and
// similar ones (order and doubles of alternatives) are the same, so that there are finitely many derivatives.

import { spend } from './work-budget.ts'
import { ANY_CHAR, hasChar, type CharRanges } from './char-ranges.ts'

export type RegexTerm = {
  readonly id: number
  readonly isNullable: boolean
  derive(char: number): RegexTerm
  /** Marks where characters begin that this term treats otherwise than those before. */
  boundaries(into: Set<number>): void
}

type Kind =
  | { kind: 'nothing' }
  | { kind: 'empty' }
  | { kind: 'chars'; ranges: CharRanges }
  | { kind: 'seq'; head: RegexTerm; tail: RegexTerm }
  | { kind: 'either'; options: readonly RegexTerm[] }
  | { kind: 'both'; parts: readonly RegexTerm[] }
  | { kind: 'not'; of: RegexTerm }
  | { kind: 'repeat'; body: RegexTerm; least: number; most: number }

/** Makes regex terms, each once. */
export class RegexTerms {
  readonly #known = new Map<string, Made>()
  readonly nothing: RegexTerm
  readonly empty: RegexTerm
  /** Every string. */
  readonly anything: RegexTerm

  constructor() {
    this.nothing = this.#once('0', { kind: 'nothing' }, false)
    this.empty = this.#once('1', { kind: 'empty' }, true)
    this.anything = this.repeat(this.chars(ANY_CHAR), 0)
  }

  chars(ranges: CharRanges): RegexTerm {
    return ranges.length === 0
      ? this.nothing
      : this.#once(`.${ranges.join()}`, { kind: 'chars', ranges }, false)
  }

  seq(head: RegexTerm, tail: RegexTerm): RegexTerm {
    if (head === this.nothing || tail === this.nothing) return this.nothing
    if (head === this.empty) return tail
    if (tail === this.empty) return head
    const { kind } = head as Made
    if (kind.kind === 'seq') return this.seq(kind.head, this.seq(kind.tail, tail))
    return this.#once(
      `s${head.id},${tail.id}`,
      { kind: 'seq', head, tail },
      head.isNullable && tail.isNullable,
    )
  }

  either(options: readonly RegexTerm[]): RegexTerm {
    const flat = this.#flat(options, 'either')
    flat.delete(this.nothing)
    if (flat.has(this.anything)) return this.anything
    const sorted = sortedById(flat)
    if (sorted.length < 2) return sorted[0] ?? this.nothing
    const isNullable = sorted.some((option) => option.isNullable)
    return this.#once(
      `|${sorted.map(({ id }) => id).join()}`,
      { kind: 'either', options: sorted },
      isNullable,
    )
  }

  both(parts: readonly RegexTerm[]): RegexTerm {
    const flat = this.#flat(parts, 'both')
    flat.delete(this.anything)
    if (flat.has(this.nothing)) return this.nothing
    const sorted = sortedById(flat)
    if (sorted.length < 2) return sorted[0] ?? this.anything
    const isNullable = sorted.every((part) => part.isNullable)
    return this.#once(`&${sorted.map(({ id }) => id).join()}`, { kind: 'both', parts: sorted }, isNullable)
  }

  not(of: RegexTerm): RegexTerm {
    const { kind } = of as Made
    if (kind.kind === 'not') return kind.of
    if (of === this.nothing) return this.anything
    if (of === this.anything) return this.nothing
    return this.#once(`!${of.id}`, { kind: 'not', of }, !of.isNullable)
  }

  repeat(body: RegexTerm, least: number, most = Infinity): RegexTerm {
    if (most === 0 || body === this.empty) return this.empty
    if (body === this.nothing) return least === 0 ? this.empty : body
    if (least === 1 && most === 1) return body
    // What may be empty may be left out: of it only how often at most counts.
    const from = body.isNullable ? 0 : least
    return this.#once(`r${body.id},${from},${most}`, { kind: 'repeat', body, least: from, most }, from === 0)
  }

  #flat(items: readonly RegexTerm[], kind: 'either' | 'both'): Set<RegexTerm> {
    const flat = new Set<RegexTerm>()
    for (const item of items) {
      const inner = (item as Made).kind
      if (inner.kind !== kind) flat.add(item)
      else for (const each of inner.kind === 'either' ? inner.options : inner.parts) flat.add(each)
    }
    return flat
  }

  #once(key: string, kind: Kind, isNullable: boolean): RegexTerm {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    spend(4 + (kind.kind === 'either' ? kind.options.length : 0))
    const made = new Made(this, this.#known.size, kind, isNullable)
    this.#known.set(key, made)
    return made
  }
}

function sortedById(terms: ReadonlySet<RegexTerm>): RegexTerm[] {
  return [...terms].sort((a, b) => a.id - b.id)
}

class Made implements RegexTerm {
  readonly id: number
  readonly kind: Kind
  readonly isNullable: boolean
  readonly #terms: RegexTerms

  constructor(terms: RegexTerms, id: number, kind: Kind, isNullable: boolean) {
    this.#terms = terms
    this.id = id
    this.kind = kind
    this.isNullable = isNullable
  }

  derive(char: number): RegexTerm {
    const terms = this.#terms
    const { kind } = this
    switch (kind.kind) {
      case 'nothing':
      case 'empty':
        return terms.nothing
      case 'chars':
        return hasChar(kind.ranges, char) ? terms.empty : terms.nothing
      case 'seq': {
        const inHead = terms.seq(kind.head.derive(char), kind.tail)
        return kind.head.isNullable ? terms.either([inHead, kind.tail.derive(char)]) : inHead
      }
      case 'either':
        return terms.either(kind.options.map((option) => option.derive(char)))
      case 'both':
        return terms.both(kind.parts.map((part) => part.derive(char)))
      case 'not':
        return terms.not(kind.of.derive(char))
      case 'repeat': {
        const rest = terms.repeat(kind.body, Math.max(0, kind.least - 1), kind.most - 1)
        return terms.seq(kind.body.derive(char), rest)
      }
    }
  }

  boundaries(into: Set<number>): void {
    const { kind } = this
    switch (kind.kind) {
      case 'nothing':
      case 'empty':
        return
      case 'chars':
        for (const [low, high] of kind.ranges) into.add(low).add(high + 1)
        return
      case 'seq':
        kind.head.boundaries(into)
        if (kind.head.isNullable) kind.tail.boundaries(into)
        return
      case 'either':
        for (const option of kind.options) option.boundaries(into)
        return
      case 'both':
        for (const part of kind.parts) part.boundaries(into)
        return
      case 'not':
        return kind.of.boundaries(into)
      case 'repeat':
        return kind.body.boundaries(into)
    }
  }
}
