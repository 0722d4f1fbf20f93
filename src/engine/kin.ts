// Kin are turns that answer one prompt of a request: the pages that they share count once.

import { pageIsDead, type WindowOptions } from '../cache/window.ts'
import { fullPages, type Sequence } from './sequence.ts'
import type { Turn } from './turn.ts'

/**
 * How many pages of these turns are counted once more for each kin beside the first that holds them: full ones, to which none
 * writes, that its window sees. One that waits will fork those of its prompt that some kin has.
 */
export function countedTwice(turns: readonly Turn[], window: WindowOptions): number {
  const related = turns.filter(({ kin }) => kin !== undefined)
  if (related.length < 2) return 0
  let twice = 0
  for (const kin of Map.groupBy(related, (turn) => turn.kin).values()) {
    const held = new Set<number>()
    let most = 0
    for (const { sequence, promptTokens } of kin) {
      if (sequence === undefined) continue
      const pages = seen(sequence, window)
      for (const page of pages)
        if (held.has(page)) twice += 1
        else held.add(page)
      const ofPrompt = seen({ ...sequence, length: Math.min(sequence.length, promptTokens) }, window)
      most = Math.max(most, ofPrompt.length)
    }
    twice += most * kin.filter(({ sequence, aside }) => sequence === undefined && aside).length
  }
  return twice
}

/** The full pages that a sequence's next position sees. */
function seen(sequence: Sequence, window: WindowOptions): number[] {
  return sequence.pages
    .slice(0, fullPages(sequence))
    .filter((page, index) => page !== undefined && !pageIsDead(index, sequence.length, window)) as number[]
}
