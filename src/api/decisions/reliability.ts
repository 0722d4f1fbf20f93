// The reliability of a kind of question says whether this model was measured to answer it better than chance.

import type { Calibration, Question } from './schema.ts'

/** `near_chance`: it was measured, and the answers were hardly better than always the same one. */
export type Reliability = 'measured' | 'near_chance' | 'unmeasured'

/** Right answers of the held-out half, and those of always naming the commonest answer, in all tasks of a kind. */
type Measured = { right: number; majority: number; count: number }

/** By model; bench/decisions.ts measures them, and a test holds them against docs/results/. */
export const MEASURED: Readonly<Record<string, Record<Question['type'], Measured>>> = {
  'gemma-3-270m': {
    choice: { right: 59, majority: 20, count: 60 },
    predicate: { right: 27, majority: 20, count: 40 },
    score: { right: 14, majority: 7, count: 20 },
  },
  'gemma-3-270m-en': {
    choice: { right: 58, majority: 20, count: 60 },
    predicate: { right: 32, majority: 20, count: 40 },
    score: { right: 14, majority: 7, count: 20 },
  },
  'smollm2-135m-instruct': {
    choice: { right: 51, majority: 20, count: 60 },
    predicate: { right: 30, majority: 20, count: 40 },
    score: { right: 10, majority: 7, count: 20 },
  },
}

/**
 * Near chance is what is not above the commonest answer by two standard errors of a proportion. Uncalibrated answers are
 * not vouched for: they were worse in nearly all measurements.
 */
export function reliabilityOf(model: string, type: Question['type'], calibration: Calibration): Reliability {
  const measured = MEASURED[model]?.[type]
  if (measured === undefined || calibration === 'none') return 'unmeasured'
  return isAboveChance(measured) ? 'measured' : 'near_chance'
}

export function isAboveChance({ right, majority, count }: Measured): boolean {
  const chance = majority / count
  return right / count > chance + 2 * Math.sqrt((chance * (1 - chance)) / count)
}
