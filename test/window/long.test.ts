// Windows of any length with any number of sinks, far past them: to position 20,000 memory stays flat, and the logits do
// not drift: fed one token at a time they have the bits of a fresh prefill of the whole text in large steps.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { pagesForWindow, type WindowOptions } from '../../src/cache/window.ts'
import { Feed } from '../../src/graph/feed.ts'
import { instantiateKernels } from '../../src/kernels/wasm.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { SpyModel } from '../helpers/spy-model.ts'
import { FLOATS, load, someIds, TINY, type Subject } from '../helpers/subjects.ts'

const LENGTH = 20_000
/** Rows of logits are hashed at the end of every stretch. */
const STRETCH = 1000
const HASHED = 64

/** Windows of one position, of no whole number of pages, of exactly one; no sinks, some, more than a page of them. */
const WINDOWS = [
  { window: 1, sinks: 0 },
  { window: 1, sinks: 3 },
  { window: 16, sinks: 0 },
  { window: 37, sinks: 5 },
  { window: 50, sinks: 40 },
  { window: 300, sinks: 4 },
]

/** Rows of a step, and those that the model is made for (4 is the least). */
const SINGLE = { chunk: 1, rows: 4 }
const LARGE = { chunk: 64, rows: 64 }

/**
 * Most that JavaScript's memory may grow from the middle of a run to its end. A table of rotations by position would grow by
 * 1.3 MB; the sequence's list of pages does by 5 KB.
 */
const GROWTH_BYTES = 100_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What JavaScript holds, array buffers included. */
function heldBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** SHA-256 of the last rows of each stretch; and what the run held, by stretch. */
type Run = { hashes: string[]; pages: number[]; held: number[] }

async function run(subject: Subject, window: WindowOptions, { chunk, rows }: typeof SINGLE): Promise<Run> {
  const memories: WebAssembly.Memory[] = []
  const { quads, plain } = nodeKernels()
  const model = await load(subject, {
    window,
    chunk: rows,
    logitRows: rows,
    kernels: (memory) => {
      memories.push(memory)
      return instantiateKernels(quads ?? plain, memory)
    },
  })
  expect(model.pages.count, 'the pool has what one window needs, and no more').toBe(
    pagesForWindow(window, rows),
  )
  const spy = new SpyModel(model)
  const feed = new Feed(spy)
  const ids = someIds(LENGTH, model.spec.vocab, 5)
  const result: Run = { hashes: [], pages: [], held: [] }
  const bytes = memories[0].buffer.byteLength
  for (let from = 0; from < LENGTH; from += STRETCH) {
    feed.run(ids.slice(from, from + STRETCH - HASHED), undefined, chunk)
    const hash = sha256()
    const add = (row: Float32Array): void =>
      hash.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength))
    feed.run(ids.slice(from + STRETCH - HASHED, from + STRETCH), add, chunk)
    result.hashes.push(hash.hex())
    result.pages.push(spy.mostPages)
    spy.reset()
    result.held.push(heldBytes())
  }
  expect(memories.length).toBe(1)
  expect(memories[0].buffer.byteLength, 'linear memory never grows').toBe(bytes)
  return result
}

describe.each([TINY, FLOATS])(`to position ${LENGTH}: $name`, (subject) => {
  it.each(WINDOWS)('window $window, sinks $sinks', async (window) => {
    const single = await run(subject, window, SINGLE)
    const large = await run(subject, window, LARGE)
    expect(large.hashes, 'fed token by token, as prefilled').toEqual(single.hashes)
    expect(new Set(single.hashes).size, 'every stretch has rows of its own').toBe(LENGTH / STRETCH)
    for (const [{ pages, held }, { rows }] of [
      [single, SINGLE],
      [large, LARGE],
    ] as const) {
      const settled = pages.slice(1)
      expect(Math.max(...pages), 'pages held').toBeLessThanOrEqual(pagesForWindow(window, rows))
      expect(Math.min(...settled), 'pages held at any time after the window is full').toBe(
        Math.max(...settled),
      )
      const growth = held[LENGTH / STRETCH - 1] - held[LENGTH / STRETCH / 2]
      expect(growth, 'bytes that JavaScript holds').toBeLessThan(GROWTH_BYTES)
    }
  })
})
