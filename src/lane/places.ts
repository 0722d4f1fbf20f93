// Places are the requests that a lane works on at once; tenants share them, unread streams give theirs up.

import { hasPlace } from '../engine/queue-share.ts'
import { IsletError } from '../lib/errors.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import { errorEvent } from '../protocol/wire.ts'
import { UNREAD_MS } from './drivers.ts'
import type { ReaderDriver } from './reader-driver.ts'

/** A request under way; one of several answers takes as many places, though it needs but one to begin. */
export type Place = {
  readonly tenant: string
  readonly driver: Pick<ReaderDriver, 'unreadFor' | 'stop'>
  readonly answers?: number
}

export class Places {
  readonly #limit: number
  #taken: Place[] = []

  /** `limit`: places, shared as queue-share.ts says. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Places that a tenant has. */
  takenBy(tenant: string): number {
    return this.#tenants.filter((other) => other === tenant).length
  }

  /**
   * Gives the request a place; false where its tenant has as many as it may. Streams that nobody reads end
   * first, whoever reads on is told so. A place of `before`, which the request will stop, becomes its own.
   */
  async take(place: Place, before?: unknown): Promise<boolean> {
    const at = this.#taken.findIndex(({ driver }) => driver === before)
    if (at >= 0) {
      this.#taken = this.#taken.with(at, place)
      return true
    }
    while (this.#tenants.length >= this.#limit) {
      const unread = this.#unread(place.tenant)
      if (unread === undefined) break
      this.leave(unread)
      await unread.driver.stop(
        new IsletError(
          'overloaded',
          `nobody read this answer for ${UNREAD_MS / 1000} s, and another request needed its place`,
        ),
      )
    }
    if (!hasPlace(this.#tenants, place.tenant, this.#limit)) return false
    this.#taken.push(place)
    return true
  }

  /** What a tenant is told that holds as many places as it may. */
  refusal(tenant: string): GenerationEvent & { type: 'error' } {
    return errorEvent(
      new IsletError(
        'overloaded',
        `this lane has ${this.takenBy(tenant)} answers of yours under way, as many as it takes now: try again later`,
      ),
    )
  }

  /** The request has ended. */
  leave(place: Place): void {
    this.#taken = this.#taken.filter((other) => other !== place)
  }

  /** The tenant of each place that is taken. */
  get #tenants(): string[] {
    return this.#taken.flatMap(({ tenant, answers = 1 }) => Array.from({ length: answers }, () => tenant))
  }

  /** The stream that was not read for longest, of those who hold as much as the tenant or more. */
  #unread(tenant: string): Place | undefined {
    const least = this.takenBy(tenant)
    const [longest] = this.#taken
      .filter(({ driver }) => driver.unreadFor() >= UNREAD_MS)
      .filter((place) => this.takenBy(place.tenant) >= least)
      .sort((a, b) => b.driver.unreadFor() - a.driver.unreadFor())
    return longest
  }
}
