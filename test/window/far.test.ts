// Logits at position 20,000 are right, and depend on a bounded past. With L layers and a window of W a row reaches back
// L * (W - 1) positions, and to the sinks: a run that starts there, over pages of other text, has the same bits. So the slow
// references may start late too: the plain twins, bit for bit, and float64 arithmetic of relative distances, within TOLERANCE.

import { beforeAll, describe, expect, it } from 'vitest'
import { Feed } from '../../src/graph/feed.ts'
import type { LoadOptions } from '../../src/graph/load-model.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { Float64Llama, readFloats } from '../helpers/float64-llama.ts'
import { runPaged } from '../helpers/paged.ts'
import { FLOATS, load, ODD, someIds, TINY, type Subject } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'

const END = 20_000
/** Rows at the end that are compared. */
const TAIL = 16
/**
 * Float32 against float64, any logit (they are some units wide). Measured: 7e-6, as at position 100; angles in float32 instead
 * of float64 would be 1e-3 off.
 */
const TOLERANCE = 5e-5

type Window = { window: number; sinks: number }
const WINDOWS: Window[] = [
  { window: 1, sinks: 0 },
  { window: 1, sinks: 3 },
  { window: 37, sinks: 0 },
  { window: 37, sinks: 5 },
  { window: 50, sinks: 40 },
]

/** The first position that the rows at the end depend on, sinks aside. */
function reach(layers: number, { window }: Window): number {
  return END - TAIL - layers * (window - 1)
}

/** The last rows of the whole text, from position 0 on. */
async function whole(subject: Subject, window: Window): Promise<{ trace: Trace; rows: Float32Array[] }> {
  const model = await load(subject, { window, chunk: 64, logitRows: TAIL })
  const ids = someIds(END, model.spec.vocab, 6)
  const feed = new Feed(model)
  feed.run(ids.slice(0, END - TAIL))
  const rows: Float32Array[] = []
  const trace = traceOf((onRow) => {
    feed.run(ids.slice(END - TAIL), (logits) => {
      onRow(logits)
      rows.push(logits.slice())
    })
  })
  return { trace, rows }
}

/** The last rows of a run of the sinks, then of the text from `start`. Where earlier rows would be lies another text. */
async function lateStart(
  subject: Subject,
  window: Window,
  start: number,
  options: Partial<LoadOptions> & { seed?: number } = {},
): Promise<Trace> {
  const sinkPages = Math.ceil(window.sinks / PAGE_POSITIONS)
  const firstPage = Math.floor((start - window.window + 1) / PAGE_POSITIONS)
  const pageCount = sinkPages + Math.ceil(END / PAGE_POSITIONS) - firstPage
  const sizes = { window, chunk: TAIL, logitRows: TAIL, pages: pageCount }
  const model = await load(subject, { ...sizes, ...options })
  const pages: (number | undefined)[] = []
  for (let i = 0; i < pageCount; i++) pages[i < sinkPages ? i : firstPage + i - sinkPages] = i
  const { vocab } = model.spec
  const before = pages.slice(firstPage, Math.floor(start / PAGE_POSITIONS) + 1)
  const other = someIds(before.length * PAGE_POSITIONS, vocab, 100 + (options.seed ?? 1))
  runPaged(model, other, { from: 0, pages: before, chunk: TAIL })
  const ids = someIds(END, vocab, 6)
  runPaged(model, ids.slice(0, window.sinks), { from: 0, pages, chunk: TAIL })
  runPaged(model, ids.slice(start, END - TAIL), { from: start, pages, chunk: TAIL })
  const last = { from: END - TAIL, pages, chunk: TAIL }
  return traceOf((onRow) => runPaged(model, ids.slice(END - TAIL), { ...last, onRow }))
}

describe.each([TINY, FLOATS, ODD[0], ODD[ODD.length - 1]])('at position 20,000: $name', (subject) => {
  describe.each(WINDOWS)('window $window, sinks $sinks', (window) => {
    let wanted: Awaited<ReturnType<typeof whole>>
    let start: number
    beforeAll(async () => {
      wanted = await whole(subject, window)
      start = reach((await subject.open()).manifest.spec.layers, window)
    })

    it('the past within reach decides alone', async () => {
      for (const seed of [1, 2])
        expectSameBits(await lateStart(subject, window, start, { seed }), wanted.trace, `other text ${seed}`)
      // The bound is no longer than it must be: a start that is a whole window later shows.
      const tooLate = await lateStart(subject, window, start + window.window)
      if (window.window > 1) expect(tooLate.rows[0]).not.toBe(wanted.trace.rows[0])
    })

    // The twins take 100 ms for a token of the embedded model: test/identity has a short run of it.
    if (subject !== TINY) {
      it('the plain twins have the same bits', async () => {
        const got = await lateStart(subject, window, start, { kernels: referenceKernels })
        expectSameBits(got, wanted.trace, 'the plain twins')
      })
    }

    if (subject.kv === 'f32') {
      it('float64 agrees', async () => {
        const opened = await subject.open()
        const { spec } = opened.manifest
        const ids = someIds(END, spec.vocab, 6)
        const exact = new Float64Llama(spec, await readFloats(opened), window)
        for (let position = 0; position < window.sinks; position++) exact.run(ids[position], position)
        for (let position = start; position < END - TAIL; position++) exact.run(ids[position], position)
        const worst = wanted.rows.map((row, i) => {
          const logits = exact.run(ids[END - TAIL + i], END - TAIL + i)
          return row.reduce((most, value, id) => Math.max(most, Math.abs(value - logits[id])), 0)
        })
        expect(Math.max(...worst)).toBeLessThanOrEqual(TOLERANCE)
      })
    }
  })
})
