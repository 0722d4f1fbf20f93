// The facts of a leaf are its claims put together, by type of value.

import type { ExactJson } from '../../lib/exact-json.ts'
import type { Bound, NumberRule } from '../number-language.ts'
import type { Claim, Members } from './claim.ts'
import { areEqual } from './json-value.ts'
import type { Leaf } from './leaves.ts'

export type Range = { least: number; most: number }

export type Facts = {
  leaf: Leaf
  /** Undefined: any. */
  values: readonly ExactJson[] | undefined
  excluded: readonly ExactJson[]
  number: Pick<NumberRule, 'least' | 'most'>
  multiples: readonly Extract<Claim, { kind: 'multiple' }>[]
  texts: readonly Extract<Claim, { kind: 'pattern' | 'format' }>[]
  length: Range
  size: Range
  count: Range
  required: ReadonlySet<string>
  absent: ReadonlySet<string>
  members: readonly Members[]
  /** Claims about single members. */
  member: ReadonlyMap<string, readonly Claim[]>
  names: readonly Claim[]
  items: readonly Extract<Claim, { kind: 'items' }>[]
  contains: readonly Extract<Claim, { kind: 'contains' }>[]
  isUnique: boolean
}

export function factsOf(leaf: Leaf): Facts {
  const { claims } = leaf
  const of = <K extends Claim['kind']>(...kinds: readonly K[]): Extract<Claim, { kind: K }>[] =>
    claims.filter((claim): claim is Extract<Claim, { kind: K }> =>
      (kinds as readonly string[]).includes(claim.kind),
    )
  const range = (kind: 'length' | 'size' | 'count'): Range =>
    of(kind).reduce<Range>(
      (a, b) => ({ least: Math.max(a.least, b.least), most: Math.min(a.most, b.most) }),
      { least: 0, most: Infinity },
    )
  const listed = of('values').filter(({ isExcluded }) => !isExcluded)
  const single = of('member')
  const member = new Map<string, Claim[]>()
  for (const { name, claim } of single) member.set(name, [...(member.get(name) ?? []), claim])
  return {
    leaf,
    values: listed.length === 0 ? undefined : distinctValues(listed[0].values),
    excluded: of('values')
      .filter(({ isExcluded }) => isExcluded)
      .flatMap(({ values }) => values),
    number: { least: tightest(of('least'), 1), most: tightest(of('most'), -1) },
    multiples: of('multiple'),
    texts: of('pattern', 'format'),
    length: range('length'),
    size: range('size'),
    count: range('count'),
    required: new Set([...of('required').map(({ name }) => name), ...member.keys()]),
    absent: new Set(of('absent').map(({ name }) => name)),
    members: of('members').map(({ members }) => members),
    member,
    names: of('names').map(({ claim }) => claim),
    items: of('items'),
    contains: of('contains'),
    isUnique: of('unique').length > 0,
  }
}

function distinctValues(values: readonly ExactJson[]): ExactJson[] {
  const plain = new Set(values.filter((value) => typeof value === 'string'))
  const others = values.filter((value) => typeof value !== 'string')
  return [...plain, ...others.filter((value, i) => others.findIndex((other) => areEqual(other, value)) === i)]
}

/** The bound that leaves least; `sign` is 1 for lower bounds. */
function tightest(bounds: readonly { bound: Bound }[], sign: 1 | -1): Bound | undefined {
  return bounds.reduce<Bound | undefined>((best, { bound }) => {
    if (best === undefined) return bound
    if (bound.value === best.value) return { value: best.value, isOpen: best.isOpen || bound.isOpen }
    return (bound.value - best.value) * sign > 0 ? bound : best
  }, undefined)
}
