// A storage guard lets answers go on without storage once storage has failed, and says so once.

import { IsletError } from '../lib/errors.ts'

/**
 * One for all of an object's storage: the platform ends whoever touches it after an update of the code, and a
 * disk may be full.
 */
export class StorageGuard {
  readonly #onLoss: (error: unknown) => void
  #lost = false

  /** `onLoss` hears once why storage is of no use any more. */
  constructor(onLoss: (error: unknown) => void) {
    this.#onLoss = onLoss
  }

  /** Nothing is read or written any more. */
  get lost(): boolean {
    return this.#lost
  }

  /**
   * Does `work` with storage; undefined where storage is lost, or is lost by this. Throws an IsletError of
   * `work`, which is no loss.
   */
  attempt<T>(work: () => T): T | undefined {
    if (this.#lost) return undefined
    try {
      return work()
    } catch (error) {
      if (error instanceof IsletError) throw error
      // Work within work has told of it already.
      if (!this.#lost) {
        this.#lost = true
        this.#onLoss(error)
      }
      return undefined
    }
  }
}
