// Room enforces the budget of what is stored, by deleting what was not used for longest.
// Idle pages go first, then whole idle sessions.

import { IsletError } from '../lib/errors.ts'
import type { Ledger, TurnId } from './ledger.ts'
import type { TurnStore } from './turn-store.ts'

/** What one lane's object stores at most: bytes and sessions of one tenant, and bytes of all. */
export type Budget = { tenantBytes: number; tenantSessions: number; laneBytes: number }

/** Entries that a step looks at to find one that is idle: more than a lane works on at a time. */
const LOOK = 128

/** Turns whose pages one step gives up. */
const TURNS = 16

/** Steps within one write of pages. */
const STEPS_A_WRITE = 2

/**
 * Pages leave this part of the budget to turns: the pages of those that run cannot go, and the next one shall
 * find room.
 */
const LEFT_FOR_TURNS = 8

export type RoomParts = {
  ledger: Ledger
  turns: TurnStore
  budget: Budget
  /** Whether somebody drives a turn of the session. */
  isDriven(session: string): boolean
  /** Whether this is the turn that somebody drives. */
  isRunning(id: TurnId): boolean
  /** The session was deleted to make room. */
  evicted(session: string): void
}

/**
 * What shall be stored. `sessions`: 1 for a new one; `keep`: the session that it goes on with, which stays.
 */
export type Need = { tenant: string; bytes: number; sessions: number; keep?: string }

export class Room {
  readonly #parts: RoomParts

  constructor(parts: RoomParts) {
    this.#parts = parts
  }

  /**
   * Whether there is room; if not, one step was made towards it. Only what the tenant itself stores goes, or,
   * where the whole lane is full, what the tenant with most bytes does. Throws invalid_request for what no
   * room is made for, overloaded where all that could go is in use.
   */
  admit(need: Need): boolean {
    const { tenantBytes, laneBytes } = this.#parts.budget
    const most = Math.min(tenantBytes, laneBytes)
    if (need.bytes > most)
      throw new IsletError(
        'invalid_request',
        `store: ${need.bytes} bytes are more than the ${most} that a key may store here; send "store": false`,
        { param: 'store' },
      )
    const short = this.#shortOf(need)
    if (short === undefined) return true
    if (!this.#free(short, need.keep))
      throw new IsletError(
        'overloaded',
        'all sessions that this key may store here are in use: try again later, or send "store": false',
      )
    return this.#shortOf(need) === undefined
  }

  /**
   * Room for pages, for which pages alone go: they are a cache, and never cost a session, nor the room that
   * the next one needs.
   */
  forPages(tenant: string, bytes: number): boolean {
    const { tenantBytes, laneBytes } = this.#parts.budget
    const left = Math.min(tenantBytes, laneBytes) / LEFT_FOR_TURNS
    for (let step = 0; ; step++) {
      const short = this.#shortOf({ tenant, bytes: bytes + left, sessions: 0 })
      if (short === undefined) return true
      if (step === STEPS_A_WRITE || !this.#freePages(short.tenant)) return false
    }
  }

  /** Whose budget does not suffice, and whether it is that of sessions. */
  #shortOf({ tenant, bytes, sessions }: Need): { tenant: string; sessions: boolean } | undefined {
    const { ledger, budget } = this.#parts
    const { totals } = ledger
    const now = totals.of(tenant)
    if (now.sessions + sessions > budget.tenantSessions) return { tenant, sessions: true }
    if (now.bytes + bytes > budget.tenantBytes) return { tenant, sessions: false }
    if (totals.bytes + bytes > budget.laneBytes)
      return { tenant: totals.largest() ?? tenant, sessions: false }
    return undefined
  }

  #free({ tenant, sessions }: { tenant: string; sessions: boolean }, keep: string | undefined): boolean {
    return (!sessions && this.#freePages(tenant)) || this.#freeSession(tenant, keep) || this.#freeKept(keep)
  }

  /** Deletes pages of turns that do not run; false where there are none. */
  #freePages(tenant: string): boolean {
    const { ledger, isRunning } = this.#parts
    const before = ledger.totals.bytes
    const isFreed = (): boolean => {
      ledger.runs.sweep()
      return ledger.totals.bytes < before
    }
    if (isFreed()) return true
    const idle = ledger.withPages(tenant, Number.MAX_SAFE_INTEGER, LOOK).filter((turn) => !isRunning(turn))
    for (const turn of idle.slice(0, TURNS)) {
      ledger.giveUpPages(turn)
      if (isFreed()) break
    }
    return idle.length > 0
  }

  /** Deletes a session that nobody drives and that does not go on by itself; false where there is none. */
  #freeSession(tenant: string, keep: string | undefined): boolean {
    const { ledger, turns, isDriven, evicted } = this.#parts
    const idle = ledger
      .oldestSessions(tenant, LOOK)
      .find((session) => session !== keep && !isDriven(session) && !turns.hasUnfinished(session))
    if (idle === undefined) return false
    turns.removeOf(idle)
    evicted(idle)
    ledger.runs.sweep()
    return true
  }

  /** Deletes the oldest turn of the session that goes on, but not its last; false where there is none. */
  #freeKept(session: string | undefined): boolean {
    const { turns, ledger, isRunning } = this.#parts
    const oldest = session === undefined ? undefined : turns.oldestKept(session)
    if (oldest === undefined || isRunning(oldest)) return false
    turns.removeTurn(oldest)
    ledger.runs.sweep()
    return true
  }
}
