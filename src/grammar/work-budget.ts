// A work budget counts what is made for one grammar, so that a hostile one is refused in time.

import { GrammarError, LIMITS } from './grammar-error.ts'

/** A grammar is made in one go, without a pause: one budget at a time is enough. */
let left = Infinity

/** Runs `act`, which may make so much and no more; within another budget that one counts. Throws GrammarError beyond it. */
export function withinBudget<T>(act: () => T, most: number = LIMITS.work): T {
  if (left !== Infinity) return act()
  left = most
  try {
    return act()
  } finally {
    left = Infinity
  }
}

/** Counts states, terms, or whatever takes about as long to make: some 100 ns each. */
export function spend(amount: number): void {
  left -= amount
  if (left < 0) throw new GrammarError('the grammar is too large')
}
