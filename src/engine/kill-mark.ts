// A kill mark tells the next call that the one before it was killed in the middle of a change.

/** See the rules in step.ts. */
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
