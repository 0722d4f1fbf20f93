// The same logits bits however a text is cut into steps: one token at a time (matrix x vector) or many (matrix x matrix),
// even and odd lengths, in a model made for few rows or for many.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { Feed } from '../../src/graph/feed.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import { runPaged, upTo } from '../helpers/paged.ts'
import { rng } from '../helpers/rng.ts'
import { FLOATS, load, ODD, someIds, TINY, type Build } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'

const LENGTH = 150
const WINDOWS = [
  { window: undefined, sinks: 0 },
  { window: 37, sinks: 5 },
]
/** Rows that a model is made for, and how texts are cut in it. */
const CUTS: Record<number, number[]> = { 4: [2, 3, 4], 16: [1, 5, 15, 16], 64: [7, 17, 63, 64] }

/** All rows of the text in steps of `lengths` in turns. */
function inSteps(model: LocalModel, ids: readonly number[], lengths: () => number): Trace {
  const feed = new Feed(model)
  return traceOf((onRow) => {
    for (let from = 0; from < ids.length;) {
      const length = lengths()
      feed.run(ids.slice(from, from + length), onRow, length)
      from += length
    }
  })
}

const BUILDS: Build[] = ['quads', 'relaxed', 'plain']
const CASES = BUILDS.flatMap((build) => WINDOWS.map((window) => ({ build, ...window })))

describe.each([TINY, FLOATS, ...ODD])('$name', (subject) => {
  it.each(CASES)('$build, window $window, sinks $sinks: as token by token', async (settings) => {
    const { build, ...window } = settings
    const kernels = nodeKernels(build)
    const single = await load(subject, { window, chunk: 4, logitRows: 4, kernels })
    const ids = someIds(LENGTH, single.spec.vocab)
    const wanted = inSteps(single, ids, () => 1)
    expect(new Set(wanted.rows).size, 'the text has many different rows').toBeGreaterThan(LENGTH / 2)
    for (const [rows, cuts] of Object.entries(CUTS)) {
      const model = await load(subject, { window, chunk: Number(rows), logitRows: Number(rows), kernels })
      for (const length of cuts) {
        const got = inSteps(model, ids, () => length)
        expectSameBits(got, wanted, `steps of ${length} in a model for ${rows} rows`)
      }
      const random = rng(Number(rows))
      const got = inSteps(model, ids, () => 1 + random.int(Number(rows)))
      expectSameBits(got, wanted, `steps of 1 to ${rows}, at random`)
    }
  })

  it('a head that one row of a step asks for gives what it gives when all do', async () => {
    const all = await load(subject, { chunk: 16, logitRows: 16 })
    const ids = someIds(48, all.spec.vocab)
    const pages = upTo(3)
    const wanted = traceOf((onRow) => runPaged(all, ids, { from: 0, pages, chunk: 16, onRow }))
    const one = await load(subject, { chunk: 16, logitRows: 1 })
    for (const chunk of [1, 3, 16]) {
      const got = traceOf((onRow) => runPaged(one, ids, { from: 0, pages, chunk, onRow, last: true }))
      const asked = wanted.rows.filter((_, position) => position % chunk === chunk - 1)
      expect(got.rows, `the last row of steps of ${chunk}`).toEqual(asked)
    }
  })
})
