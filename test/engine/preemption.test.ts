// Which turns give their pages up, case by case: those of others that were served more, and no more of them than needed.

import { describe, expect, test } from 'vitest'
import { PLAIN } from '../../src/cache/prompt-shape.ts'
import { QUANTUM } from '../../src/engine/fair-share.ts'
import { outgrown, preempted, sliceIsOver } from '../../src/engine/preemption.ts'
import { newTurn, type Turn } from '../../src/engine/turn.ts'

type Some = Partial<Pick<Turn, 'admittedAt' | 'ran' | 'redone' | 'lostSlices' | 'cachedTokens' | 'overdue'>> &
  Partial<Pick<Turn, 'produced' | 'producedBefore' | 'background'>> & { pages?: number }

/** What each turn that was made needs. */
const needs = new Map<Turn, number>()
const pages = (turn: Turn): number => needs.get(turn) ?? 0

/** A turn that was admitted before, unless `cachedTokens` is said to be undefined. */
function turn(tenant: string, { pages: needed = 4, background = false, ...rest }: Some = {}): Turn {
  const choose = () => ({ id: 1, stop: false })
  const made = newTurn({ tenant, prompt: [1], maxTokens: 9, choose, background }, PLAIN)
  Object.assign(made, { cachedTokens: 0, ...rest })
  needs.set(made, needed)
  return made
}

/** A slice of it is over. */
const over = { ran: QUANTUM }
const isNew = { cachedTokens: undefined }

function leaving(
  waiting: Turn,
  running: readonly Turn[],
  served: Record<string, number>,
  pageCount = 8,
): Turn[] {
  return preempted(waiting, running, { served: (tenant) => served[tenant] ?? 0, pages, pageCount })
}

describe('how many give way', () => {
  const served = { a: 900, b: 800, c: 0 }
  const running = (): Turn[] => [turn('b', over), turn('a', over), turn('a', { ...over, ran: 2 * QUANTUM })]

  test('none where the turn fits, to the last page', () => {
    expect(leaving(turn('c'), running(), served, 16)).toEqual([])
  })

  test('one where a page is missing: of the tenant that was served most, the one that ran longest', () => {
    const all = running()
    expect(leaving(turn('c'), all, served, 15)).toEqual([all[2]])
  })

  test('as many as it takes, in that order', () => {
    const all = running()
    expect(leaving(turn('c'), all, served, 8)).toEqual([all[2], all[1]])
    expect(leaving(turn('c'), all, served, 4)).toEqual([all[2], all[1], all[0]])
  })

  test('none where all that may would not do', () => {
    const stays = turn('c', over)
    expect(leaving(turn('c', { pages: 4 }), [turn('a', { ...over, pages: 9 }), stays], served, 7)).toEqual([])
  })

  test('with nothing left that runs, all of them, though the turn is too large', () => {
    const all = running()
    expect(leaving(turn('c', { pages: 5 }), all, served, 4)).toHaveLength(3)
  })
})

describe('who gives way', () => {
  const gives = (waiting: Turn, other: Turn, ahead: number): boolean =>
    leaving(waiting, [other], { a: 100 + ahead, b: 100 }, 4).length === 1

  test('not a turn of the same tenant, unless it is in the background', () => {
    expect(leaving(turn('a', isNew), [turn('a', { ran: 9 * QUANTUM })], {}, 4)).toEqual([])
    expect(leaving(turn('a', isNew), [turn('a', { background: true })], {}, 4)).toHaveLength(1)
  })

  test('a turn in the background for one that somebody waits for, and never the other way round', () => {
    expect(gives(turn('b'), turn('a', { background: true, lostSlices: 1000 }), -5000)).toBe(true)
    expect(gives(turn('b', { background: true, ...isNew }), turn('a', over), 5000)).toBe(false)
    // One that is overdue counts as if somebody waited for it.
    expect(gives(turn('b'), turn('a', { background: true, overdue: 1 }), -5000)).toBe(false)
  })

  test('one whose slice is over, as soon as its tenant is ahead', () => {
    expect(gives(turn('b'), turn('a', over), 1)).toBe(true)
    expect(gives(turn('b'), turn('a', over), 0)).toBe(false)
    expect(gives(turn('b'), turn('a', { ran: QUANTUM - 1 }), 1)).toBe(false)
  })

  test('one within its slice when its tenant is a quantum ahead, and what it ran again beyond', () => {
    expect(gives(turn('b'), turn('a'), QUANTUM)).toBe(true)
    expect(gives(turn('b'), turn('a'), QUANTUM - 1)).toBe(false)
    expect(gives(turn('b'), turn('a', { ran: 30, redone: 30 }), QUANTUM + 30)).toBe(true)
    expect(gives(turn('b'), turn('a', { ran: 30, redone: 30 }), QUANTUM + 29)).toBe(false)
  })

  test('not one that lost 64 slices in a row, before the end of the next', () => {
    expect(gives(turn('b', isNew), turn('a', { lostSlices: 63 }), 9 * QUANTUM)).toBe(true)
    expect(gives(turn('b', isNew), turn('a', { lostSlices: 64 }), 9 * QUANTUM)).toBe(false)
    expect(gives(turn('b', isNew), turn('a', { lostSlices: 64, ...over }), 1)).toBe(true)
  })

  test('for one that was never served, also within a slice, once it has made something', () => {
    const begun = { produced: 3, producedBefore: 2 }
    expect(gives(turn('b', isNew), turn('a', begun), 1 - QUANTUM)).toBe(true)
    expect(gives(turn('b', isNew), turn('a', begun), -QUANTUM)).toBe(false)
    expect(gives(turn('b'), turn('a', begun), QUANTUM - 1), 'it was served').toBe(false)
    expect(gives(turn('b', isNew), turn('a', { produced: 2, producedBefore: 2 }), 0)).toBe(false)
    expect(gives(turn('b', isNew), turn('a', { ran: QUANTUM }), 0), 'or has run a quantum').toBe(true)
    expect(gives(turn('b', isNew), turn('a', { ran: QUANTUM - 1 }), 0)).toBe(false)
  })

  test('for one that was never served at a quantum ahead, whatever is to be run again', () => {
    const again = { ran: 40, redone: 40 }
    expect(gives(turn('b', isNew), turn('a', again), QUANTUM)).toBe(true)
    expect(gives(turn('b', isNew), turn('a', again), QUANTUM - 1)).toBe(false)
    expect(gives(turn('b'), turn('a', again), QUANTUM)).toBe(false)
  })

  test('for who has pages only one of those who have still more', () => {
    const served = { a: 9 * QUANTUM, b: 0 }
    const mine = turn('b', { pages: 2 })
    const large = turn('a', { ...over, pages: 5 })
    expect(leaving(turn('b', { pages: 3 }), [mine, large], served, 7)).toEqual([large])
    expect(leaving(turn('b', { pages: 4 }), [mine, large], served, 7)).toEqual([])
    // Of a turn that holds pages already the new one is not the first.
    const begun = turn('a', { produced: 1, pages: 5 })
    expect(leaving(turn('b', { pages: 3, ...isNew }), [mine, begun], {}, 7)).toEqual([])
    expect(leaving(turn('b', { pages: 3, ...isNew }), [begun], {}, 7)).toEqual([begun])
  })

  test('the background first, then of the tenant that was served most, then who ran longest', () => {
    const behind = turn('c', { background: true })
    const most = turn('a', over)
    const long = turn('b', { ran: 2 * QUANTUM })
    const longer = turn('b', { ran: 3 * QUANTUM })
    const order = leaving(turn('d'), [long, most, behind, longer], { a: 900, b: 800, c: 10, d: 0 }, 4)
    expect(order).toEqual([behind, most, longer, long])
  })
})

describe('when those that run have outgrown the pages', () => {
  test('the youngest turn of the tenant that holds most waits', () => {
    const running = [
      turn('a', { pages: 3, admittedAt: 1 }),
      turn('b', { pages: 5, admittedAt: 2 }),
      turn('a', { pages: 3, admittedAt: 3 }),
      turn('c', { pages: 4, admittedAt: 4 }),
    ]
    for (const order of [running, running.toReversed()]) expect(outgrown(order, pages)).toBe(running[2])
  })

  test('the youngest of all where tenants hold as much, or there is one alone', () => {
    const running = [turn('a', { admittedAt: 1 }), turn('b', { admittedAt: 2 })]
    for (const order of [running, running.toReversed()]) expect(outgrown(order, pages)).toBe(running[1])
    const alone = [
      turn('a', { admittedAt: 1 }),
      turn('a', { admittedAt: 3, pages: 1 }),
      turn('a', { admittedAt: 2 }),
    ]
    expect(outgrown(alone, pages)).toBe(alone[1])
  })

  test('the youngest of those in the background, whoever holds most', () => {
    const running = [
      turn('a', { pages: 9, admittedAt: 4 }),
      turn('b', { background: true, pages: 1, admittedAt: 3 }),
      turn('c', { background: true, pages: 3, admittedAt: 2 }),
    ]
    for (const order of [running, running.toReversed()]) expect(outgrown(order, pages)).toBe(running[1])
  })
})

describe('a slice is over', () => {
  test.each([
    { ran: QUANTUM, redone: 0, isOver: true },
    { ran: QUANTUM - 1, redone: 0, isOver: false },
    { ran: QUANTUM + 100, redone: 100, isOver: true },
    { ran: QUANTUM + 99, redone: 100, isOver: false },
    { ran: 4 * QUANTUM, redone: 2 * QUANTUM, isOver: true },
    { ran: 4 * QUANTUM - 1, redone: 2 * QUANTUM, isOver: false },
  ])('at $ran rows, $redone of them for a second time: $isOver', (rows) => {
    expect(sliceIsOver(turn('a', rows))).toBe(rows.isOver)
  })
})
