// A chain is loaded as it was planned: who cuts a model counts the bytes of each isolate as who loads it does.

import { expect, it } from 'vitest'
import { hubBytes } from '../../src/graph/chain-memory.ts'
import { JS_BYTES } from '../../src/lib/limits.ts'
import { stageMemory } from '../../src/packing/stage-memory.ts'
import { chainBed, hubRanges, tableRanges } from '../helpers/chain.ts'
import { TINY } from '../helpers/subjects.ts'

const ROWS = { chunk: 16, logitRows: 4 }

it.each([40, undefined])('window %s: an isolate holds what it was planned for', async (window) => {
  const opened = await TINY.open()
  const { manifest } = opened
  const settings = { window: { window, sinks: 2 }, ...ROWS }
  for (const ranges of [hubRanges(manifest.spec.layers, [1]), tableRanges(manifest.spec, [1], [64])]) {
    const memory = stageMemory(manifest, settings)
    const bed = chainBed(opened, ranges, ROWS)
    const model = await bed.read(settings.window)
    const wanted = ranges.map((range, index) => memory.total({ range, isHub: index === 0 }) - JS_BYTES)
    expect(bed.planned).toEqual(wanted)
    expect(model.maxRows).toBe(8 * ROWS.chunk)
    model.release()
  }
})

it('a hub without the table has logits in JavaScript, and what a sampler makes of them', async () => {
  const { manifest } = await TINY.open()
  const [hub] = tableRanges(manifest.spec, [1], [64])
  const floats = (4 + 4) * manifest.spec.vocab
  expect(hubBytes(manifest, hub, 4)).toBe(manifest.tokenizer.length + floats * 4)
  expect(hubBytes(manifest, { ...hub, head: true }, 4)).toBe(manifest.tokenizer.length)
})

it('a stage that still loads for an object that is gone is waited for', async () => {
  const bed = chainBed(await TINY.open(), hubRanges(4, [2]), ROWS)
  const [gone, next] = await Promise.all([bed.read(), bed.read()])
  gone.release()
  expect(next.stages.map(({ state }) => state)).toEqual(['open'])
  next.release()
})
