// A caller is the lane in whose call the engine runs: the one lane whose storage may be read and written now.

import type { Vault } from './vault.ts'

/** The rule of the caller's storage is told in step.ts. */
export class Caller {
  vault: Vault | undefined

  /** Whether this storage may be touched now; undefined = storage of nobody, which needs no permission. */
  mayTouch(vault: Vault | undefined): boolean {
    return vault === undefined || vault === this.vault
  }
}
