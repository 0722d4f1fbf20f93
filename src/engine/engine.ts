// The engine turns requests into chosen ids: one step runs every turn that can run, whoever calls it.

import { checkPrefix, promptShape } from '../cache/prompt-shape.ts'
import type { LocalModel, Model, Outputs } from '../graph/model.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import { IsletError } from '../lib/errors.ts'
import { Admission } from './admission.ts'
import { Caller } from './caller.ts'
import type { EngineOptions } from './engine-options.ts'
import { KillMark } from './kill-mark.ts'
import { KvCache } from './kv-cache.ts'
import { publish } from './publish.ts'
import { hasPlace } from './queue-share.ts'
import { groupOf, isAlone, planSilent, planStep, shortStep, SHORT_ROWS } from './scheduler.ts'
import type { Sequence } from './sequence.ts'
import { StepGate } from './step-gate.ts'
import { rowsOf, type Ran, type Step } from './step.ts'
import { isHeard, newTurn, type Turn, type TurnOptions } from './turn.ts'
import type { Vault } from './vault.ts'

/** Every call keeps the rules that step.ts tells. */
export class Engine<M extends Model = LocalModel> {
  readonly model: M
  readonly #queueLimit: number
  readonly #caller = new Caller()
  readonly #cache: KvCache
  readonly #admission: Admission
  readonly #mark = new KillMark()
  readonly #gate: StepGate
  readonly #isShared: () => boolean
  readonly #rowsBesideAnswers: number
  #failure: unknown

  constructor(model: M, options: EngineOptions = {}) {
    const { queueLimit = Infinity, now = () => performance.now() } = options
    this.model = model
    this.#queueLimit = queueLimit
    this.#gate = new StepGate(now, model.stepsUnderWay)
    this.#isShared = options.isShared ?? (() => false)
    this.#rowsBesideAnswers = options.rowsBesideAnswers ?? Infinity
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

  /** Turns of the lane with that storage: those that run, and those that wait. */
  loadOf(owner: Vault): { running: number; waiting: number } {
    const own = (turns: readonly Turn[]): number => turns.filter((turn) => turn.owner === owner).length
    return { running: own(this.#admission.running), waiting: own(this.#admission.waiting) }
  }

  /** Whether somebody waits for the next token of an answer that decodes. */
  get isHeard(): boolean {
    return this.#admission.running.some(isHeard)
  }

  /** Rows that count as served to a tenant (fair-share.ts). */
  served(tenant: string): number {
    return this.#admission.served(tenant)
  }

  /** What made a step fail; the engine is of no use afterwards. */
  get failure(): unknown {
    return this.#failure
  }

  /** From a step's plan to its commit: the model is busy, and no page may be saved. */
  get isPlanned(): boolean {
    return this.#gate.isShut
  }

  /**
   * Queues a turn. Throws overloaded when the queue is full, invalid_request for a prompt without positions,
   * context_length_exceeded for a prefix that is too long, or what made the engine fail.
   */
  open(options: TurnOptions): Turn {
    if (this.#failure !== undefined) throw this.#failure
    const holders = this.#admission.waiting.map(({ tenant }) => tenant)
    if (!hasPlace(holders, options.tenant, this.#queueLimit)) {
      throw new IsletError(
        'overloaded',
        `${holders.length} requests are already waiting for this model, which is the limit: try again later`,
      )
    }
    const { spec, window, maxRows } = this.model
    const shape = promptShape(spec, options.prompt, window)
    checkPrefix(shape, maxRows)
    const turn = newTurn(options, shape)
    this.#change(() => {
      this.#admission.enqueue(turn)
      if (this.isPlanned) return
      this.#caller.vault = options.vault
      this.#admission.admit()
    })
    if (this.#failure !== undefined) throw this.#failure
    return turn
  }

  /** Idle and busy sequences whose pages may go to this storage. */
  sequencesOf(vault: Vault): Sequence[] {
    return this.#cache.sequencesOf(vault)
  }

  /** Sequences that turns of a tenant may fork, as KvCache has it. */
  sequencesFor(tenant: string): Sequence[] {
    return this.#cache.sequencesFor(tenant)
  }

  /**
   * A lane's object is there anew: the turns of the one before, which nobody drives any more, end, and its
   * pages may go to the storage as this one has it. Where that one had planned a step the engine has failed.
   */
  inherit(heir: Vault): void {
    const isGone = (vault: Vault | undefined): boolean => vault?.id === heir.id && vault !== heir
    if (this.#gate.steps.some(({ caller }) => isGone(caller))) this.#change(() => this.#fail(killed()))
    this.#change(() => {
      this.#caller.vault = heir
      this.#cache.inherit(heir, isGone)
    })
    const { waiting, running } = this.#admission
    for (const turn of [...waiting, ...running]) if (isGone(turn.owner)) this.close(turn)
  }

  /** Drops what memory holds of a session, unless a turn runs on it; nothing of it is stored. */
  forget(session: string): void {
    this.#change(() => {
      this.#cache.disown(session)
      this.#gate.pass(() => this.#cache.forget(session))
    })
  }

  /**
   * Puts the model's own prefix into the cache, where turns of every tenant fork it: it is the same for all,
   * so it tells nothing of anyone. It goes last when pages are short; without room for it nothing happens.
   */
  seed(seed: Seed): void {
    this.#change(() => this.#gate.pass(() => this.#cache.seed(seed)))
  }

  /** Ends a turn, finished or not; what it computed stays as cache. */
  close(turn: Turn): void {
    this.#change(() => {
      const leave = (): void => this.#admission.remove(turn)
      if (turn.sequence === undefined) return leave()
      // Also while a planned step still writes to it, so that `forget` finds it idle.
      turn.sequence.busy = false
      this.#gate.pass(leave)
    })
    if (turn.state === 'waiting' || turn.state === 'running') turn.state = 'done'
  }

  /**
   * Runs one step: plans it, has the model run it, commits it. Returns the rows run; 0 = nobody could run.
   * `caller` is the storage of the lane that calls. A promise only where the model gives one: of the oldest step of
   * this caller that is pending; others get 0. Never throws or rejects: when the model fails, all turns are
   * `failed`.
   */
  step(caller?: Vault): Ran<M> {
    const ran = this.#attempt(() => {
      const step = this.#plan(caller)
      if (step === undefined) return 0
      const outputs = this.model.run(step.rows)
      if (outputs instanceof Promise) {
        this.#gate.await(step, this.#commitLater(step, outputs))
        return 0
      }
      this.#commit(step, outputs)
      return step.rows.length
    })
    return ((ran || this.#gate.ranFor(caller)) ?? 0) as Ran<M>
  }

  /** Begins a step where several may be under way: other isolates compute while readers take what is there. `step` gives its end. */
  stepAhead(caller?: Vault): boolean {
    return this.#gate.mayOverlap && this.step(caller) instanceof Promise
  }

  /**
   * Chooses what runs next, and gives its rows pages to write to. Undefined when nobody can run, or while as many steps as the model
   * takes are not committed. What it gives must be run and handed to `commit`, or to `fail`, in a call of the same lane.
   * `silentRows`: at most so many rows, of prompts, that yield nothing.
   */
  plan(caller?: Vault, silentRows?: number): Step | undefined {
    return this.#attempt(() => this.#plan(caller, silentRows))
  }

  /** Pages that nobody holds; nobody takes them while a step is planned. */
  get spare(): { first: number; count: number } {
    return this.#cache.pool.freeRun()
  }

  /**
   * Publishes a step that the model has run: turns take the logits of their rows. Nothing happens where the
   * engine failed meanwhile. Throws a RangeError for a step that is not the planned one, which stays planned.
   */
  commit(step: Step, outputs: Outputs): void {
    if (this.#failure === undefined && !this.#gate.steps.includes(step))
      throw new RangeError('a step was committed that is not the planned one')
    this.#attempt(() => this.#commit(step, outputs))
  }

  /**
   * To be told when the model failed to run a step: nothing of it is published, and all turns are `failed`.
   */
  fail(step: Step, error: unknown): void {
    if (this.#gate.steps.includes(step)) this.#change(() => this.#fail(error))
  }

  #plan(caller: Vault | undefined, silentRows?: number): Step | undefined {
    if (this.#gate.isAbandoned) this.#fail(killed())
    const room = this.#gate.room
    if (this.#failure !== undefined || room === 0) return undefined
    this.#caller.vault = caller
    if (!this.isPlanned) {
      this.#admission.admit()
      this.#admission.makeRoom()
    } else if (this.#admission.waiting.length > 0) return undefined // pages move once none is under way
    const { waiting, running: all } = this.#admission
    const running = this.isPlanned ? all.filter((turn) => !this.#gate.holds(turn)) : all
    const isOpen = this.#isShared() && isAlone([...running, ...waiting])
    const { maxRows, maxLogitRows } = this.model
    const most = isOpen ? SHORT_ROWS : this.isHeard ? this.#rowsBesideAnswers : maxRows
    const share = room > 1 ? groupOf(running, room) : maxLogitRows
    const rows = { maxRows: shortStep(running, maxRows, most), maxLogitRows: Math.min(maxLogitRows, share) }
    const served = (tenant: string): number => this.#admission.served(tenant)
    const parts =
      silentRows === undefined
        ? planStep(running, rows, served)
        : planSilent(running, this.model, silentRows, served)
    if (parts.length === 0) return undefined
    this.#admission.charge(parts)
    for (const { turn, count } of parts) this.#cache.makeWritable(turn, count)
    const step = { parts, rows: parts.flatMap(rowsOf), caller }
    this.#gate.shut(step)
    return step
  }

  #commit(step: Step, outputs: Outputs): void {
    // Another lane may have called meanwhile.
    this.#caller.vault = step.caller
    for (const turn of publish(step, outputs, this.maxPositions)) {
      if (turn.state === 'running') this.#admission.rotate(turn)
      else this.#admission.remove(turn)
    }
    this.#gate.open(step)
  }

  async #commitLater(step: Step, outputs: Promise<Outputs>): Promise<number> {
    try {
      this.commit(step, await outputs)
    } catch (error) {
      this.fail(step, error)
    }
    return this.#failure === undefined ? step.rows.length : 0
  }

  /**
   * Makes a change, unless the engine has failed or one before was killed in the middle, which makes it fail.
   */
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

  /**
   * In this order, since a kill may come in the middle of it too: no turn may be left waiting for an engine
   * that has failed.
   */
  #fail(error: unknown): void {
    // A promise may reject with nothing at all.
    const failure = error ?? new IsletError('engine_failure', 'the model failed and did not say why')
    for (const turn of [...this.#admission.waiting, ...this.#admission.running]) {
      // One that was closed since the step was planned has ended already.
      if (turn.state !== 'waiting' && turn.state !== 'running') continue
      turn.error = failure
      turn.state = 'failed'
    }
    this.#failure = failure
    this.#gate.drop()
    this.#admission.clear()
  }
}

function killed(): IsletError {
  return new IsletError('engine_failure', 'the engine was killed in the middle of a change')
}
