// A kill mark tells the next call that the one before it was killed in the middle of a change.

/**
 * The platform may kill an object at any instruction while the isolate, and with it the engine, lives on: no `finally` runs then. So
 * the mark is set before a change and taken away after it, and one that is found set means that turns and pages are half changed.
 */
export class KillMark {
  #set = false

  /** True when a change began and never ended. */
  get isSet(): boolean {
    return this.#set
  }

  /** Runs `change` under the mark; what it throws is thrown on. */
  around<T>(change: () => T): T {
    this.#set = true
    try {
      return change()
    } finally {
      this.#set = false
    }
  }
}
