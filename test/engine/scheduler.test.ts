// Planning a step from the state of the turns alone.

import { describe, expect, test } from 'vitest'
import { pagesNeeded, planStep } from '../../src/engine/scheduler.ts'
import { emptySequence } from '../../src/engine/sequence.ts'
import { PLAIN } from '../../src/cache/prompt-shape.ts'
import { newTurn, type Turn } from '../../src/engine/turn.ts'

function turn(pending: number, lag = 0, prefix = 0): Turn {
  const made = newTurn(
    {
      tenant: 't',
      prompt: Array.from({ length: 100 }, () => 1),
      maxTokens: 9,
      choose: () => ({ id: 0, stop: false }),
    },
    { ...PLAIN, prefix },
  )
  made.sequence = { ...emptySequence('t'), length: 100 - pending }
  made.produced = lag
  return made
}

const shape = (turns: Turn[], maxRows: number, maxLogitRows: number): [number, number, number][] =>
  planStep(turns, { maxRows, maxLogitRows }).map((part) => [
    turns.indexOf(part.turn),
    part.count,
    part.logits,
  ])

describe('a step', () => {
  test('decodes first, then prefills in order', () => {
    expect(shape([turn(50), turn(1), turn(10)], 16, 4)).toEqual([
      [1, 1, 1],
      [0, 15, 0],
    ])
    expect(shape([turn(5), turn(1), turn(30)], 16, 4)).toEqual([
      [1, 1, 1],
      [0, 5, 1],
      [2, 10, 0],
    ])
  })
  test('leaves a logit row for a prompt that may end', () => {
    expect(shape([turn(1), turn(1), turn(3)], 16, 2)).toEqual([
      [0, 1, 1],
      [2, 3, 1],
    ])
    expect(shape([turn(1), turn(3)], 16, 1)).toEqual([[1, 3, 1]])
  })
  test('without a logit row the last prompt row waits', () => {
    expect(shape([turn(3), turn(4)], 16, 1)).toEqual([
      [0, 3, 1],
      [1, 3, 0],
    ])
  })
  test('skips turns whose reader is far behind', () => {
    expect(shape([turn(1, 32), turn(1, 31)], 16, 4)).toEqual([[1, 1, 1]])
    expect(shape([turn(1, 32)], 16, 4)).toEqual([])
  })
})

describe('a prefix that sees itself both ways', () => {
  /** All of 100 positions are to do, of which the first `prefix` are one step. */
  const prompt = (prefix: number): Turn => turn(100, 0, prefix)

  test('is never cut: it waits for a step with room, and so do those behind it', () => {
    expect(shape([prompt(60)], 64, 4)).toEqual([[0, 64, 0]])
    expect(shape([prompt(64)], 64, 4)).toEqual([[0, 64, 0]])
    expect(shape([prompt(65), turn(5)], 64, 4)).toEqual([])
    expect(shape([turn(1), prompt(64), turn(5)], 64, 4)).toEqual([[0, 1, 1]])
    expect(shape([turn(10), prompt(60), turn(5)], 64, 4)).toEqual([[0, 10, 1]])
  })
  test('may end the prompt, or all but its last row when no logit row is left', () => {
    expect(shape([prompt(99)], 100, 4)).toEqual([[0, 100, 1]])
    expect(shape([turn(3), prompt(99)], 128, 1)).toEqual([
      [0, 3, 1],
      [1, 99, 0],
    ])
    expect(shape([turn(3), prompt(100)], 128, 1), 'not when that row is of the prefix').toEqual([[0, 3, 1]])
  })
  test('that is done binds nobody', () => {
    expect(shape([turn(40, 0, 60), turn(30, 0, 60)], 16, 4)).toEqual([[0, 16, 0]])
    expect(shape([turn(1, 0, 60), turn(30, 0, 60)], 16, 4)).toEqual([
      [0, 1, 1],
      [1, 15, 0],
    ])
  })
  test('forked in its middle still runs to its end', () => {
    // 40 of 100 positions are held, the prefix ends at 60.
    expect(shape([turn(60, 0, 60)], 16, 4)).toEqual([])
    expect(shape([turn(60, 0, 60)], 20, 4)).toEqual([[0, 20, 0]])
  })
})

test('pages needed stay flat with a window', () => {
  const window = { window: 1024, sinks: 4 }
  expect(pagesNeeded(100, window, 64)).toBe(7)
  expect(pagesNeeded(5000, window, 64)).toBe(70)
  expect(pagesNeeded(Infinity, window, 64)).toBe(70)
  expect(pagesNeeded(5000, { window: undefined, sinks: 0 }, 64)).toBe(313)
})
