// The engine of an isolate: turns in, chosen ids out. One step runs every turn that can run; who calls it does not matter.

import { PagePool } from '../cache/page-pool.ts'
import { pageIsDead } from '../cache/window.ts'
import { IsletError } from '../lib/errors.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Model, Row } from '../graph/model.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import { checkPrefix, promptShape, sharedKeys } from '../cache/prompt-shape.ts'
import { mostReusable } from './reuse.ts'
import { pagesNeeded, planStep, type Part } from './scheduler.ts'
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
import { isStalled, newTurn, type Turn, type TurnOptions } from './turn.ts'
import type { Vault } from './vault.ts'

export type EngineOptions = {
  /** Turns that may wait; one more is `overloaded`. */
  queueLimit?: number
}

const QUEUE_LIMIT = 32

/** A turn is admitted when this many more positions fit too: else it would soon be sent back. */
const HEADROOM = 2 * PAGE_POSITIONS

/** A turn with pages in storage has to make room for one that waits after this many tokens: to be restored costs it a fraction of them. */
const QUANTUM = 256

/** Looks, a few milliseconds apart, at which a turn finds another lane's pages not yet written before it takes them. */
const MOST_WAITS = 40

export class Engine {
  readonly model: Model
  readonly #pool: PagePool
  readonly #queueLimit: number
  #sequences: Sequence[] = []
  #waiting: Turn[] = []
  #running: Turn[] = []
  #clock = 0
  #failure: unknown
  /** Whose call this is: the only storage that may be touched. */
  #caller: Vault | undefined
  /** Turns and pages are being changed; still so at the next call if the platform killed the object of this one in the middle. */
  #changing = false

  constructor(model: Model, { queueLimit = QUEUE_LIMIT }: EngineOptions = {}) {
    this.model = model
    this.#pool = new PagePool(model.pageCount)
    this.#queueLimit = queueLimit
    if (this.maxPositions < 1)
      throw new RangeError(`a pool of ${model.pageCount} pages is too small for the window`)
  }

  /** Positions a sequence may have: unbounded with a window that the pool can hold, else context or pool. */
  get maxPositions(): number {
    const { window, spec, pageCount, maxRows } = this.model
    if (window.window === undefined) return Math.min(spec.context, pageCount * PAGE_POSITIONS)
    return pagesNeeded(Infinity, window, maxRows) <= pageCount ? Infinity : 0
  }

  /** What the pool holds now: for health and tests. */
  get load(): { running: number; waiting: number; sequences: number; pagesFree: number; pageCount: number } {
    return {
      running: this.#running.length,
      waiting: this.#waiting.length,
      sequences: this.#sequences.length,
      pagesFree: this.#pool.free,
      pageCount: this.#pool.pageCount,
    }
  }

  /** What made a step fail; the engine is of no use afterwards. */
  get failure(): unknown {
    return this.#failure
  }

  /** Queues a turn. Throws overloaded when the queue is full, invalid_request for a prompt without positions, context_length_exceeded for a prefix that is too long, or what made the engine fail. */
  open(options: TurnOptions): Turn {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#waiting.length >= this.#queueLimit) {
      throw new IsletError(
        'overloaded',
        `${this.#waiting.length} requests are already waiting for this model, which is the limit: try again later`,
      )
    }
    const { spec, window, maxRows } = this.model
    const shape = promptShape(spec, options.prompt, window)
    checkPrefix(shape, maxRows)
    const turn = newTurn(options, shape)
    this.#caller = options.vault
    this.#change(() => {
      this.#waiting.push(turn)
      this.#admit()
    })
    if (this.#failure !== undefined) throw this.#failure
    return turn
  }

  /** Idle and busy sequences whose pages may go to this storage. */
  sequencesOf(vault: Vault): Sequence[] {
    return this.#sequences.filter((sequence) => sequence.vault === vault)
  }

  /**
   * A lane's object is there anew: the turns of the one before, which nobody drives any more, end, and its pages may go to the storage as
   * this one has it.
   */
  inherit(heir: Vault): void {
    const isGone = (vault: Vault | undefined): boolean => vault?.id === heir.id && vault !== heir
    this.#caller = heir
    for (const sequence of this.#sequences) if (isGone(sequence.vault)) sequence.vault = heir
    for (const turn of [...this.#waiting, ...this.#running]) if (isGone(turn.owner)) this.close(turn)
  }

  /** Drops what memory holds of a session, unless a turn runs on it; nothing of it is stored. */
  forget(session: string): void {
    this.#change(() => {
      for (const sequence of this.#sequences.filter((other) => other.session === session && !other.busy)) {
        sequence.vault = undefined
        this.#drop(sequence)
      }
    })
  }

  /**
   * Puts the model's own prefix into the cache, where turns of every tenant fork it: it is the same for all, so it tells nothing of anyone.
   * It goes last when pages are short; without room for it nothing happens.
   */
  seed({ ids, pages }: Seed): void {
    if (pages.length > this.#pool.free) return
    const sequence = { ...emptySequence(undefined), ids, length: ids.length, usedAt: Infinity }
    for (const bytes of pages) {
      const page = this.#take(sequence.pages.at(-1))
      this.model.writePage(page, bytes)
      sequence.pages.push(page)
    }
    this.#sequences.push(sequence)
  }

  /** Ends a turn, finished or not; what it computed stays as cache. */
  close(turn: Turn): void {
    this.#change(() => {
      this.#waiting = this.#waiting.filter((other) => other !== turn)
      this.#park(turn)
      if (turn.state === 'waiting' || turn.state === 'running') turn.state = 'done'
    })
  }

  /**
   * Runs one batch and chooses an id for each row that has logits. Returns the rows run; 0 = nobody could run. `caller` is the storage
   * of the lane that calls. Never throws: when the model fails, all turns are `failed`.
   */
  step(caller?: Vault): number {
    this.#caller = caller
    return this.#change(() => this.#step()) ?? 0
  }

  /** All of `work` or, where the platform kills it in the middle, an engine that has failed: nothing of it is half true. */
  #change<T>(work: () => T): T | undefined {
    if (this.#failure !== undefined) return undefined
    if (this.#changing) {
      this.#fail(new IsletError('engine_failure', 'the engine was killed in the middle of a change'))
      return undefined
    }
    this.#changing = true
    try {
      return work()
    } finally {
      // Of a killed one this does not run either.
      this.#changing = false
    }
  }

  #step(): number {
    try {
      this.#admit()
      this.#makeRoom()
      const parts = planStep(this.#running, this.model)
      if (parts.length === 0) return 0
      const rows = parts.flatMap((part) => this.#rows(part))
      this.model.forward(rows)
      for (const { turn, count } of parts) if (turn.sequence !== undefined) turn.sequence.length += count
      for (const [index, part] of parts.filter(({ logits }) => logits).entries())
        this.#choose(part.turn, index)
      return rows.length
    } catch (error) {
      this.#fail(error)
      return 0
    }
  }

  #rows({ turn, count, logits }: Part): Row[] {
    const sequence = turn.sequence
    if (sequence === undefined) throw new Error('a running turn has no sequence')
    makeWritable(sequence, count, { pool: this.#pool, model: this.model, take: (after) => this.#take(after) })
    return Array.from({ length: count }, (_, i) => {
      const position = sequence.length + i
      const { pages, shape } = sequence
      return { id: turn.ids[position], position, pages, logits: logits && i === count - 1, shape }
    })
  }

  #choose(turn: Turn, index: number): void {
    try {
      const { id, stop } = turn.choose(this.model.logits(index), turn.ids.length)
      turn.ids.push(id)
      turn.produced += 1
      if (stop) turn.reason = 'stop'
      else if (turn.produced >= turn.maxTokens || turn.ids.length >= this.maxPositions) turn.reason = 'length'
    } catch (error) {
      // The fault of this turn alone (its sampler, its text): the others go on.
      turn.error = error
      turn.state = 'failed'
      this.#park(turn)
      return
    }
    if (turn.reason === undefined) {
      this.#running = [...this.#running.filter((other) => other !== turn), turn]
      return
    }
    turn.state = 'done'
    this.#park(turn)
  }

  #fail(error: unknown): void {
    this.#failure = error
    for (const turn of [...this.#waiting, ...this.#running]) {
      turn.state = 'failed'
      turn.error = error
    }
    this.#waiting = []
    this.#running = []
  }

  /** Takes a turn off the running list and leaves its sequence as cache. */
  #park(turn: Turn): void {
    this.#running = this.#running.filter((other) => other !== turn)
    const { sequence } = turn
    turn.sequence = undefined
    if (sequence === undefined) return
    sequence.busy = false
    sequence.usedAt = ++this.#clock
    if (holdsNothingOfItsOwn(sequence, this.#pool)) this.#drop(sequence)
  }

  /** Sends a running turn back to the front of the queue; it will go on exactly where it was. */
  #sendBack(turn: Turn): void {
    this.#park(turn)
    turn.state = 'waiting'
    this.#waiting.unshift(turn)
  }

  #needed(turn: Turn, more: number): number {
    const positions = Math.min(turn.ids.length + more, this.maxPositions)
    return pagesNeeded(positions, this.model.window, this.model.maxRows)
  }

  #neededByRunning(more: number): number {
    return this.#running.reduce((sum, turn) => sum + this.#needed(turn, more), 0)
  }

  /** First come, first served. Turns whose reader fell behind let the others pass, running or waiting. */
  #admit(): void {
    for (;;) {
      const turn = this.#waiting.find((other) => !isStalled(other) && this.#mayCall(other.vault))
      if (turn === undefined) return
      const fits = (): boolean =>
        this.#running.length === 0 ||
        this.#neededByRunning(HEADROOM) + this.#needed(turn, HEADROOM) <= this.#pool.pageCount
      for (const other of this.#running.filter(isStalled)) if (!fits()) this.#sendBack(other)
      if (!fits()) this.#takeTurns()
      if (!fits() || this.#letsOthersWrite(turn)) return
      this.#waiting = this.#waiting.filter((other) => other !== turn)
      this.#start(turn)
    }
  }

  /** Idle pages of another lane would be lost with what only a call of its own can write: it is given time for one. */
  #letsOthersWrite(turn: Turn): boolean {
    const pages = this.model.gatherPages === 0 ? 0 : pagesToWrite(this.#sequences, this.#caller)
    if (pages === 0) return false
    const needed = this.#neededByRunning(HEADROOM) + this.#needed(turn, HEADROOM)
    return needed + pages > this.#pool.pageCount && ++turn.gaveWay <= MOST_WAITS
  }

  #mayCall(vault: Vault | undefined): boolean {
    return vault === undefined || vault === this.#caller
  }

  /** Sends the turn that has run for longest, if that is long enough, to the end of the queue. */
  #takeTurns(): void {
    const ran = ({ produced, producedBefore }: Turn): number => produced - producedBefore
    const longRunning = this.#running.filter((turn) => turn.vault !== undefined && ran(turn) >= QUANTUM)
    const [longest] = longRunning.sort((a, b) => ran(b) - ran(a))
    if (longest === undefined) return
    this.#sendBack(longest)
    this.#waiting.push(...this.#waiting.splice(0, 1))
  }

  /** Turns grow: when they no longer fit together, the youngest waits until there is room. */
  #makeRoom(): void {
    while (this.#running.length > 1 && this.#neededByRunning(1) > this.#pool.pageCount) {
      this.#sendBack(this.#running.reduce((a, b) => (a.admittedAt > b.admittedAt ? a : b)))
    }
  }

  /** Gives a turn the sequence that saves it most work: one of the cache, a fork of it, or a new one. */
  #start(turn: Turn): void {
    const { best, reused } = mostReusable(this.#sequences, turn, this.model.window)
    const restored = this.#restore(turn, reused)
    // Pages for one that proved to be damaged may have cost the idle one its own.
    const cached = best !== undefined && this.#sequences.includes(best) ? best : undefined
    const sequence =
      restored ??
      (cached === undefined ? emptySequence(turn.tenant) : this.#continueFrom(cached, reused, turn.tenant))
    if (sequence !== best) this.#sequences.push(sequence)
    sequence.vault = turn.vault
    sequence.session = turn.session
    sequence.ids = turn.ids
    sequence.shape = turn.shape
    sequence.busy = true
    turn.sequence = sequence
    turn.state = 'running'
    turn.admittedAt = ++this.#clock
    turn.producedBefore = turn.produced
    turn.cachedTokens ??= Math.min(sequence.length, turn.promptTokens)
    this.#running.push(turn)
  }

  /** The turn's beginning from storage, if that holds a page more than the `reused` positions of memory. */
  #restore(turn: Turn, reused: number): Sequence | undefined {
    for (;;) {
      const stored = turn.vault?.find(turn)
      if (stored === undefined || stored.length < reused + PAGE_POSITIONS) return undefined
      if (sharedKeys(turn.shape, turn.shape, stored.length) === 0) return undefined
      const sequence = emptySequence(turn.tenant)
      sequence.length = stored.length
      sequence.saved = stored.length / PAGE_POSITIONS
      for (let index = 0; index < sequence.saved; index++) {
        const dead = pageIsDead(index, stored.length, this.model.window)
        sequence.pages.push(dead ? undefined : this.#take(sequence.pages[index - 1]))
      }
      if (stored.restore(this.model, (index) => sequence.pages[index])) return sequence
      truncate(sequence, 0, this.#pool)
    }
  }

  #continueFrom(best: Sequence, reused: number, tenant: string): Sequence {
    // What follows the common part is kept when it is worth a page; it costs nothing until pages are short.
    const kept = best.tenant === undefined || best.busy || best.length - reused >= PAGE_POSITIONS
    if (kept) return fork(best, reused, this.#pool, tenant)
    truncate(best, reused, this.#pool)
    return best
  }

  #take(after: number | undefined): number {
    const page = this.#pool.take(after) ?? this.#reclaim(after)
    if (page === undefined) throw new Error('the KV pool has no page left for a running sequence')
    return page
  }

  /**
   * Frees pages until there is one: first those that their own sequence cannot see any more, then whole idle
   * sequences, longest unused first. #makeRoom keeps running turns within the pool, so this finds one.
   */
  #reclaim(after: number | undefined): number | undefined {
    const idle = this.#sequences.filter(({ busy }) => !busy).sort((a, b) => a.usedAt - b.usedAt)
    const busy = this.#sequences.filter((sequence) => sequence.busy)
    for (const sequence of [...idle, ...busy]) {
      this.#spill(sequence)
      releaseDead(sequence, this.#pool, this.model.window)
      if (this.#pool.free > 0) return this.#pool.take(after)
    }
    for (const sequence of idle) {
      this.#drop(sequence)
      if (this.#pool.free > 0) return this.#pool.take(after)
    }
    return undefined
  }

  #spill(sequence: Sequence): void {
    if (sequence.vault !== undefined && this.#mayCall(sequence.vault))
      sequence.vault.save(sequence, this.model)
  }

  #drop(sequence: Sequence): void {
    this.#spill(sequence)
    truncate(sequence, 0, this.#pool)
    this.#sequences = this.#sequences.filter((other) => other !== sequence)
  }
}
