// A pacer says when a turn that computes hands the thread back to the host.
// A macrotask costs about 1 ms while a response streams, as much as a fifth of a token.

const COMPUTE_MS = 50

/**
 * Deployed clocks stand still between I/O: where no time seems to pass, steps are counted instead, and four rows of a step as one more.
 * Some 40 ms of decoding, or two chunks of a prompt.
 */
const STEPS_WITHOUT_CLOCK = 10
const ROWS_A_STEP = 4

export type Clock = {
  /** Milliseconds, any origin. */
  now(): number
  /** At least `ms` later, after other events of the host had their turn. */
  wait(ms: number): Promise<void>
}

export class Pacer {
  readonly #clock: Clock
  #since: number
  #steps = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.now()
  }

  /** To be called after each step, with the rows that it ran. */
  stepped(rows: number): void {
    this.#steps += 1 + rows / ROWS_A_STEP
  }

  /** True once the thread has been kept for long enough. */
  get isDue(): boolean {
    const elapsed = this.#clock.now() - this.#since
    return elapsed >= COMPUTE_MS || (elapsed === 0 && this.#steps >= STEPS_WITHOUT_CLOCK)
  }

  /** Gives the host its turn, or `ms` of idling. */
  async rest(ms = 0): Promise<void> {
    await this.#clock.wait(ms)
    this.#since = this.#clock.now()
    this.#steps = 0
  }
}
