// Publishing makes a step true: lengths of sequences move, then each turn takes the logits of its rows.

import type { Outputs } from '../graph/model.ts'
import type { Part } from './scheduler.ts'
import type { Step } from './step.ts'
import type { Turn } from './turn.ts'

/**
 * Publishes what the model made of a step, and gives the turns for which an id was chosen or which ended;
 * these still hold their sequences. A turn whose own code throws fails alone. `maxPositions` ends an answer.
 */
export function publish({ parts }: Step, outputs: Outputs, maxPositions: number): Turn[] {
  for (const { turn, count } of parts) if (turn.sequence !== undefined) turn.sequence.length += count
  const moved: Turn[] = []
  const first = { logits: 0, hidden: 0 }
  for (const part of parts) {
    const { turn, logits } = part
    // One that was closed since hears nothing more: its reader is gone, and perhaps the object that its code
    // belongs to.
    if (turn.state === 'running' && takeRows(part, outputs, first[turn.yields], maxPositions))
      moved.push(turn)
    first[turn.yields] += logits
  }
  return moved
}

/**
 * True when the turn has one more id, or failed. The part's first row that yields something is the `first` of the
 * step's of its kind.
 */
function takeRows({ turn, logits }: Part, outputs: Outputs, first: number, maxPositions: number): boolean {
  const { produced } = turn
  const from = (turn.sequence?.length ?? 0) - logits
  for (let i = 0; i < logits; i++) {
    // Of the id that these logits are about.
    const position = from + i + 1
    // Logits are made as they are read: what fails here is the model.
    const row = outputs[turn.yields](first + i)
    try {
      if (position < turn.ids.length) turn.score?.(row, position)
      else choose(turn, row, maxPositions)
      turn.wantsFrom = position
    } catch (error) {
      turn.error = error
      turn.state = 'failed'
      return true
    }
  }
  return turn.state !== 'running' || turn.produced > produced
}

function choose(turn: Turn, logits: Float32Array, maxPositions: number): void {
  const { id, stop } = turn.choose(logits, turn.ids.length)
  turn.ids.push(id)
  turn.produced += 1
  if (stop) turn.reason = 'stop'
  else if (turn.produced >= turn.maxTokens || turn.ids.length >= maxPositions) turn.reason = 'length'
  if (turn.reason !== undefined) turn.state = 'done'
}
