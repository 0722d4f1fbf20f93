// Planning a step from the state of the turns alone.

import { describe, expect, test } from 'vitest'
import { pagesNeeded, planStep } from '../../src/engine/scheduler.ts'
import { emptySequence } from '../../src/engine/sequence.ts'
import { PLAIN } from '../../src/engine/prompt-shape.ts'
import { newTurn, type Turn } from '../../src/engine/turn.ts'

function turn(pending: number, lag = 0): Turn {
  const made = newTurn(
    {
      tenant: 't',
      prompt: Array.from({ length: 100 }, () => 1),
      maxTokens: 9,
      choose: () => ({ id: 0, stop: false }),
    },
    PLAIN,
  )
  made.sequence = { ...emptySequence('t'), length: 100 - pending }
  made.produced = lag
  return made
}

const shape = (turns: Turn[], maxRows: number, maxLogitRows: number): [number, number, boolean][] =>
  planStep(turns, { maxRows, maxLogitRows }).map((part) => [
    turns.indexOf(part.turn),
    part.count,
    part.logits,
  ])

describe('a step', () => {
  test('decodes first, then prefills in order', () => {
    expect(shape([turn(50), turn(1), turn(10)], 16, 4)).toEqual([
      [1, 1, true],
      [0, 15, false],
    ])
    expect(shape([turn(5), turn(1), turn(30)], 16, 4)).toEqual([
      [1, 1, true],
      [0, 5, true],
      [2, 10, false],
    ])
  })
  test('leaves a logit row for a prompt that may end', () => {
    expect(shape([turn(1), turn(1), turn(3)], 16, 2)).toEqual([
      [0, 1, true],
      [2, 3, true],
    ])
    expect(shape([turn(1), turn(3)], 16, 1)).toEqual([[1, 3, true]])
  })
  test('without a logit row the last prompt row waits', () => {
    expect(shape([turn(3), turn(4)], 16, 1)).toEqual([
      [0, 3, true],
      [1, 3, false],
    ])
  })
  test('skips turns whose reader is far behind', () => {
    expect(shape([turn(1, 32), turn(1, 31)], 16, 4)).toEqual([[1, 1, true]])
    expect(shape([turn(1, 32)], 16, 4)).toEqual([])
  })
})

test('pages needed stay flat with a window', () => {
  const window = { window: 1024, sinks: 4 }
  expect(pagesNeeded(100, window, 64)).toBe(7)
  expect(pagesNeeded(5000, window, 64)).toBe(70)
  expect(pagesNeeded(Infinity, window, 64)).toBe(70)
  expect(pagesNeeded(5000, { window: undefined, sinks: 0 }, 64)).toBe(313)
})
