// The same logits bits wherever a sequence's pages lie: in any order of page numbers, copied out of memory and back into
// other pages, shared and copied by a fork, in pages that another text used before, in another model's memory.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { pageIsDead } from '../../src/cache/window.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { runPaged, shuffled, upTo } from '../helpers/paged.ts'
import { rng } from '../helpers/rng.ts'
import { FLOATS, load, ODD, someIds, TINY } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'

/** Where the text is interrupted: inside a page. */
const CUT = 105
const LENGTH = 180
const COUNT = Math.ceil(LENGTH / PAGE_POSITIONS)
const POOL = 3 * COUNT
const CHUNK = 16
const WINDOWS = [
  { window: undefined, sinks: 0 },
  { window: 50, sinks: 20 },
]

type Pages = readonly (number | undefined)[]

const wholePages = (positions: number): number => Math.floor(positions / PAGE_POSITIONS)

/** Runs positions [from, to) of the text; traces all rows. */
function part(model: LocalModel, ids: readonly number[], pages: Pages, from: number, to: number): Trace {
  return traceOf((onRow) => runPaged(model, ids.slice(from, to), { from, pages, chunk: CHUNK, onRow }))
}

/** Another text on every page of the pool. */
function useUp(model: LocalModel, seed: number): void {
  const ids = someIds(POOL * PAGE_POSITIONS, model.spec.vocab, seed)
  runPaged(model, ids, { from: 0, pages: upTo(POOL), chunk: CHUNK })
}

describe.each([TINY, FLOATS, ...ODD])('$name', (subject) => {
  describe.each(WINDOWS)('window $window, sinks $sinks', (window) => {
    const options = {
      window,
      chunk: CHUNK,
      logitRows: CHUNK,
      pages: POOL,
      maxPositions: POOL * PAGE_POSITIONS,
    }

    /** A fresh model, the text, and the trace of what follows the cut when nothing was moved. */
    async function undisturbed() {
      const model = await load(subject, options)
      const ids = someIds(LENGTH, model.spec.vocab, 2)
      part(model, ids, upTo(COUNT), 0, CUT)
      return { model, ids, wanted: part(model, ids, upTo(COUNT), CUT, LENGTH) }
    }

    it('pages in any order, and used before', async () => {
      const { model, ids } = await undisturbed()
      const wanted = part(model, ids, upTo(COUNT), 0, LENGTH)
      const random = rng(3)
      const orders = [
        upTo(COUNT).reverse(),
        upTo(COUNT).map((index) => POOL - 1 - 2 * index), // every other one, from the end
        shuffled(upTo(POOL), random).slice(0, COUNT),
        shuffled(upTo(POOL), random).slice(0, COUNT),
      ]
      for (const [seed, pages] of orders.entries()) {
        useUp(model, 10 + seed)
        expectSameBits(part(model, ids, pages, 0, LENGTH), wanted, `pages ${pages.join(' ')}`)
      }
    })

    it('copied out, and back into other pages', async () => {
      const { model, ids, wanted } = await undisturbed()
      part(model, ids, upTo(COUNT), 0, CUT)
      const held = upTo(Math.ceil(CUT / PAGE_POSITIONS)).filter((index) => !pageIsDead(index, CUT, window))
      const bytes = new Map(held.map((page) => [page, model.pages.read(page)]))
      useUp(model, 4)
      const moved = shuffled(upTo(POOL), rng(5)).slice(0, COUNT)
      for (const [index, each] of bytes) model.pages.write(moved[index], each)
      // What nobody sees any more need not come back.
      const pages = moved.map((page, index) => (pageIsDead(index, CUT, window) ? undefined : page))
      expectSameBits(part(model, ids, pages, CUT, LENGTH), wanted, 'other pages')
      if (window.window !== undefined) expect(pages, 'some are out of sight').toContain(undefined)
    })

    it('copied out, and into the memory of another model, of another build', async () => {
      const { model, ids, wanted } = await undisturbed()
      const other = await load(subject, { ...options, kernels: nodeKernels('plain') })
      useUp(other, 6)
      const pages = shuffled(upTo(POOL), rng(7)).slice(0, COUNT)
      // The model has run past the cut by now: what lies behind it in the last page must not show.
      const held = Math.ceil(CUT / PAGE_POSITIONS)
      for (let index = 0; index < held; index++) other.pages.write(pages[index], model.pages.read(index))
      expectSameBits(part(other, ids, pages, CUT, LENGTH), wanted, 'another memory')
    })

    it('two texts that share pages, the last one copied where they part', async () => {
      const { model, ids, wanted } = await undisturbed()
      part(model, ids, upTo(COUNT), 0, CUT)
      const shared = upTo(wholePages(CUT))
      const own = (first: number): number[] => [
        ...shared,
        ...upTo(COUNT - shared.length).map((i) => first + 2 * i),
      ]
      const [left, right] = [own(COUNT), own(COUNT + 1)]
      for (const { [shared.length]: copy } of [left, right]) model.pages.copy(copy, shared.length)
      const others = [...ids.slice(0, CUT), ...someIds(LENGTH - CUT, model.spec.vocab, 8)]
      const alone = await load(subject, options)
      part(alone, ids, upTo(COUNT), 0, CUT)
      const wantedOther = part(alone, others, upTo(COUNT), CUT, LENGTH)
      expectSameBits(part(model, ids, left, CUT, LENGTH), wanted, 'the text itself')
      expectSameBits(part(model, others, right, CUT, LENGTH), wantedOther, 'the other continuation')
    })
  })

  it('what a full page holds is the same bytes whatever the chunk size and the build', async () => {
    const ids = someIds(4 * PAGE_POSITIONS, (await load(subject)).spec.vocab, 9)
    const contents: Uint8Array[][] = []
    for (const [simd, chunk] of [
      ['quads', 1],
      ['relaxed', 16],
      ['plain', 7],
    ] as const) {
      const model = await load(subject, { kernels: nodeKernels(simd) })
      const pages = shuffled(upTo(model.pages.count), rng(chunk)).slice(0, 4)
      runPaged(model, ids, { from: 0, pages, chunk })
      contents.push(pages.map((page) => model.pages.read(page)))
    }
    expect(contents[1]).toEqual(contents[0])
    expect(contents[2]).toEqual(contents[0])
  })
})
