// A step gate is shut from a step's plan to its commit; changes that must not come in between wait behind it.

import { ABANDONED_MS, type Step } from './step.ts'

export class StepGate {
  readonly #now: () => number
  #step: Step | undefined
  #shutAt = 0
  /**
   * Rows of the step, once it is committed; undefined where the model answered at once or was not yet asked.
   */
  #ran: Promise<number> | undefined
  #marks: (() => void)[] = []

  /** `now`: milliseconds, any origin. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The step that was planned and is not committed yet. */
  get step(): Step | undefined {
    return this.#step
  }

  get ran(): Promise<number> | undefined {
    return this.#ran
  }

  /** True when the step is so old that nobody will commit it. */
  get isAbandoned(): boolean {
    return this.#step !== undefined && this.#now() - this.#shutAt >= ABANDONED_MS
  }

  /** A step is planned. */
  shut(step: Step): void {
    this.#step = step
    this.#shutAt = this.#now()
  }

  /** The model answers the step later. */
  await(ran: Promise<number>): Promise<number> {
    this.#ran = ran
    return ran
  }

  /** Makes a change now, or when the gate opens. */
  pass(change: () => void): void {
    if (this.#step === undefined) change()
    else this.#marks.push(change)
  }

  /** The step is committed: makes the changes that waited, in order. */
  open(): void {
    const marks = this.#marks
    this.drop()
    for (const change of marks) change()
  }

  /** The step will never be committed: the changes that waited are forgotten with it. */
  drop(): void {
    this.#step = undefined
    this.#ran = undefined
    this.#marks = []
  }
}
