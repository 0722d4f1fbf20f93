// Windows on models that are not LLaMA: ALiBi, sliding layers under a configured window, LogN and NTK, far past every window.
// Float64 arithmetic of relative distances agrees at position 5,000, and the past within reach decides alone.

import { describe, expect, it } from 'vitest'
import { Feed } from '../../src/graph/feed.ts'
import { ntkAlpha } from '../../src/cache/prompt-shape.ts'
import { CONFIGS, familyModel, familySubject, type FamilyName } from '../helpers/family-model.ts'
import { Float64Llama, readFloats } from '../helpers/float64-llama.ts'
import { load, someIds, type Subject } from '../helpers/subjects.ts'

const END = 5000
/** Rows at the end that are compared. */
const TAIL = 12
/** Float32 against float64, any logit (they are some units wide). */
const TOLERANCE = 5e-5

const WINDOWS = [
  { window: 1, sinks: 0 },
  { window: 37, sinks: 0 },
  { window: 37, sinks: 5 },
  { window: 12, sinks: 20 },
]

const subject = (name: FamilyName): Subject => familySubject(name)

/** ALiBi on a number of heads that is a power of two, as Baichuan-13B's is not. */
const FOUR_HEADS: Subject = {
  name: 'baichuan13b of four heads',
  kv: 'f32',
  open: () => familyModel({ ...CONFIGS.baichuan13b, num_attention_heads: 4 }, { quant: 'f32' }),
}

const SUBJECTS = [
  ...(['baichuan13b', 'baichuan7b', 'mistral', 'gemma3', 'qwen1', 'qwen3'] as const).map(subject),
  FOUR_HEADS,
]

describe.each(SUBJECTS)('$name at position 5,000', (model) => {
  it.each(WINDOWS)('window $window, sinks $sinks: float64 agrees', async (window) => {
    const graph = await load(model, { window, chunk: 64, logitRows: TAIL })
    const { spec } = graph
    const ids = someIds(END, spec.vocab, 6)
    const feed = new Feed(graph)
    feed.run(ids.slice(0, END - TAIL))
    const rows: Float32Array[] = []
    feed.run(ids.slice(END - TAIL), (logits) => void rows.push(logits.slice()))

    const trained = spec.attention.logn
    const alpha = trained === undefined ? 1 : ntkAlpha(window.window + window.sinks, trained)
    const exact = new Float64Llama(spec, await readFloats(await model.open()), window, alpha)
    const start = END - TAIL - spec.layers * (window.window - 1)
    for (let position = 0; position < window.sinks; position++) exact.run(ids[position], position)
    for (let position = start; position < END - TAIL; position++) exact.run(ids[position], position)
    let worst = 0
    for (const [i, row] of rows.entries()) {
      const logits = exact.run(ids[END - TAIL + i], END - TAIL + i)
      row.forEach((value, id) => (worst = Math.max(worst, Math.abs(value - logits[id]))))
    }
    expect(rows).toHaveLength(TAIL)
    expect(worst).toBeLessThanOrEqual(TOLERANCE)
  })
})

describe('sliding layers without a configured window', () => {
  it('mistral: the whole model is bounded, and goes on past its trained context', async () => {
    const graph = await load(subject('mistral'), { chunk: 16, logitRows: 16 })
    expect(graph.window).toEqual({ window: 18, sinks: 0 })
    const ids = someIds(1000, graph.spec.vocab, 7)
    const feed = new Feed(graph)
    feed.run(ids.slice(0, -16))
    const rows: Float32Array[] = []
    feed.run(ids.slice(-16), (logits) => void rows.push(logits.slice()))
    // A configured window that is wider changes nothing, sinks or none.
    const wide = new Feed(
      await load(subject('mistral'), { window: { window: 60, sinks: 8 }, chunk: 16, logitRows: 16 }),
    )
    wide.run(ids.slice(0, -16))
    let row = 0
    wide.run(ids.slice(-16), (logits) => expect(logits).toEqual(rows[row++]))
    expect(row).toBe(16)
  })

  it('gemma3: layers that see everything keep every page', async () => {
    const graph = await load(subject('gemma3'), { chunk: 16, maxPositions: 128 })
    expect(graph.window).toEqual({ window: undefined, sinks: 0 })
    expect(graph.pages.count).toBeGreaterThanOrEqual(128 / 16)
  })
})
