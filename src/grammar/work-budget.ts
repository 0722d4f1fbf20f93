// A work budget counts what is made for one grammar, so that a hostile one is refused in time.

import { GrammarError, LIMITS } from './grammar-error.ts'

/** A grammar is made in one go, without a pause: one budget at a time is enough. */
let left = Infinity
/** Of all budgets, and outside of them. */
let spent = 0

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

/** Runs `act` within that much of the budget around it. Throws GrammarError beyond it; what it used is used either way. */
export function withinPart<T>(act: () => T, most: number): T {
  const around = left
  const part = (left = Math.min(most, around))
  try {
    return act()
  } finally {
    left = around - (part - Math.max(left, 0))
  }
}

/** Counts states, terms, or whatever takes about as long to make: some 100 ns each. */
export function spend(amount: number): void {
  spent += amount
  left -= amount
  if (left < 0) throw new GrammarError('the grammar is too large')
}

/** What is kept for later, with what it took. */
export type Made<T> = { value: T; work: number }

export function madeBy<T>(make: () => T): Made<T> {
  const before = spent
  const value = make()
  return { value, work: spent - before }
}

/** Takes it again at the same price: what is refused does not depend on what was made before. */
export function takeMade<T>({ value, work }: Made<T>): T {
  spend(work)
  return value
}
