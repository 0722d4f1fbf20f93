// Admission decides which turns run: a queue, fair shares of the tenants, and room in the KV pool.

import type { Model } from '../graph/model.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Caller } from './caller.ts'
import { FairShare, QUANTUM } from './fair-share.ts'
import { countedTwice } from './kin.ts'
import type { KvCache } from './kv-cache.ts'
import { outgrown, preempted, sliceIsOver } from './preemption.ts'
import { pagesNeeded, type Part } from './scheduler.ts'
import { isBehind, isStalled, pendingRows, type Turn } from './turn.ts'

/** A turn is admitted when this many more positions fit too: else it would soon be sent back. */
const HEADROOM = 2 * PAGE_POSITIONS

/**
 * Looks, a few milliseconds apart, at which a turn finds another lane's pages not yet written before it takes
 * them.
 */
const MOST_WAITS = 40

/** Rows that others may run before a turn in the background, which ran none, has a quantum beside them. */
const PATIENCE = 32 * QUANTUM

/**
 * Rows that a turn runs again for each new one, at most, which do not count where pages are given. With one
 * of each the tokens of equal tenants that keep nothing were 12 % apart, with two 4 %.
 */
const MOST_FORGIVEN = 2

/**
 * A turn on its way from one list to the other is in both for a moment: whatever a kill leaves, each turn can
 * be found and ended.
 */
export class Admission {
  readonly #model: Model
  readonly #cache: KvCache
  readonly #caller: Caller
  #waiting: Turn[] = []
  #running: Turn[] = []
  /** All rows: the order within a step, and on the thread. */
  readonly #rows = new FairShare()
  /** Rows that are new, or run again too often: the order of admission, and who gives way. */
  readonly #fair = new FairShare()
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
    turn.ranAt = this.#rows.total
    this.#waiting.push(turn)
  }

  /** Takes a turn out, waiting or running; its sequence stays as cache. */
  remove(turn: Turn): void {
    this.#waiting = this.#waiting.filter((other) => other !== turn)
    this.#park(turn, true)
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

  /** Rows that count as served to a tenant, those that were run again among them. */
  served(tenant: string): number {
    return this.#rows.served(tenant)
  }

  /**
   * A step will run these parts: their tenants are charged for the rows. What a turn runs again, since its
   * pages were taken, is charged within steps alone, up to twice its new rows: to lose pages costs no
   * place in the queue for them.
   */
  charge(parts: readonly Part[]): void {
    const given = new Map(parts.map(({ turn, count }) => [turn, count]))
    for (const [turn, count] of given) {
      const held = turn.sequence?.length ?? 0
      const again = Math.max(0, Math.min(held + count, turn.reached) - held)
      this.#rows.charge(turn.tenant, count)
      turn.ran += count
      turn.redone += again
      turn.reached = Math.max(turn.reached, held + count)
      const forgiven = Math.min(again, MOST_FORGIVEN * turn.reached - turn.forgiven)
      turn.forgiven += forgiven
      this.#fair.charge(turn.tenant, count - forgiven)
      turn.overdue -= count
      turn.ranAt = this.#rows.total
    }
    const active = new Set(parts.map(({ turn }) => turn.tenant))
    const owed = new Set<string>()
    for (const turn of [...this.#waiting, ...this.#running]) {
      if (isStalled(turn)) continue
      const isLate = turn.background && this.#rows.total - turn.ranAt >= PATIENCE
      if (isLate && turn.overdue <= 0) turn.overdue = QUANTUM
      if (isBehind(turn)) continue
      active.add(turn.tenant)
      const gotAll = turn.state === 'running' && pendingRows(turn) === given.get(turn)
      if (!gotAll) owed.add(turn.tenant)
    }
    this.#rows.advance(active, owed)
    this.#fair.advance(active, owed)
  }

  /**
   * Starts turns that wait, those of the tenant that was served least first. Those whose reader fell behind
   * let the others pass, waiting or running.
   */
  admit(): void {
    const passed = new Set<string>()
    for (;;) {
      const turn = this.#next(passed)
      if (turn === undefined) return
      const fits = (): boolean => this.#running.length === 0 || this.#neededWith(turn) <= this.#pageCount
      for (const other of this.#running.filter(isStalled)) if (!fits()) this.#sendBack(other)
      if (!fits()) this.#makeWay(turn)
      if (fits()) {
        if (this.#letsOthersWrite(turn)) return
        this.#start(turn)
        this.#waiting = this.#waiting.filter((other) => other !== turn)
      } else {
        // Others pass a tenant that runs something, but would take the pages of one that runs nothing as they
        // become free.
        if (!this.#running.some(({ tenant }) => tenant === turn.tenant)) return
        passed.add(turn.tenant)
      }
    }
  }

  /**
   * Turns grow: when they no longer fit together, one of the tenant that holds most waits until there is
   * room.
   */
  makeRoom(): void {
    while (this.#running.length > 1 && this.#neededByRunning(1) > this.#pageCount)
      this.#sendBack(
        outgrown(
          this.#running,
          (turn) => this.#needed(turn, 1),
          (turns) => this.#twice(turns),
        ),
      )
  }

  get #pageCount(): number {
    return this.#cache.pool.pageCount
  }

  #start(turn: Turn): void {
    this.#cache.start(turn)
    turn.state = 'running'
    turn.admittedAt = ++this.#clock
    turn.producedBefore = turn.produced
    turn.ran = 0
    turn.redone = 0
    turn.cachedTokens ??= Math.min(turn.sequence?.length ?? 0, turn.promptTokens)
    this.#running.push(turn)
  }

  #park(turn: Turn, isOver = false): void {
    this.#running = this.#running.filter((other) => other !== turn)
    this.#cache.park(turn, isOver)
  }

  /** Sends a running turn back to the front of the queue; it will go on exactly where it was. */
  #sendBack(turn: Turn): void {
    this.#waiting.unshift(turn)
    turn.state = 'waiting'
    this.#park(turn)
  }

  /** Who starts next: within a tenant, and of tenants that were served alike, who came first. */
  #next(passed: ReadonlySet<string>): Turn | undefined {
    const ready = this.#waiting.filter(
      (turn) => !passed.has(turn.tenant) && !isStalled(turn) && this.#caller.mayTouch(turn.vault),
    )
    const before = (a: Turn, b: Turn): boolean =>
      isBehind(a) === isBehind(b) ? this.#fair.served(a.tenant) < this.#fair.served(b.tenant) : isBehind(b)
    return ready.reduce<Turn | undefined>(
      (first, turn) => (first === undefined || before(turn, first) ? turn : first),
      undefined,
    )
  }

  /**
   * Sends turns back so that this one fits: those of others that were served more, else the one of its tenant
   * that has run for longest.
   */
  #makeWay(turn: Turn): void {
    const leaving = preempted(turn, this.#running, {
      served: (tenant) => this.#fair.served(tenant),
      pages: (other) => this.#needed(other, HEADROOM),
      twice: (turns) => this.#twice(turns),
      pageCount: this.#pageCount,
    })
    for (const other of leaving) {
      const isOver = sliceIsOver(other)
      other.lostSlices = isOver ? 0 : other.lostSlices + 1
      this.#sendBack(other)
      if (isOver) this.#moveToEnd(other)
    }
    if (leaving.length === 0) this.#takeTurns(turn)
  }

  /** Turns of one tenant take turns where that costs little: to be restored costs a fraction of a quantum. */
  #takeTurns({ tenant }: Turn): void {
    const made = ({ produced, producedBefore }: Turn): number => produced - producedBefore
    const longRunning = this.#running.filter(
      (turn) => turn.tenant === tenant && turn.vault !== undefined && !turn.aside && made(turn) >= QUANTUM,
    )
    const [longest] = longRunning.sort((a, b) => made(b) - made(a))
    if (longest === undefined) return
    this.#sendBack(longest)
    this.#moveToEnd(longest)
  }

  #moveToEnd(turn: Turn): void {
    this.#waiting = [...this.#waiting.filter((other) => other !== turn), turn]
  }

  /**
   * A turn leaves idle pages of other lanes alone for some time, so that their lanes can write them in calls
   * of their own.
   */
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
    return this.#neededBy(this.#running, more)
  }

  /** Pages that the running turns and this one need, with some headroom each. */
  #neededWith(turn: Turn): number {
    return this.#neededBy([...this.#running, turn], HEADROOM)
  }

  #neededBy(turns: readonly Turn[], more: number): number {
    return turns.reduce((sum, turn) => sum + this.#needed(turn, more), 0) - this.#twice(turns)
  }

  #twice(turns: readonly Turn[]): number {
    return countedTwice(turns, this.#model.window)
  }
}
