// What a mode prints at its end: the measured numbers beside the goals.

import { GOALS, inUnit, verdict, type Goal, type Measure } from './goals.ts'
import { printTable } from './results.ts'

/** One line for each number. */
export function printMeasures(measures: readonly Measure[]): void {
  if (measures.length === 0) return
  console.log('')
  printTable(
    ['goal', 'measured', 'goal', 'stretch', ''],
    measures.map((measure) => {
      const { title, goal, stretch }: Goal = GOALS[measure.goal]
      const shown = (value: number | undefined): string =>
        value === undefined ? '-' : inUnit(measure.goal, value)
      return [
        `${title}: ${measure.label}`,
        shown(measure.value),
        shown(goal),
        shown(stretch),
        verdict(measure),
      ]
    }),
  )
}
