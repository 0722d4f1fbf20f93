// A negation is said in claims to generate from; what cannot be said leaves fewer values.

import { isExactFormat } from './formats.ts'
import { allOf, anyOf, claim, not, typed, VALUE_TYPES, type Claim, type ValueType } from './claim.ts'

const NUMBERS: readonly ValueType[] = ['integer', 'fraction']

/** What does not fulfil `of`, one level deep: claims inside are negated when they are reached. */
export function negation(of: Claim): Claim {
  const at = of.pointer
  const of_type = (types: readonly ValueType[], ...more: Claim[]): Claim =>
    allOf([typed(types, at), ...more], at)
  switch (of.kind) {
    case 'always':
    case 'never':
    case 'not':
      return not(of)
    case 'ref':
      return negation(of.target())
    case 'all':
      return anyOf(of.of.map(not), at)
    case 'any':
      return allOf(of.of.map(not), at)
    case 'types':
      return typed(
        VALUE_TYPES.filter((type) => !of.types.includes(type)),
        at,
      )
    case 'values':
      return claim({ ...of, isExcluded: !of.isExcluded }, at)
    case 'least':
    case 'most': {
      const { value, isOpen } = of.bound
      const kind = of.kind === 'least' ? 'most' : 'least'
      return of_type(NUMBERS, claim({ kind, bound: { value, isOpen: !isOpen } }, at))
    }
    case 'multiple':
      return of_type(NUMBERS, claim({ ...of, isExcluded: !of.isExcluded }, at))
    case 'pattern':
    case 'format':
      if (of.kind === 'format' && !isExactFormat(of.text)) return claim({ kind: 'never' }, at)
      return of_type(['string'], claim({ ...of, isExcluded: !of.isExcluded }, at))
    case 'length':
    case 'size':
    case 'count': {
      const { kind, least, most } = of
      const type = ({ length: 'string', size: 'object', count: 'array' } as const)[kind]
      const sides: Claim[] = []
      if (least > 0) sides.push(claim({ kind, least: 0, most: least - 1 }, at))
      if (most < Infinity) sides.push(claim({ kind, least: most + 1, most: Infinity }, at))
      return of_type([type], anyOf(sides, at))
    }
    case 'required':
      return of_type(['object'], claim({ kind: 'absent', name: of.name }, at))
    case 'absent':
      return of_type(['object'], claim({ kind: 'required', name: of.name }, at))
    case 'member':
      return anyOf(
        [
          typed(
            VALUE_TYPES.filter((type) => type !== 'object'),
            at,
          ),
          claim({ kind: 'absent', name: of.name }, at),
          claim({ kind: 'member', name: of.name, claim: not(of.claim) }, at),
        ],
        at,
      )
    case 'members': {
      const wrong = Array.from(of.members.properties, ([name, inner]) =>
        claim({ kind: 'member', name, claim: not(inner) }, at),
      )
      return of_type(['object'], anyOf(wrong.filter(isPossible), at))
    }
    case 'items': {
      // Whether an item is unevaluated depends on what stands beside.
      const first = of.prefix[0] ?? (of.isUnevaluated ? undefined : of.further)
      if (first === undefined) return claim({ kind: 'never' }, at)
      const items = claim(
        { kind: 'items', prefix: [not(first)], further: undefined, isUnevaluated: false },
        at,
      )
      return of_type(['array'], claim({ kind: 'count', least: 1, most: Infinity }, at), items)
    }
    case 'contains': {
      if (of.least > 1) return claim({ kind: 'never' }, at)
      const none = claim({ kind: 'items', prefix: [], further: not(of.claim), isUnevaluated: false }, at)
      return of_type(['array'], none)
    }
    case 'unique':
    case 'names':
      return claim({ kind: 'never' }, at)
  }
}

function isPossible(of: Claim): boolean {
  return !(of.kind === 'member' && of.claim.kind === 'never')
}
