// A listed value is checked against claims here: an enum keeps those that all other parts allow.

import type { ExactJson } from '../../lib/exact-json.ts'
import { dfaStep, type CharDfa } from '../char-dfa.ts'
import { patternDfa } from '../regex.ts'
import type { Claim, Members } from './claim.ts'
import { formatDfa } from './formats.ts'
import { negation } from './negate.ts'
import { areEqual, isNumber, numberOf, typeOfValue } from './json-value.ts'

/** The value fulfils the claim. Throws GrammarError for patterns and formats that cannot be followed. */
export function holds(of: Claim, value: ExactJson): boolean {
  switch (of.kind) {
    case 'always':
      return true
    case 'never':
      return false
    case 'all':
      return of.of.every((each) => holds(each, value))
    case 'any':
      return of.of.some((each) => holds(each, value))
    case 'not':
      return fails(of.of, value)
    case 'ref':
      return holds(of.target(), value)
    case 'types':
      return of.types.includes(typeOfValue(value))
    case 'values':
      return of.values.some((each) => areEqual(each, value)) !== of.isExcluded
    case 'least':
    case 'most': {
      if (!isNumber(value)) return true
      const { bound, kind } = of
      const beyond = kind === 'least' ? numberOf(value) - bound.value : bound.value - numberOf(value)
      return bound.isOpen ? beyond > 0 : beyond >= 0
    }
    case 'multiple': {
      if (!isNumber(value)) return true
      const times = numberOf(value) / of.of
      return Math.abs(times - Math.round(times)) < 1e-9 !== of.isExcluded
    }
    case 'pattern':
      return typeof value !== 'string' || accepts(patternDfa(of.text, 'search'), value) !== of.isExcluded
    case 'format':
      return typeof value !== 'string' || accepts(formatDfa(of.text, of.pointer), value) !== of.isExcluded
    case 'length':
      return typeof value !== 'string' || isWithin(Array.from(value).length, of)
    case 'count':
      return !Array.isArray(value) || isWithin(value.length, of)
    case 'size':
      return !(value instanceof Map) || isWithin(value.size, of)
    case 'unique':
      return (
        !Array.isArray(value) ||
        value.every((item, i) => !value.slice(0, i).some((other) => areEqual(item, other)))
      )
    case 'required':
      return !(value instanceof Map) || value.has(of.name)
    case 'absent':
      return !(value instanceof Map) || !value.has(of.name)
    case 'member': {
      const member = value instanceof Map ? value.get(of.name) : undefined
      return member !== undefined && holds(of.claim, member)
    }
    case 'members':
      return (
        !(value instanceof Map) ||
        Array.from(value).every(([name, each]) => memberClaims(of.members, name).every((c) => holds(c, each)))
      )
    case 'names':
      return !(value instanceof Map) || Array.from(value.keys()).every((name) => holds(of.claim, name))
    case 'items':
      return (
        !Array.isArray(value) ||
        value.every((item, i) => {
          const each = of.prefix[i] ?? of.further
          return each === undefined || holds(each, item)
        })
      )
    case 'contains':
      return !Array.isArray(value) || value.filter((item) => holds(of.claim, item)).length >= of.least
  }
}

/** The value surely does not fulfil the claim: it fulfils what is said for its negation. */
function fails(of: Claim, value: ExactJson): boolean {
  return of.kind === 'ref' ? fails(of.target(), value) : holds(negation(of), value)
}

/** What a schema's members ask of the value under `name`. */
export function memberClaims({ properties, patterns, further }: Members, name: string): Claim[] {
  const own = properties.get(name)
  const known = patterns
    .filter(({ pattern }) => accepts(patternDfa(pattern, 'search'), name))
    .map((p) => p.claim)
  if (own !== undefined) known.push(own)
  return known.length > 0 || further === undefined ? known : [further]
}

export function accepts(dfa: CharDfa, text: string): boolean {
  let state = dfa.length === 0 ? -1 : 0
  for (const char of text) {
    if (state < 0) return false
    state = dfaStep(dfa[state], char.codePointAt(0) ?? 0)
  }
  return state >= 0 && dfa[state].isEnd
}

function isWithin(count: number, { least, most }: { least: number; most: number }): boolean {
  return count >= least && count <= most
}
