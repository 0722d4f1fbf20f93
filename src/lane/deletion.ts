// Deletion removes sessions, and what has lived its time, in steps between which the lane serves others.

import { STEP } from '../storage/run-ledger.ts'
import type { TurnId } from '../storage/ledger.ts'
import type { TurnStore } from '../storage/turn-store.ts'

export type DeletionParts = {
  turns: TurnStore
  /** Milliseconds that pages live after they were last used. */
  lifetimes: { pages: number }
  now(): number
  /** Gives the host its turn. */
  rest(): Promise<void>
  isRunning(id: TurnId): boolean
}

export class Deletion {
  readonly #parts: DeletionParts
  /** Sessions deleted since the host had its turn. */
  #deleted = 0

  constructor(parts: DeletionParts) {
    this.#parts = parts
  }

  /** Deletes what has lived its time; gives when to come again, undefined if nothing is left. */
  async expired(): Promise<number | undefined> {
    while (this.#step()) await this.#parts.rest()
    return this.#nextDue()
  }

  /** Deletes all turns of a session; its runs go with `sweep`. */
  async session(session: string): Promise<void> {
    const { turns, rest } = this.#parts
    while (turns.removeOf(session)) await rest()
    if (++this.#deleted % (STEP.rows / 4) === 0) await rest()
  }

  /** Deletes runs that nobody needs any more. */
  async sweep(): Promise<void> {
    while (this.#parts.turns.ledger.runs.sweep()) await this.#parts.rest()
  }

  /** Deletes a step's worth of what has lived its time; true if there may be more. */
  #step(): boolean {
    const { turns, lifetimes, now } = this.#parts
    const pagesSince = now() - lifetimes.pages
    return turns.removeExpired(now()) || this.#givePagesUp(pagesSince) || turns.ledger.runs.sweep(pagesSince)
  }

  #givePagesUp(usedUntil: number): boolean {
    const { turns, isRunning } = this.#parts
    const { ledger } = turns
    return ledger.totals.tenants.some((tenant) => {
      const due = ledger.withPages(tenant, usedUntil, 2 * STEP.rows).filter((turn) => !isRunning(turn))
      for (const turn of due) ledger.giveUpPages(turn)
      return due.length >= STEP.rows
    })
  }

  #nextDue(): number | undefined {
    const { turns, lifetimes } = this.#parts
    const { ledger } = turns
    const pages = [ledger.oldestPages(), ledger.runs.oldestUnnamed()].flatMap((time) => time ?? [])
    const times = [...pages.map((time) => time + lifetimes.pages), turns.nextExpiry()].flatMap(
      (time) => time ?? [],
    )
    return times.length === 0 ? undefined : Math.min(...times)
  }
}
