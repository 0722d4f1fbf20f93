// The KV cache keeps the sequences of turns, and finds for a new one the sequence that saves most work.

import { PagePool } from '../cache/page-pool.ts'
import { sharedKeys } from '../cache/prompt-shape.ts'
import { pageIsDead } from '../cache/window.ts'
import type { Model } from '../graph/model.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Caller } from './caller.ts'
import { mostReusable } from './reuse.ts'
import {
  emptySequence,
  fork,
  holdsNothingOfItsOwn,
  makeWritable,
  pagesToWrite,
  releaseDead,
  truncate,
  type Sequence,
} from './sequence.ts'
import { reusableIds, type Turn } from './turn.ts'
import type { Vault } from './vault.ts'

/** What of a turn says which keys are of use to it. */
type Wanted = Pick<Turn, 'tenant' | 'shape' | 'vault'> & { ids: readonly number[] }

export class KvCache {
  readonly pool: PagePool
  readonly #model: Model
  readonly #caller: Caller
  #sequences: Sequence[] = []
  /** Counts uses, for the order of eviction. */
  #clock = 0

  constructor(model: Model, caller: Caller) {
    this.#model = model
    this.#caller = caller
    this.pool = new PagePool(model.pages.count)
  }

  /** Sequences held, of running turns and idle ones. */
  get size(): number {
    return this.#sequences.length
  }

  /** Idle and busy sequences whose pages may go to this storage. */
  sequencesOf(vault: Vault): Sequence[] {
    return this.#sequences.filter((sequence) => sequence.vault === vault)
  }

  /** Sequences that turns of a tenant may fork: its own, whatever their lane, and the model's own prefix. */
  sequencesFor(tenant: string): Sequence[] {
    return this.#sequences.filter((sequence) => (sequence.tenant ?? tenant) === tenant)
  }

  /** Sequences whose storage `isGone` belong to `heir` from now on. */
  inherit(heir: Vault, isGone: (vault: Vault | undefined) => boolean): void {
    for (const sequence of this.#sequences) if (isGone(sequence.vault)) sequence.vault = heir
  }

  /** Nothing of a session's idle sequences is stored any more. */
  disown(session: string): void {
    for (const sequence of this.#idleOf(session)) sequence.vault = undefined
  }

  /** Drops the idle sequences of a session; nothing of them is stored. */
  forget(session: string): void {
    this.disown(session)
    for (const sequence of this.#idleOf(session)) this.#drop(sequence)
  }

  /** Takes the model's own prefix in, if there is room; it is evicted last. */
  seed({ ids, pages, taken }: Seed): void {
    if (pages.length > this.pool.free) return taken?.()
    const sequence = { ...emptySequence(undefined), ids, length: ids.length, usedAt: Infinity }
    for (const bytes of pages) {
      const page = this.#take(sequence.pages.at(-1))
      this.#model.pages.write(page, bytes)
      sequence.pages.push(page)
    }
    this.#sequences.push(sequence)
    taken?.()
  }

  /**
   * Gives a turn the sequence that saves it most work: one of the cache, a fork of it, one from storage, or a
   * new one.
   */
  start(turn: Turn): void {
    const { tenant, shape, vault } = turn
    const wanted = { tenant, shape, vault, ids: reusableIds(turn) }
    const { best, reused } = mostReusable(this.#sequences, wanted, this.#model.window)
    const restored = this.#restore(wanted, reused)
    // Pages for one that proved to be damaged may have cost the idle one its own.
    const cached = best !== undefined && this.#sequences.includes(best) ? best : undefined
    const sequence =
      restored ??
      (cached === undefined ? emptySequence(turn.tenant) : this.#continueFrom(cached, reused, turn.tenant))
    if (sequence !== best) this.#sequences.push(sequence)
    sequence.vault = turn.aside ? undefined : turn.vault
    sequence.session = turn.session
    sequence.ids = turn.ids
    sequence.shape = turn.shape
    sequence.busy = true
    turn.sequence = sequence
  }

  /** Takes a turn's sequence back: it stays as cache for the next turn, of one `aside` that is over until others need pages. */
  park(turn: Turn, isOver = false): void {
    const { sequence } = turn
    turn.sequence = undefined
    if (sequence === undefined) return
    sequence.busy = false
    sequence.usedAt = isOver && turn.aside ? 0 : ++this.#clock
    if (holdsNothingOfItsOwn(sequence, this.pool)) this.#drop(sequence)
  }

  /** Makes the pages of a turn's next `count` positions exist and belong to its sequence alone. */
  makeWritable({ sequence }: Turn, count: number): void {
    if (sequence === undefined) throw new Error('a running turn has no sequence')
    makeWritable(sequence, count, {
      pool: this.pool,
      model: this.#model,
      take: (after) => this.#take(after),
    })
  }

  /**
   * Pages of other lanes that only a call of their own can write, and that would be lost if they were taken
   * now.
   */
  get pagesOthersMustWrite(): number {
    return this.#model.staging.pages === 0 ? 0 : pagesToWrite(this.#sequences, this.#caller.vault)
  }

  /** Its beginning from storage, if that holds a page more than the `reused` positions of memory. */
  #restore(wanted: Wanted, reused: number): Sequence | undefined {
    const { vault, tenant, shape } = wanted
    for (;;) {
      const stored = vault?.find(wanted)
      if (stored === undefined || stored.length < reused + PAGE_POSITIONS) return undefined
      if (sharedKeys(shape, shape, stored.length) === 0) return undefined
      const sequence = emptySequence(tenant)
      sequence.length = stored.length
      sequence.saved = stored.length / PAGE_POSITIONS
      for (let index = 0; index < sequence.saved; index++) {
        const dead = pageIsDead(index, stored.length, this.#model.window)
        sequence.pages.push(dead ? undefined : this.#take(sequence.pages[index - 1]))
      }
      if (stored.restore(this.#model, (index) => sequence.pages[index])) return sequence
      truncate(sequence, 0, this.pool)
    }
  }

  #idleOf(session: string): Sequence[] {
    return this.#sequences.filter((sequence) => sequence.session === session && !sequence.busy)
  }

  #continueFrom(best: Sequence, reused: number, tenant: string): Sequence {
    // What follows the common part is kept when it is worth a page; it costs nothing until pages are short.
    const kept = best.tenant === undefined || best.busy || best.length - reused >= PAGE_POSITIONS
    if (kept) return fork(best, reused, this.pool, tenant)
    truncate(best, reused, this.pool)
    return best
  }

  #take(after: number | undefined): number {
    const page = this.pool.take(after) ?? this.#reclaim(after)
    if (page === undefined) throw new Error('the KV pool has no page left for a running sequence')
    return page
  }

  /**
   * Frees pages until there is one: first those that their own sequence cannot see any more, then whole idle
   * sequences, longest unused first. Admission keeps running turns within the pool, so this finds one.
   */
  #reclaim(after: number | undefined): number | undefined {
    const idle = this.#sequences.filter(({ busy }) => !busy).sort((a, b) => a.usedAt - b.usedAt)
    const busy = this.#sequences.filter((sequence) => sequence.busy)
    for (const sequence of [...idle, ...busy]) {
      this.#spill(sequence)
      releaseDead(sequence, this.pool, this.#model.window)
      if (this.pool.free > 0) return this.pool.take(after)
    }
    for (const sequence of idle) {
      this.#drop(sequence)
      if (this.pool.free > 0) return this.pool.take(after)
    }
    return undefined
  }

  /** Writes pages to storage before they leave memory. */
  #spill(sequence: Sequence): void {
    if (sequence.vault !== undefined && this.#caller.mayTouch(sequence.vault))
      sequence.vault.save(sequence, this.#model)
  }

  #drop(sequence: Sequence): void {
    this.#spill(sequence)
    truncate(sequence, 0, this.pool)
    this.#sequences = this.#sequences.filter((other) => other !== sequence)
  }
}
