// The window's rule for any length and any number of sinks, by counting: which keys a query sees and at what distance, when a
// page is seen no more, how many pages that needs.

import { describe, expect, it } from 'vitest'
import { outOfSight, pageIsDead, pagesForWindow, visible } from '../../src/cache/window.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { upTo } from '../helpers/paged.ts'

const WINDOWS = [1, 2, 15, 16, 17, 37, 64]
const SINKS = [0, 1, 4, 16, 17, 40]
const CASES = WINDOWS.flatMap((window) => SINKS.map((sinks) => ({ window, sinks })))
const LENGTH = 300

/** ../shared/golden/open/llama2/window.json: p sees j if j < S or j > p - W, at distance p - j or, for a sink passed by, S + W - 1 - j. */
function rule(
  p: number,
  j: number,
  { window, sinks }: { window: number; sinks: number },
): number | undefined {
  if (j > p || (j >= sinks && j <= p - window)) return undefined
  return j < sinks && p >= sinks + window ? sinks + window - 1 - j : p - j
}

describe.each(CASES)('window $window, sinks $sinks', (options) => {
  it('a query sees the keys of the rule, at its distances', () => {
    for (const p of [...upTo(LENGTH), 19_999, 20_000, 2 ** 20]) {
      const { sinkEnd, sinkQueryPosition, start } = visible(p, options)
      const near = p < LENGTH ? upTo(p + 1) : [...upTo(LENGTH), ...upTo(LENGTH).map((i) => p - i)]
      for (const j of near) {
        const distance = j < sinkEnd ? sinkQueryPosition - j : j >= start && j <= p ? p - j : undefined
        if (distance !== rule(p, j, options))
          expect(distance, `key ${j} of query ${p}`).toBe(rule(p, j, options))
      }
      const seen = Math.min(p + 1, options.window + options.sinks)
      expect(outOfSight(p, options)).toBe(p + 1 - seen)
    }
  })

  it('a page is dead when no later query sees it, and not before', () => {
    const last = LENGTH + options.window + options.sinks
    for (let index = 0; index < LENGTH / PAGE_POSITIONS; index++) {
      const slots = upTo(PAGE_POSITIONS).map((slot) => index * PAGE_POSITIONS + slot)
      const sees = (p: number): boolean => slots.some((j) => rule(p, j, options) !== undefined)
      const lastSeen = upTo(last + PAGE_POSITIONS).findLastIndex(sees)
      const forever = index * PAGE_POSITIONS < options.sinks
      // From the page's own last position on: before that it is still being written.
      for (let p = slots[PAGE_POSITIONS - 1]; p < last; p++) {
        expect(pageIsDead(index, p, options), `page ${index} at ${p}`).toBe(!forever && p > lastSeen)
      }
    }
  })

  it.each([4, 16, 64])('steps of %i need no more pages than the bound', (chunk) => {
    const needed = upTo(LENGTH).map((first) => {
      const seen = new Set<number>()
      for (let p = first; p < first + chunk; p++) {
        for (let j = 0; j <= p; j++) {
          if (rule(p, j, options) !== undefined) seen.add(Math.floor(j / PAGE_POSITIONS))
        }
      }
      return seen.size
    })
    expect(Math.max(...needed)).toBeLessThanOrEqual(pagesForWindow(options, chunk))
    expect(Math.max(...needed), 'the bound is no more than two pages above').toBeGreaterThanOrEqual(
      pagesForWindow(options, chunk) - 2,
    )
  })
})
