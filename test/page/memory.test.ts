// What the page makes of a memory report: rows, widths, words, sums; and when it asks for one.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { growth, memory, session } from '../../page/state/focus.ts'
import { isolate, missing, watchMemory } from '../../page/state/memory-watch.ts'
import {
  between,
  bytesInWords,
  pageCount,
  pageWords,
  partsOf,
  percent,
  poolWords,
  reportOf,
  rowsOf,
  segmentsOf,
  summaryOf,
  visibleText,
  widthFor,
  wordsOf,
  type PageRun,
  type Report,
} from '../../page/state/memory.ts'

const run = (count: number, fields: Partial<PageRun> = {}): PageRun => ({
  count,
  memory: true,
  storage: true,
  reused: false,
  shared: 0,
  in_sight: [true, true],
  ...fields,
})
const report: Report = {
  tokens: 171,
  cached_tokens: 40,
  page_tokens: 16,
  views: [
    { layers: 6, window: null, sinks: 0, out_of_sight: 0 },
    { layers: 18, window: 64, sinks: 4, out_of_sight: 102 },
  ],
  pages: [
    run(1, { reused: true, shared: 2 }),
    run(2, { reused: true, in_sight: [true, false] }),
    run(3, { memory: false, in_sight: [true, false] }),
    run(4, { in_sight: [true, true] }),
    run(1, { storage: false }),
  ],
  pool: { pages: 96, used: 30, session: 9, template: 2 },
}
const bytes = {
  weights: 70e6,
  pool: 20e6,
  scratch: 4_300_000,
  heap: 11e6,
  limit: 128e6,
}

describe('a drawn memory', () => {
  test('has a segment for each run, with its tokens', () => {
    expect(segmentsOf(report).map(({ first, from, to }) => [first, from, to])).toEqual([
      [0, 0, 16],
      [1, 16, 48],
      [3, 48, 96],
      [6, 96, 160],
      [10, 160, 176],
    ])
    expect(pageCount(report)).toBe(11)
  })

  test('has a row for each view: sinks, what is out of sight, window', () => {
    expect(rowsOf(report)).toEqual([
      {
        title: '6 layers: see every token',
        sinks: { from: 0, to: 0 },
        hidden: { from: 0, to: 0 },
        window: { from: 0, to: 171 },
      },
      {
        title: '18 layers: see the last 64 tokens',
        sinks: { from: 0, to: 4 },
        hidden: { from: 4, to: 106 },
        window: { from: 106, to: 171 },
      },
    ])
    expect(rowsOf({ ...report, views: report.views.slice(0, 1) })[0].title).toBe(
      'All 6 layers: see every token',
    )
  })

  test('grows in leaps that are no wider than a half, and never cuts what is there', () => {
    for (let tokens = 1, before = 128; tokens < 40_000; tokens++) {
      const width = widthFor(tokens)
      expect(width).toBeGreaterThanOrEqual(tokens)
      expect([before, before * 1.5]).toContain(width)
      before = width
    }
  })

  test('moves from one report to the next, fast at first', () => {
    expect([between(10, 20, 0), between(10, 20, 1)]).toEqual([10, 20])
    expect(between(10, 20, 0.5)).toBeGreaterThan(15)
  })

  test('is said in words, page by page and in sum', () => {
    expect(pageWords(report, 0, 1)).toBe(
      'Page 1, tokens 1 to 16: in memory and storage, reused, shared with 2 more, in sight',
    )
    expect(pageWords(report, 4, 1)).toBe('Page 5, tokens 65 to 80: in storage, out of sight')
    expect(pageWords(report, 4, 0)).toContain('in sight')
    expect(pageWords(report, 10, 0)).toBe('Page 11, tokens 161 to 171: in memory, in sight')
    expect(segmentsOf(report).map((segment) => wordsOf(segment))).toEqual([
      'in memory and storage, reused, shared with 2 more, in sight',
      'in memory and storage, reused, in sight of some layers',
      'in storage, in sight of some layers',
      'in memory and storage, in sight',
      'in memory, in sight',
    ])
    expect(wordsOf(run(1, { memory: false, storage: false, in_sight: [false] }))).toBe(
      'computed again when needed, out of sight',
    )
    expect(pageWords(report, 11, 0)).toBe('No page yet')
    expect(summaryOf(report)).toBe(
      '171 tokens in 11 pages: 8 in memory, 10 in storage, 3 reused, 1 shared; 102 tokens out of sight.',
    )
    expect(summaryOf({ ...report, tokens: 1, pages: [run(1)], views: [] })).toMatch(
      /^1 token in 1 page: .*; 0 tokens out of sight\.$/,
    )
  })

  test('takes nothing for a report that is none', () => {
    for (const value of [undefined, null, {}, 'x', { views: [], pages: [] }, { ...report, page_tokens: 0 }])
      expect(reportOf(value)).toBeUndefined()
    expect(reportOf(report)).toBe(report)
  })
})

describe('figures', () => {
  test('of the isolate add up to where the platform ends it', () => {
    const parts = partsOf(bytes)
    expect(parts.map(({ name }) => name)).toEqual(['Model', 'Pages', 'Workspace', 'Program', 'Free'])
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(128e6)
    expect(partsOf({ ...bytes, weights: 100e6 }).at(-1)?.bytes).toBe(0)
    expect([bytesInWords(70e6), bytesInWords(4_300_000)]).toEqual(['70 MB', '4.3 MB'])
  })

  test('of the pool say whose its pages are', () => {
    expect(poolWords({ pages: 96, used: 30, session: 9, template: 2 })).toBe(
      "Of 96 pages 9 are this session's, 2 how every chat begins, 19 others', 66 free.",
    )
    expect(poolWords({ pages: 8, used: 3, session: 3, template: 0 })).toBe(
      "Of 8 pages 3 are this session's, 0 how every chat begins, 0 others', 5 free.",
    )
  })

  test('of a token are per cent, and its spaces can be seen', () => {
    expect([1, 0.456, 0.05, 0.0001, 0].map(percent)).toEqual(['100 %', '46 %', '5 %', '< 0.1 %', '0 %'])
    expect([' the', '\n', '', 'a\tb'].map(visibleText)).toEqual(['␣the', '↵', '∅', 'a⇥b'])
  })
})

describe('the watch', () => {
  const asked: string[] = []
  let status = 200
  let end: (() => void) | undefined
  beforeEach(() => {
    vi.useFakeTimers()
    asked.length = 0
    status = 200
    session.val = memory.val = isolate.val = undefined
    growth.val = 0
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url)
      const body = status === 200 ? { ...report, isolate: bytes } : { error: { message: 'no', code: 'x' } }
      return Response.json(body, { status })
    })
  })
  afterEach(() => {
    end?.()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })
  const passed = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

  test('asks when there is a session, and not before', async () => {
    end = watchMemory()
    await passed(5000)
    expect(asked).toEqual([])
    session.val = 'sess_0_a'
    await passed(0)
    expect(asked).toEqual(['/v1/sessions/sess_0_a/memory'])
    expect([memory.val, isolate.val]).toEqual([{ ...report, isolate: bytes }, bytes])
  })

  test('asks again once an answer has ended, and beside one only where its stream tells nothing', async () => {
    session.val = 'sess_0_a'
    end = watchMemory()
    await passed(0)
    for (let frame = 0; frame < 50; frame++) {
      growth.val++
      memory.val = { ...report, tokens: frame }
      await passed(50)
    }
    expect(asked).toHaveLength(1)
    // The figures of the isolate stay, though reports of a stream have none.
    expect(isolate.val).toEqual(bytes)
    await passed(500)
    expect(asked).toHaveLength(2)
    for (let frame = 0; frame < 50; frame++) {
      growth.val++
      await passed(50)
    }
    expect(asked.length).toBeGreaterThanOrEqual(4)
    expect(asked.length).toBeLessThanOrEqual(5)
  })

  test('says in words why there is nothing, and asks nothing once it has ended', async () => {
    status = 404
    session.val = 'sess_0_a'
    end = watchMemory()
    await passed(0)
    expect(missing.val).toBe('The server has forgotten this session.')
    status = 429
    session.val = 'sess_0_b'
    await passed(0)
    expect(missing.val).toContain('as much to do')
    end()
    session.val = 'sess_0_c'
    growth.val++
    await passed(5000)
    expect(asked).toHaveLength(2)
  })
})
