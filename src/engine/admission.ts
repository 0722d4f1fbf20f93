// Admission decides which turns run: a queue in order of arrival, fairness, and room in the KV pool.

import type { Model } from '../graph/model.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Caller } from './caller.ts'
import type { KvCache } from './kv-cache.ts'
import { pagesNeeded } from './scheduler.ts'
import { isStalled, type Turn } from './turn.ts'

/** A turn is admitted when this many more positions fit too: else it would soon be sent back. */
const HEADROOM = 2 * PAGE_POSITIONS

/** A turn with pages in storage has to make room for one that waits after this many tokens: to be restored costs it a fraction of them. */
const QUANTUM = 256

/** Looks, a few milliseconds apart, at which a turn finds another lane's pages not yet written before it takes them. */
const MOST_WAITS = 40

/** A turn on its way from one list to the other is in both for a moment: whatever a kill leaves, each turn can be found and ended. */
export class Admission {
  readonly #model: Model
  readonly #cache: KvCache
  readonly #caller: Caller
  #waiting: Turn[] = []
  #running: Turn[] = []
  /** Counts admissions: the youngest turn gives way first. */
  #clock = 0

  constructor(model: Model, cache: KvCache, caller: Caller) {
    this.#model = model
    this.#cache = cache
    this.#caller = caller
  }

  get waiting(): readonly Turn[] {
    return this.#waiting
  }

  /** In order of admission, save that turns which just decoded stand behind the others. */
  get running(): readonly Turn[] {
    return this.#running
  }

  /** Positions a sequence may have: unbounded with a window that the pool can hold, else context or pool. */
  get maxPositions(): number {
    const { window, spec, pages, maxRows } = this.#model
    if (window.window === undefined) return Math.min(spec.context, pages.count * PAGE_POSITIONS)
    return pagesNeeded(Infinity, window, maxRows) <= pages.count ? Infinity : 0
  }

  /** Puts a turn at the end of the queue. */
  enqueue(turn: Turn): void {
    this.#waiting.push(turn)
  }

  /** Takes a turn out, waiting or running; its sequence stays as cache. */
  remove(turn: Turn): void {
    this.#waiting = this.#waiting.filter((other) => other !== turn)
    this.#park(turn)
  }

  /** A turn that just decoded goes behind the others, so that each gets its share of the rows. */
  rotate(turn: Turn): void {
    this.#running = [...this.#running.filter((other) => other !== turn), turn]
  }

  /** Empties both lists: the engine has failed. */
  clear(): void {
    this.#waiting = []
    this.#running = []
  }

  /** Starts turns that wait: first come, first served. Those whose reader fell behind let the others pass, waiting or running. */
  admit(): void {
    for (;;) {
      const turn = this.#waiting.find((other) => !isStalled(other) && this.#caller.mayTouch(other.vault))
      if (turn === undefined) return
      const fits = (): boolean => this.#running.length === 0 || this.#neededWith(turn) <= this.#pageCount
      for (const other of this.#running.filter(isStalled)) if (!fits()) this.#sendBack(other)
      if (!fits()) this.#takeTurns()
      if (!fits() || this.#letsOthersWrite(turn)) return
      this.#start(turn)
      this.#waiting = this.#waiting.filter((other) => other !== turn)
    }
  }

  /** Turns grow: when they no longer fit together, the youngest waits until there is room. */
  makeRoom(): void {
    while (this.#running.length > 1 && this.#neededByRunning(1) > this.#pageCount) {
      this.#sendBack(this.#running.reduce((a, b) => (a.admittedAt > b.admittedAt ? a : b)))
    }
  }

  get #pageCount(): number {
    return this.#cache.pool.pageCount
  }

  #start(turn: Turn): void {
    this.#cache.start(turn)
    turn.state = 'running'
    turn.admittedAt = ++this.#clock
    turn.producedBefore = turn.produced
    turn.cachedTokens ??= Math.min(turn.sequence?.length ?? 0, turn.promptTokens)
    this.#running.push(turn)
  }

  #park(turn: Turn): void {
    this.#running = this.#running.filter((other) => other !== turn)
    this.#cache.park(turn)
  }

  /** Sends a running turn back to the front of the queue; it will go on exactly where it was. */
  #sendBack(turn: Turn): void {
    this.#waiting.unshift(turn)
    turn.state = 'waiting'
    this.#park(turn)
  }

  /** Sends the turn that has run for longest, if that is long enough, to the end of the queue. */
  #takeTurns(): void {
    const ran = ({ produced, producedBefore }: Turn): number => produced - producedBefore
    const longRunning = this.#running.filter((turn) => turn.vault !== undefined && ran(turn) >= QUANTUM)
    const [longest] = longRunning.sort((a, b) => ran(b) - ran(a))
    if (longest === undefined) return
    this.#sendBack(longest)
    const [first, ...others] = this.#waiting
    this.#waiting = [...others, first]
  }

  /** A turn leaves idle pages of other lanes alone for some time, so that their lanes can write them in calls of their own. */
  #letsOthersWrite(turn: Turn): boolean {
    const pages = this.#cache.pagesOthersMustWrite
    if (pages === 0) return false
    return this.#neededWith(turn) + pages > this.#pageCount && ++turn.gaveWay <= MOST_WAITS
  }

  #needed(turn: Turn, more: number): number {
    const positions = Math.min(turn.ids.length + more, this.maxPositions)
    return pagesNeeded(positions, this.#model.window, this.#model.maxRows)
  }

  #neededByRunning(more: number): number {
    return this.#running.reduce((sum, turn) => sum + this.#needed(turn, more), 0)
  }

  /** Pages that the running turns and this one need, with some headroom each. */
  #neededWith(turn: Turn): number {
    return this.#neededByRunning(HEADROOM) + this.#needed(turn, HEADROOM)
  }
}
