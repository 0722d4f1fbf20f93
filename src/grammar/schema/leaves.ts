// A leaf is a list of claims without alternatives; a value of a schema fulfils one of its leaves.

import { GrammarError } from '../grammar-error.ts'
import { VALUE_TYPES, type Claim, type ValueType } from './claim.ts'
import { holds } from './holds.ts'
import { negation } from './negate.ts'
import { spend } from '../work-budget.ts'

/** Combinations of alternatives of one value. */
const MAX_LEAVES = 256
/** Claims that are looked at for them. */
const MAX_LOOKS = 20_000

export type Leaf = { types: ReadonlySet<ValueType>; claims: readonly Claim[] }

type Group = { options: readonly Claim[]; ancestors: Ancestors }
/** References on the way to a claim: one that leads to itself says nothing. */
type Ancestors = readonly number[]

/** The leaves of a list of claims that all must hold. Throws GrammarError where they are too many, or endless. */
export function leavesOf(claims: readonly Claim[]): Leaf[] {
  const leaves: Leaf[] = []
  const budget = { looks: MAX_LOOKS }
  const visit = (branch: Branch): void => {
    const group = branch.nextGroup()
    if (branch.isDead) return
    if (group === undefined) {
      if (leaves.length >= MAX_LEAVES)
        throw new GrammarError(
          `more than ${MAX_LEAVES} combinations of alternatives`,
          claims[0]?.pointer ?? '',
        )
      leaves.push({ types: branch.types, claims: branch.claims })
      return
    }
    for (const option of group.options) {
      const next = branch.copy()
      next.add(option, group.ancestors)
      if (!next.isDead) visit(next)
    }
  }
  const first = new Branch(budget)
  for (const each of claims) first.add(each, [])
  if (!first.isDead) visit(first)
  return leaves
}

/** Claims that are taken together, with the alternatives that are still open. */
class Branch {
  types: Set<ValueType> = new Set(VALUE_TYPES)
  claims: Claim[] = []
  isDead = false
  #groups: Group[] = []
  #taken = new Set<number>()
  readonly #budget: { looks: number }

  constructor(budget: { looks: number }) {
    this.#budget = budget
  }

  copy(): Branch {
    spend(8 + this.claims.length + this.#taken.size)
    const other = new Branch(this.#budget)
    other.types = new Set(this.types)
    other.claims = [...this.claims]
    other.#groups = [...this.#groups]
    other.#taken = new Set(this.#taken)
    return other
  }

  add(of: Claim, ancestors: Ancestors): void {
    if (this.isDead) return
    spend(2)
    if (--this.#budget.looks < 0) throw new GrammarError('too many combinations of alternatives', of.pointer)
    switch (of.kind) {
      case 'always':
        return
      case 'never':
        this.isDead = true
        return
      case 'ref':
        if (ancestors.includes(of.id)) throw new GrammarError('$ref leads back to itself', of.pointer)
        return this.#once(of, () => this.add(of.target(), [...ancestors, of.id]))
      case 'all':
        return this.#once(of, () => of.of.forEach((each) => this.add(each, ancestors)))
      case 'any':
        return this.#once(of, () => void this.#groups.push({ options: of.of, ancestors }))
      case 'not':
        return this.add(of.of.kind === 'ref' ? negation(of.of.target()) : negation(of.of), ancestors)
      case 'types':
        for (const type of this.types) if (!of.types.includes(type)) this.types.delete(type)
        if (this.types.size === 0) this.isDead = true
        return
      default:
        return this.#once(of, () => void this.claims.push(of))
    }
  }

  #once(of: Claim, act: () => void): void {
    if (this.#taken.has(of.id)) return
    this.#taken.add(of.id)
    act()
  }

  /** The open alternatives with the fewest that are possible; those that hold anyway are dropped. */
  nextGroup(): Group | undefined {
    const open: Group[] = []
    for (const { options, ancestors } of this.#groups) {
      spend(4 * options.length)
      const possible = options.filter((option) => !this.#isImpossible(option))
      if (possible.some((option) => this.#isImplied(option))) continue
      if (possible.length === 0) {
        this.isDead = true
        return undefined
      }
      open.push({ options: possible, ancestors })
    }
    this.#groups = open
    if (open.length === 0) return undefined
    const next = open.reduce((best, group) => (group.options.length < best.options.length ? group : best))
    this.#groups = open.filter((group) => group !== next)
    return next
  }

  /** Cannot hold beside what is known: a look at types and at values of members, not a proof. */
  #isImpossible(of: Claim): boolean {
    switch (of.kind) {
      case 'never':
        return true
      case 'types':
        return !of.types.some((type) => this.types.has(type))
      case 'all':
        return of.of.some((each) => this.#isImpossible(each))
      case 'ref':
        return this.#isImpossible(of.target())
      case 'absent':
        return (
          this.#isObject && this.claims.some((claim) => claim.kind === 'required' && claim.name === of.name)
        )
      case 'member':
        return this.#memberValues(of.name)?.every((value) => !holds(of.claim, value)) === true
      case 'values':
        return this.#ownValues?.every((value) => !holds(of, value)) === true
      default:
        return false
    }
  }

  #isImplied(of: Claim): boolean {
    switch (of.kind) {
      case 'always':
        return true
      case 'types':
        return Array.from(this.types).every((type) => of.types.includes(type))
      case 'all':
        return of.of.every((each) => this.#isImplied(each))
      case 'not':
        return this.#isImplied(negation(of.of))
      case 'any':
        return of.of.some((each) => this.#isImplied(each))
      case 'required':
        return (
          !this.types.has('object') ||
          this.claims.some((claim) => claim.kind === 'required' && claim.name === of.name)
        )
      case 'member': {
        const isThere =
          this.#isObject && this.claims.some((claim) => claim.kind === 'required' && claim.name === of.name)
        return isThere && this.#memberValues(of.name)?.every((value) => holds(of.claim, value)) === true
      }
      case 'values':
        return this.#ownValues?.every((value) => holds(of, value)) === true
      default:
        return this.#taken.has(of.id)
    }
  }

  get #isObject(): boolean {
    return this.types.size === 1 && this.types.has('object')
  }

  /** Values that the branch lists for itself. */
  get #ownValues(): Extract<Claim, { kind: 'values' }>['values'] | undefined {
    return this.claims.find((claim) => claim.kind === 'values' && !claim.isExcluded)?.kind === 'values'
      ? valuesOf(this.claims)
      : undefined
  }

  /** Values that a member is listed to have. */
  #memberValues(name: string): Extract<Claim, { kind: 'values' }>['values'] | undefined {
    for (const claim of this.claims) {
      const inner =
        claim.kind === 'members'
          ? claim.members.properties.get(name)
          : claim.kind === 'member' && claim.name === name
            ? claim.claim
            : undefined
      const values = inner === undefined ? undefined : valuesOf(plainly(inner))
      if (values !== undefined) return values
    }
    return undefined
  }
}

/** The claim's parts that all must hold, where that is seen at once. */
function plainly(of: Claim, depth = 0): readonly Claim[] {
  if (depth > 8) return []
  if (of.kind === 'all') return of.of.flatMap((each) => plainly(each, depth + 1))
  return of.kind === 'ref' ? plainly(of.target(), depth + 1) : [of]
}

function valuesOf(claims: readonly Claim[]): Extract<Claim, { kind: 'values' }>['values'] | undefined {
  for (const claim of claims) if (claim.kind === 'values' && !claim.isExcluded) return claim.values
  return undefined
}
