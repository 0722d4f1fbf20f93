// Sliced work is a generator that yields after each slice of its budget. The host gets its turn there.

/** Ends with a result; whoever runs it may do other things at each yield, or leave it there. */
export type Sliced<T> = Generator<undefined, T, undefined>

/** A unit is about a byte of text, or one look into a vocabulary: some 4 ms are a slice. */
export const SLICE_UNITS = 1 << 14

/** Counts work, and never the time: where slices end depends on nothing but the input. */
export class Budget {
  readonly #slice: number
  #left: number

  /** `slice`: units; Infinity for work that nobody waits beside. */
  constructor(slice = SLICE_UNITS) {
    this.#slice = slice
    this.#left = slice
  }

  /** Units that are left of this slice. */
  get left(): number {
    return this.#left
  }

  /** Counts work that was done. True where that was the rest of a slice: yield then. */
  spend(units: number): boolean {
    this.#left -= units
    if (this.#left > 0) return false
    this.#left = this.#slice
    return true
  }
}

/** Runs work to its end at once. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** Runs work with a `turn` of the host between its slices; undefined where `signal` aborts meanwhile. */
export async function inTurns<T>(
  work: Sliced<T>,
  turn: () => Promise<void>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
    await turn()
    if (signal?.aborted === true) return undefined
  }
}
