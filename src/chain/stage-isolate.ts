// A stage isolate holds one stage of a model and loads it; all objects of stages in the isolate share it.
// They share plain state and never a promise, since a promise of another object's context may never settle.

import type { Stage } from '../graph/stage.ts'
import { IsletError } from '../lib/errors.ts'
import type { StageSetup } from './messages.ts'

/** How the object that comes first reads the stage. */
export type StageReader = {
  read(setup: StageSetup, onProgress: (done: number, total: number) => void): Promise<Stage>
  now(): number
  newId(): string
  /** The object's own id: of the lane that it is for. */
  readonly owner: string
}

/** A load without progress for this long belonged to an object that is gone. */
const ABANDONED_MS = 15_000

/** Another lane's engine is not taken from it until it was not used for so long. */
const IN_USE_MS = 10_000

export class StageIsolate {
  done = 0
  total = 0
  #stage: Stage | undefined
  #plan = ''
  #engine = ''
  #epoch = ''
  #ticket = 0
  #beatAt: number | undefined
  #owner = ''
  #usedAt = -Infinity

  get state(): 'ready' | 'loading' | 'cold' {
    if (this.#beatAt !== undefined) return 'loading'
    return this.#stage === undefined ? 'cold' : 'ready'
  }

  get linearMemoryBytes(): number {
    return this.#stage?.linearMemoryBytes ?? 0
  }

  /**
   * Sees to it that the stage is there and serves that engine, and gives the epoch of what its pages hold. Throws `overloaded` while
   * another engine is served or another object loads, and what made the load fail.
   */
  async open(setup: StageSetup, reader: StageReader): Promise<string> {
    const { engine, ...planned } = setup
    const { owner } = reader
    if (owner !== this.#owner && reader.now() - this.#usedAt < IN_USE_MS)
      throw new IsletError('overloaded', 'this stage serves another lane: try again later')
    const plan = JSON.stringify(planned)
    if (this.#stage === undefined || plan !== this.#plan) await this.#load(setup, plan, reader)
    this.#owner = owner
    this.#usedAt = reader.now()
    if (engine !== this.#engine) {
      this.#engine = engine
      this.#epoch = reader.newId()
    }
    return this.#epoch
  }

  /** The stage, for a call of a session of that epoch. Throws `lane_lost` for one that is over. */
  stageOf(epoch: string, now: number): Stage {
    if (this.#stage === undefined || epoch !== this.#epoch)
      throw new IsletError('lane_lost', 'the pages of this stage were given to another engine')
    this.#usedAt = now
    return this.#stage
  }

  /** Gives the stage up, as one that failed within a call: its pages may be half written. */
  drop(): void {
    this.#ticket += 1
    this.#beatAt = undefined
    this.#stage?.release()
    this.#stage = undefined
    this.#engine = this.#epoch = ''
  }

  async #load(setup: StageSetup, plan: string, reader: StageReader): Promise<void> {
    if (this.#beatAt !== undefined && reader.now() - this.#beatAt < ABANDONED_MS)
      throw new IsletError('model_loading', 'another lane loads this stage: try again later')
    // The memory of the one before must be free first.
    this.drop()
    const ticket = this.#ticket
    const beat = (): void => {
      if (ticket !== this.#ticket) throw new IsletError('model_loading', 'another load took over')
      this.#beatAt = reader.now()
    }
    beat()
    try {
      const stage = await reader.read(setup, (done, total) => {
        beat()
        this.done = done
        this.total = total
      })
      beat()
      this.#stage = stage
      this.#plan = plan
    } finally {
      if (ticket === this.#ticket) this.#beatAt = undefined
    }
  }
}
