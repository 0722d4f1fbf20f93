// Identity with the real model: its shapes, its 30 layers, an embedding of 49152 rows. Every build of the kernels, in steps of
// any length, past a window, with pages that were copied out and back on the way.

import { describe, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { runPaged, upTo } from '../helpers/paged.ts'
import { missingModel } from '../helpers/real-model.ts'
import { load, REAL, someIds, type Build } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'

const WINDOW = { window: 40, sinks: 5 }
const LENGTH = 72
/** Where the pages are moved: inside one. */
const CUT = 45
const COUNT = Math.ceil(LENGTH / PAGE_POSITIONS)

/** All rows of the text; at CUT its pages move to the other half of the pool, backwards. */
async function run(simd: Build, chunk: number): Promise<Trace> {
  const model = await load(REAL, {
    window: WINDOW,
    chunk: 16,
    logitRows: 16,
    pages: 2 * COUNT,
    kernels: nodeKernels(simd),
  })
  const ids = someIds(LENGTH, model.spec.vocab, 7)
  return traceOf((onRow) => {
    runPaged(model, ids.slice(0, CUT), { from: 0, pages: upTo(COUNT), chunk, onRow })
    const bytes = upTo(Math.ceil(CUT / PAGE_POSITIONS)).map((page) => model.pages.read(page))
    const pages = upTo(COUNT).map((index) => 2 * COUNT - 1 - index)
    bytes.forEach((each, index) => model.pages.write(pages[index], each))
    runPaged(model, ids.slice(CUT), { from: CUT, pages, chunk, onRow })
  })
}

const skip = missingModel()

describe.skipIf(skip !== undefined)(`SmolLM2${skip === undefined ? '' : ` (${skip})`}`, () => {
  it('every build, one token at a time or many', async () => {
    const wanted = await run('quads', 1)
    for (const [simd, chunk] of [
      ['quads', 16],
      ['relaxed', 1],
      ['relaxed', 7],
      ['plain', 1],
      ['plain', 16],
    ] as const) {
      expectSameBits(await run(simd, chunk), wanted, `${simd}, steps of ${chunk}`)
    }
  }, 120_000)
})
