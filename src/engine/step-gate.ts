// A step gate is shut from a step's plan to its commit; changes that must not come in between wait behind it.
// A model of several isolates may have more than one step under way: the gate opens when the last is committed.

import { ABANDONED_MS, type Step } from './step.ts'
import type { Turn } from './turn.ts'
import type { Vault } from './vault.ts'

/** `ran`: rows of the step, once it is committed; undefined where the model answered at once or was not yet asked. */
type UnderWay = { step: Step; shutAt: number; ran?: Promise<number> }

export class StepGate {
  readonly #now: () => number
  readonly #most: number
  #underWay: UnderWay[] = []
  #marks: (() => void)[] = []

  /** `now`: milliseconds, any origin. `most`: steps that may be under way. */
  constructor(now: () => number, most = 1) {
    this.#now = now
    this.#most = most
  }

  /** Steps that were planned and are not committed yet, the oldest first. */
  get steps(): readonly Step[] {
    return this.#underWay.map(({ step }) => step)
  }

  get mayOverlap(): boolean {
    return this.#most > 1
  }

  get isShut(): boolean {
    return this.#underWay.length > 0
  }

  /** How many steps more may be planned: none while a change waits, or it would wait for ever. */
  get room(): number {
    return this.#marks.length > 0 ? 0 : this.#most - this.#underWay.length
  }

  /** Whether a turn has rows in a step that is under way. */
  holds(turn: Turn): boolean {
    return this.#underWay.some(({ step }) => step.parts.some((part) => part.turn === turn))
  }

  /** Of the oldest step that this lane's call has planned and the model answers later. */
  ranFor(caller: Vault | undefined): Promise<number> | undefined {
    return this.#underWay.find(({ step, ran }) => step.caller === caller && ran !== undefined)?.ran
  }

  /** True when a step is so old that nobody will commit it. */
  get isAbandoned(): boolean {
    return this.#underWay.some(({ shutAt }) => this.#now() - shutAt >= ABANDONED_MS)
  }

  /** A step is planned. */
  shut(step: Step): void {
    this.#underWay.push({ step, shutAt: this.#now() })
  }

  /** The model answers the step later. */
  await(step: Step, ran: Promise<number>): void {
    const found = this.#underWay.find((each) => each.step === step)
    if (found !== undefined) found.ran = ran
  }

  /** Makes a change now, or when the gate opens. */
  pass(change: () => void): void {
    if (this.isShut) this.#marks.push(change)
    else change()
  }

  /** The step is committed: behind the last of them the changes are made that waited, in order. */
  open(step: Step): void {
    this.#underWay = this.#underWay.filter((each) => each.step !== step)
    if (this.isShut) return
    const marks = this.#marks
    this.#marks = []
    for (const change of marks) change()
  }

  /** No step will be committed: the changes that waited are forgotten with them. */
  drop(): void {
    this.#underWay = []
    this.#marks = []
  }
}
