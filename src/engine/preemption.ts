// Preemption chooses the running turns that give their pages to a turn that waits.

import { QUANTUM } from './fair-share.ts'
import { isBehind, type Turn } from './turn.ts'

/** Slices in a row that a turn may lose to others before their end; then it has one to the end. */
const MOST_LOST = 64

export type Shares = {
  /** Rows that count as served to a tenant. */
  served(tenant: string): number
  /** Pages that a turn needs. */
  pages(turn: Turn): number
  /** How many of those that these turns need are counted more than once. */
  twice?(turns: readonly Turn[]): number
  pageCount: number
}

/**
 * The running turns that must give way so that `turn` fits, those of the tenant that was served most first;
 * none where that would not do. A tenant's own turns are not among them, unless they are in the background.
 */
export function preempted(turn: Turn, running: readonly Turn[], shares: Shares): Turn[] {
  const leaving: Turn[] = []
  let staying = [...running]
  while (staying.length > 0 && sum([...staying, turn], shares) > shares.pageCount) {
    const first = staying.filter((other) => givesWay(other, turn, staying, shares)).sort(byService(shares))[0]
    if (first === undefined) return []
    leaving.push(first)
    staying = staying.filter((other) => other !== first)
  }
  return leaving
}

/**
 * The running turn that waits when those that run have outgrown the pool: the youngest of the tenant that
 * holds most.
 */
export function outgrown(running: readonly Turn[], pages: Shares['pages'], twice?: Shares['twice']): Turn {
  const behind = running.filter(isBehind)
  const held = (tenant: string): number => sum(ofTenant(running, tenant), { pages, twice })
  const candidates = behind.length > 0 ? behind : running
  return candidates.reduce((a, b) => {
    const more = behind.length > 0 || a.tenant === b.tenant ? 0 : held(b.tenant) - held(a.tenant)
    return more > 0 || (more === 0 && b.admittedAt > a.admittedAt) ? b : a
  })
}

/**
 * Whether a slice of the pages is over. What a turn has to run again does not count, and of a slice half at
 * least is new: so turns that keep nothing do not take turns at nothing but computing again.
 */
export function sliceIsOver({ ran, redone }: Turn): boolean {
  return ran - redone >= Math.max(QUANTUM, redone)
}

function givesWay(other: Turn, turn: Turn, staying: readonly Turn[], shares: Shares): boolean {
  const { served, pages } = shares
  if (isBehind(other) !== isBehind(turn)) return isBehind(other)
  if (other.tenant === turn.tenant) return false
  const mine = sum(ofTenant(staying, turn.tenant), shares)
  // Who has pages takes more only from those who have still more.
  if (mine > 0 && mine + pages(turn) > sum(ofTenant(staying, other.tenant), shares)) return false
  const ahead = served(other.tenant) - served(turn.tenant)
  if (ahead > 0 && sliceIsOver(other)) return true
  if (other.lostSlices >= MOST_LOST) return false
  if (ahead >= QUANTUM + other.redone) return true
  // One that was not served yet need not wait for a slice, as long as the other may not take the pages back
  // for it.
  if (turn.cachedTokens !== undefined || mine > 0) return false
  const hasBegun = other.produced > other.producedBefore || other.ran >= QUANTUM
  return ahead >= QUANTUM || (hasBegun && ahead > -QUANTUM)
}

/**
 * Turns in the background first, then those of the tenant that was served most, then the one that has run for
 * longest.
 */
function byService({ served }: Shares): (a: Turn, b: Turn) => number {
  return (a, b) =>
    Number(isBehind(b)) - Number(isBehind(a)) || served(b.tenant) - served(a.tenant) || b.ran - a.ran
}

function ofTenant(turns: readonly Turn[], tenant: string): Turn[] {
  return turns.filter((turn) => turn.tenant === tenant)
}

function sum(turns: readonly Turn[], { pages, twice }: Pick<Shares, 'pages' | 'twice'>): number {
  return turns.reduce((total, turn) => total + pages(turn), 0) - (twice?.(turns) ?? 0)
}
