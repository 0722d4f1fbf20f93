// Numbers and strings of a leaf become automata here, of all that its claims say together.

import { ANY_TEXT, intersect, without, wordsDfa, type CharDfa } from '../char-dfa.ts'
import { GrammarError } from '../grammar-error.ts'
import { allFractions, numberDfa, spellings } from '../number-language.ts'
import { patternDfa } from '../regex.ts'
import type { Claim } from './claim.ts'
import { factsOf, type Facts } from './facts.ts'
import { formatDfa } from './formats.ts'
import { holds } from './holds.ts'
import { isNumber } from './json-value.ts'
import { leavesOf } from './leaves.ts'

/** The numbers of a leaf. */
export function numbers({ leaf, number, multiples, excluded }: Facts): CharDfa {
  const isInteger = !leaf.types.has('fraction')
  let dfa = numberDfa({ ...number, isInteger })
  if (!leaf.types.has('integer')) dfa = intersect(dfa, allFractions())
  for (const { of, isExcluded, pointer } of multiples) {
    const multiple = located(pointer, () => numberDfa({ isInteger: false, multipleOf: of }))
    const plain = located(pointer, () =>
      intersect(dfa, numberDfa({ isInteger, least: { value: -1e15, isOpen: true } })),
    )
    dfa = isExcluded ? without(plain, multiple) : intersect(dfa, multiple)
  }
  const values = excluded.filter(isNumber)
  return values.length === 0
    ? dfa
    : without(
        intersect(dfa, numberDfa({ isInteger, least: { value: -1e15, isOpen: true } })),
        spellings(values.map(Number)),
      )
}

/** Equal for leaves of the same numbers. */
export function numbersKey({ leaf, number, multiples, excluded }: Facts): string {
  const bounds = [number.least, number.most].map((bound) => bound && `${bound.value} ${bound.isOpen}`)
  const others = multiples.map(({ of, isExcluded }) => `${of} ${isExcluded}`)
  const kinds = ['integer', 'fraction'].map((type) => leaf.types.has(type as 'integer' | 'fraction'))
  return JSON.stringify(['numbers', kinds, bounds, others, excluded.filter(isNumber).map(Number)])
}

/** Equal for leaves of the same strings, their lengths included. */
export function stringsKey({ texts, excluded, length }: Facts): string {
  const asked = texts.map(({ kind, text, isExcluded }) => [kind, text, isExcluded])
  const words = excluded.filter((value) => typeof value === 'string')
  return JSON.stringify(['strings', asked, words, length.least, `${length.most}`])
}

/** The characters of a string, without its length. */
export function strings({ texts, excluded }: Pick<Facts, 'texts' | 'excluded'>): CharDfa {
  let dfa = ANY_TEXT
  for (const { kind, text, isExcluded, pointer } of texts) {
    const own = located(pointer, () =>
      kind === 'pattern' ? patternDfa(text, 'search') : formatDfa(text, pointer),
    )
    dfa = located(pointer, () => (isExcluded ? without(dfa, own) : intersect(dfa, own)))
  }
  const words = excluded.filter((value) => typeof value === 'string')
  return words.length === 0 ? dfa : without(dfa, wordsDfa(words))
}

/** The strings of which all claims hold, as an automaton. Throws GrammarError where they are alternatives. */
export function stringDfa(claims: readonly Claim[]): CharDfa {
  const leaves = leavesOf(claims).filter(({ types }) => types.has('string'))
  if (leaves.length === 0) return []
  if (leaves.length > 1)
    throw new GrammarError('names with alternatives are not supported', claims[0].pointer)
  const facts = factsOf(leaves[0])
  if (facts.values !== undefined)
    return wordsDfa(
      facts.values.filter(
        (v) => typeof v === 'string' && leaves[0].claims.every((c) => holds(c, v)),
      ) as string[],
    )
  const { least, most } = facts.length
  const dfa = strings(facts)
  if (least === 0 && most === Infinity) return dfa
  return intersect(dfa, patternDfa(`[^]{${least},${most === Infinity ? '' : most}}`, 'whole'))
}

/** Gives an error that knows no place this one. */
export function located<T>(pointer: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof GrammarError) || error.pointer !== '') throw error
    throw new GrammarError(error.message, pointer)
  }
}
