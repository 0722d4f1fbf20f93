// The same logits bits from every build of the kernels (quads, relaxed, plain) and from their plain TypeScript twins:
// whole models with every kind of weights and of KV pages, in prefill and decode, past a window with sinks.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import { Feed } from '../../src/graph/feed.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { hasRelaxedSimd } from '../../src/kernels/wasm.ts'
import { FLOATS, load, ODD, someIds, TINY, type Build, type Subject } from '../helpers/subjects.ts'
import { expectSameBits, traceOf, type Trace } from '../helpers/trace.ts'

const WINDOWS = [
  { window: undefined, sinks: 0 },
  { window: 40, sinks: 6 },
]

type Text = { prefill: number; decode: number; chunk: number }

const LONG: Text = { prefill: 160, decode: 60, chunk: 16 }
/** The twins are some hundred times slower: just past the window. */
const SHORT: Text = { prefill: 51, decode: 8, chunk: 4 }
/** And the largest model among these just past a window of its own. */
const SHORTEST: Text = { prefill: 15, decode: 3, chunk: 4 }

/** `prefill` ids in steps of `chunk`, then `decode` more, one at a time. */
async function traceWith(
  subject: Subject,
  text: Text,
  window: WindowOptions,
  kernels: Build | 'twin',
): Promise<Trace> {
  const { prefill, decode, chunk } = text
  const model = await load(subject, {
    window,
    chunk,
    logitRows: chunk,
    kernels: kernels === 'twin' ? referenceKernels : nodeKernels(kernels),
  })
  const ids = someIds(prefill + decode, model.spec.vocab, 3)
  return traceOf((onRow) => {
    const feed = new Feed(model)
    feed.run(ids.slice(0, prefill), onRow)
    for (const id of ids.slice(prefill)) feed.run([id], onRow)
  })
}

it('this host runs all builds', () => {
  // Node 20 has no relaxed SIMD; `npm test` runs on the Node of package.json, which has.
  expect(hasRelaxedSimd()).toBe(true)
  for (const name of ['quads', 'relaxed'] as const) {
    const modules = nodeKernels(name)
    expect(Object.entries(modules).flatMap(([key, module]) => (module === undefined ? [] : [key]))).toEqual([
      name,
      'plain',
    ])
  }
})

describe.each(WINDOWS)('window $window, sinks $sinks', (window) => {
  describe.each([TINY, FLOATS, ...ODD])('$name', (subject) => {
    it.each(['relaxed', 'plain'] as const)('%s as quads', async (build) => {
      const wanted = await traceWith(subject, LONG, window, 'quads')
      expectSameBits(await traceWith(subject, LONG, window, build), wanted, build)
    })
  })

  it.each([FLOATS, ...ODD])('$name: the plain twins as quads', async (subject) => {
    const wanted = await traceWith(subject, SHORT, window, 'quads')
    expectSameBits(await traceWith(subject, SHORT, window, 'twin'), wanted, 'the plain twins')
  })
})

it('tiny: the plain twins as quads', async () => {
  const window = { window: 8, sinks: 3 }
  const wanted = await traceWith(TINY, SHORTEST, window, 'quads')
  expectSameBits(await traceWith(TINY, SHORTEST, window, 'twin'), wanted, 'the plain twins')
})
