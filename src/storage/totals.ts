// Totals hold in memory how many bytes and sessions each tenant stores.

/** Bytes count what rows hold, and a share for keys and indexes. */
export type TenantTotal = { sessions: number; bytes: number }

export class Totals {
  readonly #of = new Map<string, TenantTotal>()
  #bytes = 0

  /** Of all tenants. */
  get bytes(): number {
    return this.#bytes
  }

  get tenants(): string[] {
    return [...this.#of.keys()]
  }

  of(tenant: string): Readonly<TenantTotal> {
    return this.#of.get(tenant) ?? { sessions: 0, bytes: 0 }
  }

  /** Adds, or with negative numbers takes away. */
  add(tenant: string, bytes: number, sessions = 0): void {
    const now = this.of(tenant)
    const next = { sessions: now.sessions + sessions, bytes: now.bytes + bytes }
    this.#bytes += bytes
    if (next.sessions === 0 && next.bytes === 0) this.#of.delete(tenant)
    else this.#of.set(tenant, next)
  }

  /** The tenant with most bytes. */
  largest(): string | undefined {
    let most: string | undefined
    for (const [tenant, { bytes }] of this.#of)
      if (most === undefined || bytes > this.of(most).bytes) most = tenant
    return most
  }
}
