// A clock is what of the host's time is used: lanes and links are given one, and tests give their own.

export type Clock = {
  /** Milliseconds, any origin. */
  now(): number
  /** At least `ms` later, after other events of the host had their turn. */
  wait(ms: number): Promise<void>
}
