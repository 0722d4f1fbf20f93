// Reuse by longest common prefix, checked against the rule spelled out position by position.

import { describe, expect, test } from 'vitest'
import { commonPrefix, reusablePrefix, seesOnlyHeld } from '../../src/cache/reusable-prefix.ts'
import { visible, type WindowOptions } from '../../src/cache/window.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'

test('common prefix', () => {
  expect(commonPrefix([1, 2, 3], [1, 2, 4], 9)).toBe(2)
  expect(commonPrefix([1, 2, 3], [1, 2, 3, 4], 9)).toBe(3)
  expect(commonPrefix([1, 2, 3], [1, 2, 3], 2)).toBe(2)
  expect(commonPrefix([], [1], 9)).toBe(0)
})

describe('every key that is seen must be held', () => {
  const windows: WindowOptions[] = [
    { window: undefined, sinks: 0 },
    { window: 20, sinks: 4 },
    { window: 16, sinks: 0 },
    { window: 1, sinks: 17 },
  ]
  test.each(windows)('%o, for every gap and position', (options) => {
    for (let gap = 0; gap < 5; gap++) {
      for (let gapEnd = gap; gapEnd <= 5; gapEnd++) {
        const pages = Array.from({ length: 6 }, (_, i) => (i >= gap && i < gapEnd ? undefined : i))
        for (let position = 1; position < 96; position++) {
          const seen = visible(position, options)
          const needed = Array.from({ length: position }, (_, key) => key).filter(
            (key) => key < seen.sinkEnd || key >= seen.start,
          )
          const held = needed.every((key) => pages[Math.floor(key / PAGE_POSITIONS)] !== undefined)
          expect(seesOnlyHeld(pages, position, options), `${gap}-${gapEnd} at ${position}`).toBe(held)
        }
      }
    }
  })
})

describe('reuse', () => {
  const ids = Array.from({ length: 40 }, (_, i) => i)
  const full = { window: undefined, sinks: 0 }
  test('the last prompt id is always computed', () => {
    expect(reusablePrefix({ ids, length: 40, pages: [0, 1, 2] }, ids, full)).toBe(39)
  })
  test('positions that are not computed yet do not count', () => {
    expect(reusablePrefix({ ids, length: 25, pages: [0, 1] }, ids, full)).toBe(25)
  })
  test('all or nothing', () => {
    expect(reusablePrefix({ ids, length: 40, pages: [0, undefined, 2] }, ids, full)).toBe(0)
    expect(
      reusablePrefix({ ids, length: 40, pages: [undefined, undefined, 2] }, ids, { window: 8, sinks: 0 }),
    ).toBe(39)
    const parted = [...ids.slice(0, 33), 99, 99]
    expect(
      reusablePrefix({ ids, length: 40, pages: [undefined, undefined, 2] }, parted, { window: 8, sinks: 0 }),
    ).toBe(0)
  })
})
