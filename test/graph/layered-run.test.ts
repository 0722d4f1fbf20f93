// Rows that go through the layers one after another give the bits of rows that go through all of them chunk by chunk.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import type { Row } from '../../src/graph/model.ts'
import type { Stage } from '../../src/graph/stage.ts'
import type { ByteSource } from '../../src/weights/source.ts'
import { FAMILY_NAMES, familyPrompt, familySubject } from '../helpers/family-model.ts'
import { upTo } from '../helpers/paged.ts'
import { load, ODD, someIds, TINY, type Subject } from '../helpers/subjects.ts'

const LENGTH = 75
/** Of the text; those behind are spare. */
const OWN = Math.ceil((LENGTH + 1) / 16)
const PAGES = OWN + 24

const WINDOWS = [
  { window: undefined, sinks: 0 },
  { window: 37, sinks: 5 },
]

const rowsOf = (ids: readonly number[]): Row[] =>
  ids.map((id, position) => ({ id, position, pages: upTo(OWN), yields: 'nothing' }))

/** Bytes of the text's pages, and the logits of the row behind it. */
function left(stage: Stage, id: number): Buffer[] {
  const pages = upTo(OWN - 1).map((page) => Buffer.from(stage.pages.read(page)))
  stage.run([{ id, position: LENGTH, pages: upTo(OWN), yields: 'logits' }])
  return [...pages, Buffer.from(stage.logits(0).slice().buffer)]
}

/** The same, run chunk by chunk. */
function inChunks(stage: Stage, ids: readonly number[]): Buffer[] {
  const rows = rowsOf(ids)
  for (let from = 0; from < LENGTH; from += stage.maxRows)
    stage.run(rows.slice(from, Math.min(LENGTH, from + stage.maxRows)))
  return left(stage, ids[0])
}

function expectSame(got: readonly Buffer[], wanted: readonly Buffer[], what: string): void {
  expect(
    got.map((bytes, i) => Buffer.compare(bytes, wanted[i])),
    what,
  ).toEqual(wanted.map(() => 0))
}

/** But for the one whose prompt sees itself both ways: it has to go through all layers at once. */
const families = FAMILY_NAMES.filter((name) => name !== 'chatglm1').map((name) => familySubject(name, 'q8'))

describe.each([TINY, ...ODD, ...families])('$name', (subject) => {
  it.each(WINDOWS)(
    'window $window, sinks $sinks: layer by layer, several at once, with little room',
    async (window) => {
      const { spec } = (await subject.open()).manifest
      // One that sees itself both ways is never run ahead.
      if (spec.prefix !== undefined) return
      const options = { window, pages: PAGES, logitRows: 4, maxPositions: LENGTH + 4 }
      const ids = spec.vocab < 2048 ? familyPrompt(spec, LENGTH) : someIds(LENGTH, spec.vocab)
      const wanted = inChunks(await load(subject, options), ids)
      const all = upTo(spec.layers + 1).slice(1)
      for (const [reached, count] of [
        [all, 24],
        [[spec.layers], 24],
        [[1, 1, 1], 24],
        [all, 3],
        [all, 0],
      ] as const) {
        const stage = await load(subject, options)
        const room = stage.pages.room({ first: OWN, count }, stage.spec.hidden * 4)
        const run = stage.layered(rowsOf(ids), { first: OWN, count })
        for (const layers of reached) run.reach(layers)
        run.end()
        expectSame(left(stage, ids[0]), wanted, `${reached.join()} layers, room for ${room.rows} rows`)
      }
    },
  )
})

describe('room for rows', () => {
  it.each([TINY, ...ODD])('$name: lies in its pages alone, each row for itself', async (subject) => {
    const stage = await load(subject, { pages: 12 })
    const run = { first: 5, count: 4 }
    const bytes = 64 * Math.ceil((stage.spec.hidden * 4) / 64)
    const room = stage.pages.room(run, bytes)
    expect(room.rows).toBeGreaterThan(4)
    const taken = new Set(upTo(room.rows).flatMap((row) => upTo(bytes / 4).map((i) => room.at(row) + 4 * i)))
    expect(taken.size).toBe((room.rows * bytes) / 4)
    // Whole pages of keys or values: what lies in page p of a layer lies between those of p and p + 1.
    const half = stage.pages.pageBytes / stage.spec.layers / 2
    const parts = upTo(stage.spec.layers).flatMap((layer) =>
      [0, stage.pages.valuesOffset].map((offset) => stage.pages.keysAt(layer, run.first) + offset),
    )
    for (const at of taken)
      expect(parts.some((part) => at >= part && at + 4 <= part + run.count * half)).toBe(true)
  })
})

/** The subject's weights from a stream of small pieces, which for the first time have a wrong byte. */
async function served(subject: Subject, wrongAt?: number) {
  const { manifest, source } = await subject.open()
  const isDamaged = { next: wrongAt !== undefined }
  const slow: ByteSource = {
    async open(file) {
      const bytes = new Uint8Array(await new Response(await source.open(file)).arrayBuffer())
      if (isDamaged.next && wrongAt !== undefined) bytes[wrongAt] ^= 0x55
      isDamaged.next = false
      let at = 0
      return new ReadableStream({
        pull(controller) {
          controller.enqueue(bytes.slice(at, (at += 20_000)))
          if (at >= bytes.length) controller.close()
        },
      })
    },
  }
  return { manifest, source: slow }
}

describe('while weights come', () => {
  const options = {
    window: { window: undefined, sinks: 0 },
    chunk: 16,
    logitRows: 4,
    pages: PAGES,
    kernels: nodeKernels('quads'),
  }

  it.each([false, true])(
    'layers are run as they are in place (a shard damaged once: %s)',
    async (damaged) => {
      const { tensors } = (await TINY.open()).manifest
      const wrong = tensors.find(({ name }) => name === 'layers.1.v')
      const { manifest, source } = await served(TINY, damaged ? wrong?.offset : undefined)
      const ids = someIds(LENGTH, manifest.spec.vocab)
      const seen: number[] = []
      const stages: Stage[] = []
      let end = (): void => undefined
      const stage = await loadModel(manifest, source, {
        ...options,
        onArrival(arriving) {
          stages.push(arriving)
          const run = arriving.layered(rowsOf(ids), { first: OWN, count: 24 })
          end = () => run.end()
          return (layers) => {
            seen.push(layers)
            run.reach(layers)
          }
        },
      })
      end()
      expect(stages).toEqual([stage])
      expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3, 4]))
      const falls = seen.filter((layers, i) => i > 0 && layers < seen[i - 1])
      expect(falls).toEqual(damaged ? [0] : [])
      const last = manifest.tensors.findLast(({ name }) => name.startsWith('layers.'))
      expect(seen.indexOf(4)).toBe(Math.ceil(((last?.offset ?? 0) + (last?.length ?? 0)) / 20_000) - 1)
      expectSame(left(stage, ids[0]), inChunks(await load(TINY, options), ids), 'as after loading')
    },
  )

  it('a range of layers is not run ahead', async () => {
    const { manifest, source } = await served(TINY)
    const range = { from: 0, to: 2, embedding: true, head: false }
    const onArrival = () => expect.fail('a range has not all layers')
    await loadModel(manifest, source, { ...options, range, onArrival })
  })
})
