// The memory of ranges: what they share is the same, what they divide adds up, and only the head has room for logits.

import { describe, expect, it } from 'vitest'
import { kvLayerBytes } from '../../src/graph/buffers.ts'
import { planMemory, type MemoryOptions } from '../../src/graph/memory-layout.ts'
import { LOGITS_AT_ONCE } from '../../src/graph/buffers.ts'
import { LOGIT_ROWS } from '../../src/lane/memory-plan.ts'
import { takesWindow, type ModelSpec } from '../../src/models/spec.ts'
import { wholeRange, type LayerRange } from '../../src/weights/layer-range.ts'
import { rangeOf } from '../../src/weights/range.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { partsOf } from '../../src/weights/table.ts'
import { FAMILY_NAMES, familySubject } from '../helpers/family-model.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { rangesOf, someCuts } from '../helpers/stages.ts'
import { load, REAL, TINY } from '../helpers/subjects.ts'
import { missingModel } from '../helpers/real-model.ts'

const SUBJECTS = [
  TINY,
  ...(missingModel() === undefined ? [REAL] : []),
  ...FAMILY_NAMES.map((name) => familySubject(name, 'q8')),
]

const options = (spec: ModelSpec): MemoryOptions => ({
  window: takesWindow(spec) ? { window: 256, sinks: 4 } : { window: undefined, sinks: 0 },
  chunk: 32,
  logitRows: LOGIT_ROWS,
})

describe.each(SUBJECTS)('$name', (subject) => {
  it('ranges share pages and rows, and divide weights and K and V', async () => {
    const { manifest } = await subject.open()
    const { spec } = manifest
    const whole = planMemory(spec, weightBytes(manifest), options(spec))
    const table = partsOf(manifest.tensors, 'embedding')
    for (const cuts of someCuts(spec.layers)) {
      const ranges = rangesOf(spec.layers, cuts)
      const plans = ranges.map((range) =>
        planMemory(spec, weightBytes(rangeOf(manifest, range)), { ...options(spec), range }),
      )
      for (const { pageCount, rows, views } of plans) {
        expect({ pageCount, rows }).toEqual({ pageCount: whole.pageCount, rows: whole.rows })
        expect(views.widest).toEqual(whole.views.widest)
      }
      const sum = (of: (plan: typeof whole) => number): number =>
        plans.reduce((all, plan) => all + of(plan), 0)
      expect(sum(({ pageBytes }) => pageBytes)).toBe(whole.pageBytes)
      const twice = spec.head.tied
        ? table.reduce((sum, { length }) => sum + Math.ceil(length / 64) * 64, 0)
        : 0
      expect(sum((plan) => plan.weightBytes)).toBe(whole.weightBytes + twice)
      const alone = ({ totalBytes, weightBytes: weights, pageBytes, pageCount }: typeof whole): number =>
        totalBytes - weights - pageBytes * pageCount
      // Memory is made in pages of 64 KiB, and pages of KV on their way to storage have a megabyte where there are no logits.
      for (const plan of plans) expect(alone(plan)).toBeLessThanOrEqual(alone(whole) + 65536 + 1e6)
    }
  })

  it('a stage has the memory that was planned for it', async () => {
    const { manifest } = await subject.open()
    const { spec } = manifest
    for (const range of rangesOf(spec.layers, [1])) {
      const sizes = { ...options(spec), kv: subject.kv, range }
      const plan = planMemory(spec, weightBytes(rangeOf(manifest, range)), sizes)
      const stage = await load(subject, sizes)
      expect(stage.linearMemoryBytes).toBe(plan.totalBytes)
      expect(stage.pages.pageBytes).toBe((range.to - range.from) * kvLayerBytes(spec, subject.kv))
    }
  })
})

describe('scratch', () => {
  const spec: ModelSpec = { ...MOCK_SPEC, layers: 4 }
  const large: ModelSpec = { ...spec, vocab: 500_000 }
  const bytes = (of: ModelSpec, range?: LayerRange): number =>
    planMemory(of, 0, { ...options(of), pages: 0, ...(range && { range }) }).totalBytes

  it.each([[[2]], [[0, 4]], [[1, 3, 4]]])('cut at %s, only the stage with the head has logits', (cuts) => {
    for (const range of rangesOf(4, cuts)) {
      const grown = bytes(large, range) - bytes(spec, range)
      if (range.head) expect(grown).toBeGreaterThan(LOGITS_AT_ONCE * 4 * 490_000)
      else expect(grown).toBe(0)
    }
  })

  it('an end alone has no buffers of layers', () => {
    const wide: ModelSpec = { ...spec, ffn: 1 << 16, heads: 256 }
    const [embedding, layers] = rangesOf(4, [0, 4])
    expect(bytes(wide, layers) - bytes(wide, embedding)).toBeGreaterThan(32 * 4 * (1 << 16))
  })

  it('the whole model is what is planned without a range', () => {
    const { arena: _a, ...plan } = planMemory(spec, 12345, options(spec))
    const { arena: _b, ...same } = planMemory(spec, 12345, { ...options(spec), range: wholeRange(spec) })
    expect(same).toEqual(plan)
  })

  it('pages that go to storage at once: at least one, but none of no layer', () => {
    const staged = (range: LayerRange): number =>
      planMemory(spec, 0, { ...options(spec), range }).buffers.staging.pages
    const [embedding, layers, head] = rangesOf(4, [0, 4])
    expect(staged(layers)).toBeGreaterThanOrEqual(1)
    expect([staged(embedding), staged(head)]).toEqual([0, 0])
  })

  it('a range that is none is refused', () => {
    const range = { from: 3, to: 5, embedding: false, head: false }
    expect(() => bytes(spec, range)).toThrow(new RangeError('layers [3, 5) of 4 are no range'))
  })
})
