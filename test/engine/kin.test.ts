// Pages of answers to one prompt count once, and no others do.

import { expect, test } from 'vitest'
import { countedTwice } from '../../src/engine/kin.ts'
import { emptySequence } from '../../src/engine/sequence.ts'
import { newTurn, type Turn } from '../../src/engine/turn.ts'
import { PLAIN } from '../../src/cache/prompt-shape.ts'

const FULL = { window: undefined, sinks: 0 }
const [one, other] = [{}, {}]
const prompt = Array.from({ length: 40 }, (_, i) => i)

/** A turn on these pages of which `length` positions are filled; without any it waits. */
function turn(kin: object | undefined, pages?: number[], length = 40, aside = true): Turn {
  const made = newTurn(
    { tenant: 'a', prompt, maxTokens: 9, choose: () => ({ id: 0, stop: false }), kin, aside },
    PLAIN,
  )
  if (pages !== undefined) made.sequence = { ...emptySequence('a'), ids: made.ids, pages, length }
  return made
}

test('full pages that several hold count once', () => {
  expect(countedTwice([turn(one, [1, 2, 3])], FULL)).toBe(0)
  expect(countedTwice([turn(one, [1, 2, 3]), turn(one, [1, 2, 4])], FULL)).toBe(2)
  expect(countedTwice([turn(one, [1, 2, 3]), turn(one, [1, 2, 4]), turn(one, [1, 2, 5])], FULL)).toBe(4)
})

test('a page that is not full does not: whoever writes to it copies it', () => {
  expect(countedTwice([turn(one, [1, 2, 3]), turn(one, [1, 2, 3])], FULL)).toBe(2)
  expect(countedTwice([turn(one, [1, 2, 3], 48), turn(one, [1, 2, 3], 48)], FULL)).toBe(3)
})

test('nor do pages of its own, of other requests, or of none', () => {
  expect(countedTwice([turn(one, [1, 2, 3]), turn(one, [4, 5, 6])], FULL)).toBe(0)
  expect(countedTwice([turn(one, [1, 2, 3]), turn(other, [1, 2, 4])], FULL)).toBe(0)
  expect(countedTwice([turn(undefined, [1, 2, 3]), turn(undefined, [1, 2, 4])], FULL)).toBe(0)
})

test('one that waits counts what it will fork of the prompt', () => {
  expect(countedTwice([turn(one, [1, 2, 3, 4], 64, false), turn(one)], FULL)).toBe(2)
  expect(countedTwice([turn(one, [1, 2, 3], 20), turn(one)], FULL)).toBe(1)
  // One from which the session goes on may come back from storage.
  expect(countedTwice([turn(one, [1, 2, 3]), turn(one, undefined, 0, false)], FULL)).toBe(0)
})

test('pages out of sight do not count, since none of them needs these', () => {
  const window = { window: 8, sinks: 4 }
  expect(countedTwice([turn(one, [1, 2, 3]), turn(one, [1, 2, 4])], window)).toBe(1)
})
