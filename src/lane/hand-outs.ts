// Hand-outs limit how many events of one tenant are on their way to readers at once.
// Each is some turns of the host, in the lane and in the router: behind one of each of 64 streams whatever
// another tenant asks would wait for 64 of them, several times over.

import type { Clock } from '../lib/clock.ts'

/** Events of a tenant that may be on their way: half of what a step chooses at most. */
export const MOST_ON_THE_WAY = 4

/**
 * How often the way is looked at while somebody waits, milliseconds. An event that is there at two looks has a
 * reader that is slow, and is not counted any more.
 */
const LOOK_MS = 10

type OnTheWay = { isLate: boolean }
type Tenant = { onTheWay: Set<OnTheWay>; waiting: ((own: OnTheWay) => void)[] }

/** Those of one lane: a promise of another object's context may never settle. */
export class HandOuts {
  readonly #clock: Pick<Clock, 'wait'>
  readonly #tenants = new Map<string, Tenant>()
  #looking = false

  constructor(clock: Pick<Clock, 'wait'>) {
    this.#clock = clock
  }

  /**
   * Waits until one more event of the tenant may go, in the order of calls. What it gives is to be called
   * when the reader has come back.
   */
  async begin(tenant: string): Promise<() => void> {
    const known = this.#tenants.get(tenant) ?? { onTheWay: new Set(), waiting: [] }
    this.#tenants.set(tenant, known)
    const own = await new Promise<OnTheWay>((go) => {
      known.waiting.push(go)
      this.#grant(known)
    })
    return () => {
      known.onTheWay.delete(own)
      this.#grant(known)
      if (known.onTheWay.size === 0 && this.#tenants.get(tenant) === known) this.#tenants.delete(tenant)
    }
  }

  #grant({ onTheWay, waiting }: Tenant): void {
    while (onTheWay.size < MOST_ON_THE_WAY && waiting.length > 0) {
      const own = { isLate: false }
      onTheWay.add(own)
      waiting.shift()?.(own)
    }
    if (waiting.length > 0) void this.#look()
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    await this.#clock.wait(LOOK_MS)
    this.#looking = false
    for (const tenant of this.#tenants.values()) {
      for (const one of tenant.onTheWay)
        if (one.isLate) tenant.onTheWay.delete(one)
        else one.isLate = true
      this.#grant(tenant)
    }
  }
}
