// An arrival is a model whose weights still come: prompts that wait for it go through its layers meanwhile.

import type { Engine } from '../engine/engine.ts'
import type { Step } from '../engine/step.ts'
import type { Turn } from '../engine/turn.ts'
import type { LayeredRun, PageRun } from '../graph/layered-run.ts'
import type { Model, Outputs, Row } from '../graph/model.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import type { WhatRuns } from './what-runs.ts'

/** A model that runs its first layers before the others are there. */
export type Layered = { layered(rows: readonly Row[], spare: PageRun): LayeredRun }

/** Rows that go through the layers together: what comes of them waits in some five pages of SmolLM2's. */
const MOST_ROWS = 256

/** Weights that come within so many milliseconds are waited for: a prompt that is run ahead needs a step more behind them. */
const LEAST_REST_MS = 100

/** Of a step whose rows yield nothing. */
const NOTHING: Outputs = { logits: yieldsNothing, hidden: yieldsNothing }

/**
 * Turns of prompts that wait are opened on its engine in calls of their own lanes. When the first layer is in place one step of
 * them is planned, and the load runs it, layer by layer. It is committed when all weights are checked, and the turns end: what they
 * leave is cache, from which those that wait go on. Of a load that fails nothing is left: its engine is nobody's.
 */
export class Arrival {
  readonly model: Model
  readonly engine: Engine<Model>
  readonly #began: number
  readonly #now: () => number
  readonly #turns: Turn[] = []
  #isOpen = false
  #isLate = false
  #ahead: { step: Step; run: LayeredRun } | undefined

  /** `now`: milliseconds, any origin. */
  constructor(engine: Engine<Model>, now: () => number) {
    this.engine = engine
    this.model = engine.model
    this.#now = now
    this.#began = now()
  }

  /** The model's own prefix is known, if it has one: from now on prompts are taken. */
  open(seed: Seed | undefined): void {
    if (seed !== undefined) this.engine.seed(seed)
    this.#isOpen = true
  }

  /** The turn of a prompt; undefined where it cannot be run ahead, for a reason that is told when it is run. */
  take(prompt: WhatRuns): Turn | undefined {
    // A prefix that sees itself has to go through all layers in one step.
    if (!this.#isOpen || this.#ahead !== undefined || this.model.spec.prefix !== undefined) return undefined
    try {
      const choose = () => ({ id: prompt.prompt[0], stop: true })
      const turn = this.engine.open({ ...prompt, maxTokens: Infinity, choose })
      this.#turns.push(turn)
      return turn
    } catch {
      return undefined
    }
  }

  /** So many layers, and `part` of all bytes, are in place. */
  reach(layers: number, part: number, model: Layered): void {
    if (this.#ahead === undefined && layers > 0 && !this.#isLate) this.#plan(part, model)
    this.#ahead?.run.reach(layers)
  }

  /** All weights are in place and checked: what was run ahead becomes true. */
  land(): void {
    if (this.#ahead !== undefined) {
      const { step, run } = this.#ahead
      run.end()
      this.engine.commit(step, NOTHING)
      this.#ahead = undefined
    }
    for (const turn of this.#turns) this.engine.close(turn)
  }

  #plan(part: number, model: Layered): void {
    const rest = ((this.#now() - this.#began) * (1 - part)) / part
    this.#isLate = rest < LEAST_REST_MS
    if (this.#isLate || this.#turns.length === 0) return
    const step = this.engine.plan(undefined, MOST_ROWS)
    if (step !== undefined) this.#ahead = { step, run: model.layered(step.rows, this.engine.spare) }
  }
}

function yieldsNothing(): never {
  throw new RangeError('rows that were run ahead yield nothing')
}
