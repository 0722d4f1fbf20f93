// The engine turns requests into chosen ids: one step runs every turn that can run, whoever calls it.

import { checkPrefix, promptShape } from '../cache/prompt-shape.ts'
import type { LocalModel, Model, Outputs, Row } from '../graph/model.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import { IsletError } from '../lib/errors.ts'
import { Admission } from './admission.ts'
import { Caller } from './caller.ts'
import { KillMark } from './kill-mark.ts'
import { KvCache } from './kv-cache.ts'
import { planStep, type Part } from './scheduler.ts'
import type { Sequence } from './sequence.ts'
import type { Ran, Step } from './step.ts'
import { newTurn, type Turn, type TurnOptions } from './turn.ts'
import type { Vault } from './vault.ts'

export type EngineOptions = {
  /** Turns that may wait; one more is `overloaded`. Default: any number. */
  queueLimit?: number
}

/**
 * A step publishes last. `plan` chooses what runs, the model runs it, and `commit` makes it true: keys and values are written before,
 * but only then do lengths of sequences move and ids join their turns. Of a step that fails, or whose caller is killed, nothing exists.
 *
 * While a planned step is not committed, what its turns hold must not move: `open` only queues, and `close` and `forget` leave marks,
 * which `commit` applies.
 */
export class Engine<M extends Model = LocalModel> {
  readonly model: M
  readonly #queueLimit: number
  readonly #caller = new Caller()
  readonly #cache: KvCache
  readonly #admission: Admission
  readonly #mark = new KillMark()
  #failure: unknown
  /** The step that was planned and is not committed yet. */
  #planned: Step | undefined
  /** Of a planned step that the model answers later. */
  #ran: Promise<number> | undefined
  /** Changes that wait for its commit. */
  #marks: (() => void)[] = []

  constructor(model: M, { queueLimit = Infinity }: EngineOptions = {}) {
    this.model = model
    this.#queueLimit = queueLimit
    this.#cache = new KvCache(model, this.#caller)
    this.#admission = new Admission(model, this.#cache, this.#caller)
    if (this.maxPositions < 1)
      throw new RangeError(`a pool of ${model.pages.count} pages is too small for the window`)
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
      if (this.#planned === undefined) this.#admission.admit()
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
   * this one has it. A step that the one before planned is never committed: the engine has failed.
   */
  inherit(heir: Vault): void {
    const isGone = (vault: Vault | undefined): boolean => vault?.id === heir.id && vault !== heir
    this.#caller.vault = heir
    if (isGone(this.#planned?.caller)) this.#change(() => this.#fail(killed()))
    this.#cache.inherit(heir, isGone)
    const { waiting, running } = this.#admission
    for (const turn of [...waiting, ...running]) if (isGone(turn.owner)) this.close(turn)
  }

  /** Drops what memory holds of a session, unless a turn runs on it; nothing of it is stored. */
  forget(session: string): void {
    this.#changeOrMark(() => this.#cache.forget(session))
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
    this.#changeOrMark(() => this.#admission.remove(turn))
    if (turn.state === 'waiting' || turn.state === 'running') turn.state = 'done'
  }

  /**
   * Runs one step: plans it, has the model run it, commits it. Returns the rows run; 0 = nobody could run. `caller` is the storage of the
   * lane that calls. A promise only where the model gives one; while it is pending its caller gets it again, and others get 0. Never
   * throws or rejects: when the model fails, all turns are `failed`.
   */
  step(caller?: Vault): Ran<M> {
    const ran = this.#attempt(() => {
      if (this.#planned !== undefined) return this.#planned.caller === caller ? (this.#ran ?? 0) : 0
      const step = this.#plan(caller)
      if (step === undefined) return 0
      const outputs = this.model.run(step.rows)
      if (outputs instanceof Promise) return (this.#ran = this.#commitLater(step, outputs))
      this.#commit(step, outputs)
      return step.rows.length
    })
    return (ran ?? 0) as Ran<M>
  }

  /**
   * Chooses what runs next, and gives its rows pages to write to. Undefined when nobody can run, or while another step is not committed.
   * What it gives must be run and handed to `commit`, or to `fail`.
   */
  plan(caller?: Vault): Step | undefined {
    return this.#attempt(() => (this.#planned === undefined ? this.#plan(caller) : undefined))
  }

  /** Publishes a step that the model has run, and chooses an id for each turn whose rows yield logits. Nothing where the engine failed meanwhile. */
  commit(step: Step, outputs: Outputs): void {
    this.#attempt(() => {
      if (this.#planned !== step) throw new RangeError('a step was committed that is not the planned one')
      this.#commit(step, outputs)
    })
  }

  /** To be told when the model failed to run a step: nothing of it is published, and all turns are `failed`. */
  fail(step: Step, error: unknown): void {
    if (this.#planned === step) this.#fail(error)
  }

  #plan(caller: Vault | undefined): Step | undefined {
    this.#caller.vault = caller
    this.#admission.admit()
    this.#admission.makeRoom()
    const parts = planStep(this.#admission.running, this.model)
    if (parts.length === 0) return undefined
    this.#planned = { parts, rows: parts.flatMap((part) => this.#rows(part)), caller }
    return this.#planned
  }

  #commit({ parts, caller }: Step, outputs: Outputs): void {
    // Another lane may have called meanwhile.
    this.#caller.vault = caller
    for (const { turn, count } of parts) if (turn.sequence !== undefined) turn.sequence.length += count
    const choosing = parts.filter(({ logits }) => logits)
    for (const [index, { turn }] of choosing.entries())
      if (turn.state === 'running') this.#choose(turn, outputs, index)
    this.#planned = undefined
    this.#ran = undefined
    for (const mark of this.#marks.splice(0)) mark()
  }

  async #commitLater(step: Step, outputs: Promise<Outputs>): Promise<number> {
    try {
      this.commit(step, await outputs)
    } catch (error) {
      this.fail(step, error)
    }
    return this.#failure === undefined ? step.rows.length : 0
  }

  /** Makes a change, unless the engine has failed or one before was killed in the middle, which makes it fail. */
  #change<T>(change: () => T): T | undefined {
    if (this.#failure !== undefined) return undefined
    if (this.#mark.isSet) {
      this.#fail(killed())
      return undefined
    }
    return this.#mark.around(change)
  }

  /** A change during which an error makes the engine fail. */
  #attempt<T>(change: () => T): T | undefined {
    return this.#change(() => {
      try {
        return change()
      } catch (error) {
        this.#fail(error)
        return undefined
      }
    })
  }

  /** A change of what a planned step may be using waits for its commit. */
  #changeOrMark(change: () => void): void {
    this.#change(() => {
      if (this.#planned === undefined) change()
      else this.#marks.push(change)
    })
  }

  #rows({ turn, count, logits }: Part): Row[] {
    const sequence = turn.sequence
    if (sequence === undefined) throw new Error('a running turn has no sequence')
    this.#cache.makeWritable(sequence, count)
    return Array.from({ length: count }, (_, i) => {
      const position = sequence.length + i
      const { pages, shape } = sequence
      return {
        id: turn.ids[position],
        position,
        pages,
        yields: logits && i === count - 1 ? 'logits' : 'nothing',
        shape,
      }
    })
  }

  #choose(turn: Turn, outputs: Outputs, index: number): void {
    try {
      const { id, stop } = turn.choose(outputs.logits(index), turn.ids.length)
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
    this.#planned = undefined
    this.#ran = undefined
    this.#marks = []
    for (const turn of this.#admission.clear()) {
      // One that was closed since the step was planned has ended already.
      if (turn.state !== 'waiting' && turn.state !== 'running') continue
      turn.state = 'failed'
      turn.error = error
    }
  }
}

function killed(): IsletError {
  return new IsletError('engine_failure', 'the engine was killed in the middle of a change')
}
