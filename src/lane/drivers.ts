// Drivers move the turns of a lane along, one for each session; readers who left are remembered.

import type { GenerateRequest } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import type { TurnRecord } from '../storage/turn-record.ts'

/** Somebody who drives a turn. */
export type Driver = {
  /** Its reader has left before the end. */
  readonly isLeft?: boolean
  /** It never had one. */
  readonly isUnread?: boolean
  /** Milliseconds for which its reader has asked for nothing. */
  unreadFor?(): number
  stop(reason: IsletError): Promise<void>
}

export type Driven = { record: TurnRecord; driver: Driver }

/**
 * A stream that nobody has read from for this long, milliseconds, leaves when somebody else needs its place.
 */
export const UNREAD_MS = 10_000

/** A client that sends the same again by itself does so within seconds, milliseconds. */
const LEFT_MS = 60_000

/** How often a try looks whether the one before it has ended, milliseconds. */
const TRY_MS = 20

/** What tells one try of a request from another. */
type Tried = Pick<GenerateRequest, 'tenant' | 'bodyHash' | 'retry' | 'unseen' | 'background' | 'sampling'>

export class Drivers {
  readonly #now: () => number
  /** By session. */
  readonly #driven = new Map<string, Driven>()
  /** Turns whose readers left, with the seed that they have. */
  readonly #left = new Map<string, { at: number; seed: number }>()

  /** `now`: milliseconds, any origin. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The number of turns that somebody drives. */
  get size(): number {
    return this.#driven.size
  }

  /** Who drives a turn of this session. */
  of(session: string): Driven | undefined {
    return this.#driven.get(session)
  }

  set(driven: Driven): void {
    this.#driven.set(driven.record.session, driven)
    this.#left.delete(driven.record.turn)
  }

  /** `driver` ends; false where another drives the turn by now. */
  leave(record: TurnRecord, driver: Driver): boolean {
    const live = this.#driven.get(record.session)
    if (live?.record !== record || live.driver !== driver) return false
    this.#driven.delete(record.session)
    const at = this.#now()
    for (const [turn, left] of this.#left) if (at - left.at >= LEFT_MS) this.#left.delete(turn)
    if (driver.isLeft === true && record.end === undefined)
      this.#left.set(record.turn, { at, seed: record.request.sampling.seed })
    return true
  }

  /**
   * Whether a request of a turn's bytes goes on with that turn: a marked retry does. One without a mark does where the
   * reader has left, and the client cannot tell: it saw nothing of that answer, or a new one would be the same.
   */
  goesOn(request: Tried, turn: string): boolean {
    const left = this.#left.get(turn)
    const isLeft = left !== undefined && this.#now() - left.at < LEFT_MS
    return request.retry || (isLeft && isAsGood(request, left.seed))
  }

  /**
   * Waits while another try of a stored request runs, instead of having its answer computed twice: what that one leaves can be gone
   * on with then, and what it ends told again. One that nobody reads is stopped. It
   * is no more among the `first` tokens that others leave the thread to.
   */
  async untilTryEnds(
    request: GenerateRequest,
    signal: AbortSignal,
    clock: { wait(ms: number): Promise<void> },
    first?: { end(signal: AbortSignal): void },
  ): Promise<void> {
    if (!request.store) return
    for (;;) {
      const running = this.#running(request)
      if (running === undefined || signal.aborted) return
      const isUnread = running.isUnread === true || (running.unreadFor?.() ?? 0) >= UNREAD_MS
      first?.end(signal)
      await (isUnread ? running.stop(readElsewhere()) : clock.wait(TRY_MS))
    }
  }

  #running(request: Tried): Driver | undefined {
    for (const { driver, record } of this.#driven.values()) {
      const { tenant, bodyHash, sampling } = record.request
      // One that has ended is told again only when its driver has left.
      const isSame = tenant === request.tenant && bodyHash === request.bodyHash
      const isLeft = driver.isLeft === true && isAsGood(request, sampling.seed)
      if (isSame && (request.retry || isLeft)) return driver
    }
    return undefined
  }
}

/** What a reader is told whom another takes over from. */
export function readElsewhere(): IsletError {
  return new IsletError('conflict', 'somebody else reads this answer now')
}

/** Whether nobody could tell what is left of the turn from a new answer. */
function isAsGood({ unseen, background, sampling }: Tried, seed: number): boolean {
  if (background) return false
  return unseen === true || sampling.temperature === 0 || sampling.seed === seed
}
