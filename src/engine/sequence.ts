// A sequence is ids and the pages that hold their K and V. It outlives its turn, as cache for the next.

import type { PagePool } from '../cache/page-pool.ts'
import { pageIsDead, type WindowOptions } from '../cache/window.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Model } from '../graph/model.ts'
import { PLAIN } from '../cache/prompt-shape.ts'
import type { PagedIds, Vault } from './vault.ts'

export type Sequence = PagedIds & {
  /** A turn is running on it: it may grow, and no other turn may write to it. */
  busy: boolean
  /** Order of last use, for eviction. */
  usedAt: number
  /** Storage that its pages may go to. */
  vault: Vault | undefined
  /** The session that used it last. */
  session: string | undefined
}

export function emptySequence(tenant: string | undefined): Sequence {
  return {
    tenant,
    ids: [],
    length: 0,
    pages: [],
    shape: PLAIN,
    busy: false,
    usedAt: 0,
    vault: undefined,
    saved: 0,
    session: undefined,
  }
}

/** How many of its pages are filled. */
export function fullPages({ length }: Pick<Sequence, 'length'>): number {
  return Math.floor(length / PAGE_POSITIONS)
}

/** How many of its pages lie in the pool. */
export function pagesHeld({ pages }: Pick<Sequence, 'pages'>): number {
  return pages.filter((page) => page !== undefined).length
}

/** Pages of idle sequences whose storage is not the caller's, and has not got them yet. */
export function pagesToWrite(sequences: readonly Sequence[], caller: Vault | undefined): number {
  const waiting = sequences.filter(
    (sequence) =>
      !sequence.busy &&
      sequence.vault !== undefined &&
      sequence.vault !== caller &&
      sequence.saved < fullPages(sequence),
  )
  return waiting.reduce((sum, sequence) => sum + pagesHeld(sequence), 0)
}

/** Cuts a sequence back to `length` positions and gives the pages behind it back. */
export function truncate(sequence: Sequence, length: number, pool: PagePool): void {
  const kept = Math.ceil(length / PAGE_POSITIONS)
  for (const page of sequence.pages.splice(kept)) if (page !== undefined) pool.release(page)
  sequence.length = length
  sequence.saved = Math.min(sequence.saved, fullPages(sequence))
}

/**
 * A second sequence, of `tenant`, with the same first `length` positions: pages are shared, the first write
 * into one copies it.
 */
export function fork(source: Sequence, length: number, pool: PagePool, tenant: string): Sequence {
  const copy = emptySequence(tenant)
  copy.ids = source.ids
  copy.length = length
  copy.shape = source.shape
  copy.saved = Math.min(source.saved, fullPages(copy))
  for (const page of source.pages.slice(0, Math.ceil(length / PAGE_POSITIONS))) {
    if (page !== undefined) pool.share(page)
    copy.pages.push(page)
  }
  return copy
}

/**
 * Makes the pages of the next `count` positions exist and belong to this sequence alone. `take` gives a free
 * page, near the one named if it can, and may evict idle sequences for it, but no page of a busy one.
 */
export function makeWritable(
  sequence: Sequence,
  count: number,
  cache: { pool: PagePool; model: Model; take: (after: number | undefined) => number },
): void {
  const { pool, model, take } = cache
  const first = Math.floor(sequence.length / PAGE_POSITIONS)
  const last = Math.floor((sequence.length + count - 1) / PAGE_POSITIONS)
  for (let index = first; index <= last; index++) {
    const page = sequence.pages[index]
    if (page === undefined) {
      sequence.pages[index] = take(sequence.pages[index - 1])
      continue
    }
    if (!pool.isShared(page)) continue
    const copy = take(sequence.pages[index - 1])
    model.pages.copy(copy, page)
    pool.release(page)
    sequence.pages[index] = copy
  }
}

/** Gives back the pages that no later position of this sequence can see. */
export function releaseDead(sequence: Sequence, pool: PagePool, window: WindowOptions): void {
  for (const [index, page] of sequence.pages.entries()) {
    if (page === undefined || !pageIsDead(index, sequence.length, window)) continue
    pool.release(page)
    sequence.pages[index] = undefined
  }
}

/** True when dropping the sequence would free nothing: others hold all its pages. */
export function holdsNothingOfItsOwn(sequence: Sequence, pool: PagePool): boolean {
  return sequence.pages.every((page) => page === undefined || pool.isShared(page))
}
