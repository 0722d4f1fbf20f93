// First tokens are what new requests wait for: answers of tenants served more give them way on the thread.

/** Steps after which a request is no longer new, whether it has its first token or not. */
const MOST_STEPS = 16

/**
 * An answer leaves the thread to requests that are new for so long, milliseconds, and so many times in a row:
 * each look costs them some of it.
 */
export const HOLD_MS = 20
export const MOST_HOLDS = 3

/** A tenant is there for so long after its last request, milliseconds. */
const PRESENT_MS = 60_000

/** Plain state that the lanes of an isolate share. A request is known by the signal that stops it. */
export class FirstTokens {
  #steps = 0
  readonly #new = new Map<AbortSignal, { tenant: string; since: number }>()
  readonly #seenAt = new Map<string, number>()

  /** A request has come. `now`: milliseconds. */
  begin(request: AbortSignal, tenant: string, now: number): void {
    this.#new.set(request, { tenant, since: this.#steps })
    for (const [other, at] of this.#seenAt) if (now - at >= PRESENT_MS) this.#seenAt.delete(other)
    this.#seenAt.set(tenant, now)
  }

  /** It has its first token, or has ended. */
  end(request: AbortSignal): void {
    this.#new.delete(request)
  }

  /** The engine ran a step. */
  stepped(): void {
    this.#steps += 1
    for (const [request, { since }] of this.#new)
      if (this.#steps - since >= MOST_STEPS) this.#new.delete(request)
  }

  /** Whether any request waits for its first token. */
  get isAnybodyNew(): boolean {
    return this.#new.size > 0
  }

  /** Whether several tenants are there. */
  isShared(now: number): boolean {
    if (this.#seenAt.size < 2) return false
    // Asked for each token: no list is made.
    let present = 0
    for (const at of this.#seenAt.values()) if (now - at < PRESENT_MS) present++
    return present > 1
  }

  /** Whether an answer to `tenant` waits for the first token of a tenant that was served less. */
  goFirst(request: AbortSignal, tenant: string, served: (tenant: string) => number): boolean {
    if (this.#new.size === 0 || this.#new.has(request)) return false
    return [...this.#new.values()].some(
      (other) => other.tenant !== tenant && served(other.tenant) < served(tenant),
    )
  }
}
