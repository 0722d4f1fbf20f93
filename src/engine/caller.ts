// A caller is the lane in whose call the engine runs: the one lane whose storage may be read and written now.

import type { Vault } from './vault.ts'

/**
 * The rule of the caller's storage. The platform lets an object touch its own storage alone, and only in its own calls, while lanes of
 * an isolate share one engine. So every call names its lane, and everything that reads or writes storage asks here first: a turn is
 * admitted, and a page is written, in a call of its own lane.
 */
export class Caller {
  vault: Vault | undefined

  /** Whether this storage may be touched now; undefined = storage of nobody, which needs no permission. */
  mayTouch(vault: Vault | undefined): boolean {
    return vault === undefined || vault === this.vault
  }
}
