// The engine turns requests into chosen ids: one step runs every turn that can run, whoever calls it.

import { checkPrefix, promptShape } from '../cache/prompt-shape.ts'
import type { Model, Row } from '../graph/model.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import { IsletError } from '../lib/errors.ts'
import { Admission } from './admission.ts'
import { Caller } from './caller.ts'
import { KillMark } from './kill-mark.ts'
import { KvCache } from './kv-cache.ts'
import { planStep, type Part } from './scheduler.ts'
import type { Sequence } from './sequence.ts'
import { newTurn, type Turn, type TurnOptions } from './turn.ts'
import type { Vault } from './vault.ts'

export type EngineOptions = {
  /** Turns that may wait; one more is `overloaded`. Default: any number. */
  queueLimit?: number
}

export class Engine {
  readonly model: Model
  readonly #queueLimit: number
  readonly #caller = new Caller()
  readonly #cache: KvCache
  readonly #admission: Admission
  readonly #mark = new KillMark()
  #failure: unknown

  constructor(model: Model, { queueLimit = Infinity }: EngineOptions = {}) {
    this.model = model
    this.#queueLimit = queueLimit
    this.#cache = new KvCache(model, this.#caller)
    this.#admission = new Admission(model, this.#cache, this.#caller)
    if (this.maxPositions < 1)
      throw new RangeError(`a pool of ${model.pageCount} pages is too small for the window`)
  }

  /** Positions a sequence may have: unbounded with a window that the pool can hold, else context or pool. */
  get maxPositions(): number {
    return this.#admission.maxPositions
  }

  /** What the pool holds now: for health and tests. */
  get load(): { running: number; waiting: number; sequences: number; pagesFree: number; pageCount: number } {
    const { pool, size } = this.#cache
    return {
      running: this.#admission.running.length,
      waiting: this.#admission.waiting.length,
      sequences: size,
      pagesFree: pool.free,
      pageCount: pool.pageCount,
    }
  }

  /** What made a step fail; the engine is of no use afterwards. */
  get failure(): unknown {
    return this.#failure
  }

  /** Queues a turn. Throws overloaded when the queue is full, invalid_request for a prompt without positions, context_length_exceeded for a prefix that is too long, or what made the engine fail. */
  open(options: TurnOptions): Turn {
    if (this.#failure !== undefined) throw this.#failure
    const { length } = this.#admission.waiting
    if (length >= this.#queueLimit) {
      throw new IsletError(
        'overloaded',
        `${length} requests are already waiting for this model, which is the limit: try again later`,
      )
    }
    const { spec, window, maxRows } = this.model
    const shape = promptShape(spec, options.prompt, window)
    checkPrefix(shape, maxRows)
    const turn = newTurn(options, shape)
    this.#caller.vault = options.vault
    this.#change(() => {
      this.#admission.enqueue(turn)
      this.#admission.admit()
    })
    if (this.#failure !== undefined) throw this.#failure
    return turn
  }

  /** Idle and busy sequences whose pages may go to this storage. */
  sequencesOf(vault: Vault): Sequence[] {
    return this.#cache.sequencesOf(vault)
  }

  /**
   * A lane's object is there anew: the turns of the one before, which nobody drives any more, end, and its pages may go to the storage as
   * this one has it.
   */
  inherit(heir: Vault): void {
    const isGone = (vault: Vault | undefined): boolean => vault?.id === heir.id && vault !== heir
    this.#caller.vault = heir
    this.#cache.inherit(heir, isGone)
    const { waiting, running } = this.#admission
    for (const turn of [...waiting, ...running]) if (isGone(turn.owner)) this.close(turn)
  }

  /** Drops what memory holds of a session, unless a turn runs on it; nothing of it is stored. */
  forget(session: string): void {
    this.#change(() => this.#cache.forget(session))
  }

  /**
   * Puts the model's own prefix into the cache, where turns of every tenant fork it: it is the same for all, so it tells nothing of anyone.
   * It goes last when pages are short; without room for it nothing happens.
   */
  seed(seed: Seed): void {
    this.#cache.seed(seed)
  }

  /** Ends a turn, finished or not; what it computed stays as cache. */
  close(turn: Turn): void {
    this.#change(() => {
      this.#admission.remove(turn)
      if (turn.state === 'waiting' || turn.state === 'running') turn.state = 'done'
    })
  }

  /**
   * Runs one batch and chooses an id for each row that has logits. Returns the rows run; 0 = nobody could run. `caller` is the storage
   * of the lane that calls. Never throws: when the model fails, all turns are `failed`.
   */
  step(caller?: Vault): number {
    this.#caller.vault = caller
    return this.#change(() => this.#step()) ?? 0
  }

  /** All of `work` or, where the platform kills it in the middle, an engine that has failed: nothing of it is half true. */
  #change<T>(work: () => T): T | undefined {
    if (this.#failure !== undefined) return undefined
    if (this.#mark.isSet) {
      this.#fail(new IsletError('engine_failure', 'the engine was killed in the middle of a change'))
      return undefined
    }
    return this.#mark.around(work)
  }

  #step(): number {
    try {
      this.#admission.admit()
      this.#admission.makeRoom()
      const parts = planStep(this.#admission.running, this.model)
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
    this.#cache.makeWritable(sequence, count)
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
      this.#admission.remove(turn)
      return
    }
    if (turn.reason === undefined) {
      this.#admission.rotate(turn)
      return
    }
    turn.state = 'done'
    this.#admission.remove(turn)
  }

  #fail(error: unknown): void {
    this.#failure = error
    for (const turn of this.#admission.clear()) {
      turn.state = 'failed'
      turn.error = error
    }
  }
}
