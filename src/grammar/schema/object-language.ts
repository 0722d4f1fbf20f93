// An object language is put together from claims about members: keys in order, further names.

import { ANY_TEXT, intersect, without, wordsDfa, type CharDfa } from '../char-dfa.ts'
import { GrammarError } from '../grammar-error.ts'
import type { ObjectLanguage } from '../object-term.ts'
import { patternDfa } from '../regex.ts'
import type { Term } from '../term.ts'
import { isEvaluated, type Claim, type Members } from './claim.ts'
import { stringDfa } from './scalars.ts'
import type { Facts } from './facts.ts'
import { holds, memberClaims } from './holds.ts'

/** Kinds of names that patterns tell apart. */
const MAX_CLASSES = 64

/** Undefined where no object fulfils the facts. */
export function objectLanguage(
  facts: Facts,
  valueOf: (claims: readonly Claim[]) => Term,
  isCanonical: boolean,
): ObjectLanguage | undefined {
  const { members, required, absent, size } = facts
  for (const name of required) if (absent.has(name)) return undefined
  const declared = new Set([...members.flatMap(({ properties }) => [...properties.keys()]), ...required])
  const keys: ObjectLanguage['keys'][number][] = []
  for (const name of declared) {
    const isRequired = required.has(name)
    const value = valueOf(claimsOf(facts, name))
    const isPossible = !absent.has(name) && facts.names.every((claim) => holds(claim, name))
    if (isPossible && value !== value.terms.nothing) keys.push({ name, value, isRequired })
    else if (isRequired) return undefined
  }
  const further = classesOf(facts, declared).map(({ names, claims }) => ({ names, value: valueOf(claims) }))
  const own = keys.filter(({ isRequired }) => isRequired).length
  // Two further members could come in either order: equal values with two texts.
  if (isCanonical && keys.length > 0) further.length = 0
  const bound = isCanonical && keys.length === 0 ? Math.min(1, size.most) : size.most
  const most = further.length === 0 ? Math.min(bound, keys.length) : bound
  if (size.least > most || own > most) return undefined
  return {
    keys,
    further: further.filter(({ value }) => value !== value.terms.nothing),
    least: size.least,
    most,
  }
}

/** All that is asked of the value under a name. */
function claimsOf({ members, member }: Facts, name: string): Claim[] {
  const claims = members.flatMap((each) => {
    if (
      each.isUnevaluated &&
      members.some((other) => isEvaluated(each.pointer, other.pointer) && knows(other, name))
    ) {
      return each.properties.has(name) ? memberClaims({ ...each, further: undefined }, name) : []
    }
    return memberClaims(each, name)
  })
  return [...claims, ...(member.get(name) ?? [])]
}

function knows(each: Members, name: string): boolean {
  return memberClaims(each, name).length > 0 || each.properties.has(name)
}

/** It lets no further names in. */
function isClosing(further: Claim | undefined): boolean {
  return further === undefined || further.kind === 'never'
}

type NameClass = { names: CharDfa; claims: readonly Claim[]; knownBy: readonly string[] }

/** Names besides the declared ones, sorted by the patterns that they match. */
function classesOf(facts: Facts, declared: ReadonlySet<string>): NameClass[] {
  const { members, names, absent } = facts
  const isOpen = members.every(({ properties }) => properties.size === 0)
  if (!isOpen && members.every(({ patterns, further }) => patterns.length === 0 && isClosing(further)))
    return []
  let base: CharDfa = ANY_TEXT
  for (const claim of names) base = intersect(base, stringDfa([claim]))
  const taken = new Set([...declared, ...absent])
  if (taken.size > 0) base = without(base, wordsDfa(taken))
  let classes: NameClass[] = [{ names: base, claims: [], knownBy: [] }]
  const order = [...members].sort((a, b) => Number(a.isUnevaluated) - Number(b.isUnevaluated))
  for (const each of order) classes = classes.flatMap((one) => split(one, each))
  return classes.filter((one) => one.names.length > 0 && (one.knownBy.length > 0 || isOpen))
}

/** A class by the patterns of one part of the schema; names of none are its further ones. */
function split(one: NameClass, { patterns, further, isUnevaluated, pointer }: Members): NameClass[] {
  let unmatched: NameClass[] = [one]
  let matched: NameClass[] = []
  for (const { pattern, claim } of patterns) {
    const dfa = patternDfa(pattern, 'search')
    const within = ({ names, claims, knownBy }: NameClass): NameClass => ({
      names: intersect(names, dfa),
      claims: [...claims, claim],
      knownBy: [...knownBy, pointer],
    })
    const beyond = (each: NameClass): NameClass => ({ ...each, names: without(each.names, dfa) })
    const next = [...unmatched, ...matched].map(within)
    matched = [...matched.map(beyond), ...next].filter(({ names }) => names.length > 0)
    unmatched = unmatched.map(beyond).filter(({ names }) => names.length > 0)
    if (matched.length > MAX_CLASSES) throw new GrammarError('too many patterns of names')
  }
  const rest = unmatched.flatMap((each): NameClass[] => {
    if (further === undefined || (isUnevaluated && each.knownBy.some((other) => isEvaluated(pointer, other))))
      return [each]
    return further.kind === 'never'
      ? []
      : [{ ...each, claims: [...each.claims, further], knownBy: [...each.knownBy, pointer] }]
  })
  return [...matched, ...rest]
}
