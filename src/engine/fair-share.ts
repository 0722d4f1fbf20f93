// A fair share is counted in rows: who was served fewest goes next (start-time fair queueing).

/**
 * Rows that a tenant may be ahead or behind before others notice, and the rows of a turn's slice of the
 * pages.
 */
export const QUANTUM = 256

/**
 * Rows that a tenant can be owed at most: what it missed beyond is forgotten, so that no debt locks the
 * others out.
 */
const MOST_OWED = 16 * QUANTUM

/**
 * Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), with the rows of a step as the service, as
 * the virtual token counter has it for tokens (Sheng et al., OSDI 2024). Each tenant has a count of the rows
 * that it was served. Virtual time is the least count of those who want more than they get. A count lies a
 * quantum behind it at least: who comes back from idling is in front of those who were served meanwhile, by a
 * quantum and no more.
 */
export class FairShare {
  #virtualTime = 0
  #total = 0
  readonly #served = new Map<string, number>()

  /** Rows that were served to anybody. */
  get total(): number {
    return this.#total
  }

  /** Rows that count as served to the tenant. */
  served(tenant: string): number {
    return Math.max(this.#served.get(tenant) ?? -Infinity, this.#virtualTime - QUANTUM)
  }

  /** A step runs so many rows of the tenant. */
  charge(tenant: string, rows: number): void {
    this.#served.set(tenant, this.served(tenant) + rows)
    this.#total += rows
  }

  /**
   * Moves virtual time on, after a step's charges. `active` tenants have turns; those `owed` could have used
   * more rows than they got.
   */
  advance(active: ReadonlySet<string>, owed: ReadonlySet<string>): void {
    const counts = (tenants: ReadonlySet<string>): number[] =>
      [...tenants].map((tenant) => this.served(tenant))
    const most = Math.max(...counts(active))
    // Where everybody had enough nobody is owed anything.
    const least = owed.size === 0 ? most : Math.min(...counts(owed))
    this.#virtualTime = Math.max(this.#virtualTime, least, most - MOST_OWED)
    for (const [tenant, rows] of this.#served)
      if (rows <= this.#virtualTime - QUANTUM) this.#served.delete(tenant)
  }
}
