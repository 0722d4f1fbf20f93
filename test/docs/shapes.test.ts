// The shape maker: a tiny shape packs, loads and gives finite logits, has text for every id; and the tables say what was measured.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CONFIGS } from '../../bench/lib/chain-models.ts'
import { makeShape } from '../../bench/lib/shape-folder.ts'
import type { ShapeResult } from '../../bench/lib/shapes-result.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { openModel } from '../../cli/lib/model.ts'
import { isolatesBlock, shapesBlock } from '../../report/lib/shapes-table.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { someIds } from '../helpers/subjects.ts'

const scratch = mkdtempSync(join(tmpdir(), 'islet-shapes-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const SMALL = { hidden_size: 128, num_hidden_layers: 2, num_attention_heads: 2, vocab_size: 1024 }

describe.each([
  ['qwen2.5-0.5b', { ...SMALL, intermediate_size: 192, num_key_value_heads: 1 }],
  ['qwen-1.8b', { ...SMALL, intermediate_size: 384, kv_channels: 64 }],
] as const)('a tiny shape of %s', (name, sizes) => {
  const folder = join(scratch, name)
  const config = { ...CONFIGS[name], ...sizes }

  it('packs, loads and gives finite logits that tell ids apart', async () => {
    await makeShape(folder, 'tiny-shape', config)
    const { manifest, source } = await openModel(folder, {})
    expect(manifest.tensors.filter(({ kind }) => kind === 'q4n')).toHaveLength(14)
    const options = { window: { window: undefined, sinks: 0 }, chunk: 16, logitRows: 4, maxPositions: 64 }
    const stage = await loadModel(manifest, source, { ...options, kernels: nodeKernels() })
    const ids = someIds(12, 1024)
    const rows = ids.map((id, position) => {
      return { id, position, pages: [0], yields: position < 8 ? ('nothing' as const) : ('logits' as const) }
    })
    const outputs = stage.run(rows)
    const best = [0, 1, 2, 3].map((row) => {
      const logits = outputs.logits(row)
      expect(logits.every(Number.isFinite)).toBe(true)
      const largest = Math.max(...logits)
      expect(largest).toBeGreaterThan(1)
      expect(largest).toBeLessThan(100)
      return logits.indexOf(largest)
    })
    expect(new Set(best).size).toBeGreaterThan(1)
    stage.release()
  })

  it('has a text for each id, and ids for a text', async () => {
    const { tokenizerBytes } = await openModel(folder, {})
    const tokenizer = readTokenizer(tokenizerBytes)
    expect(tokenizer.vocabSize).toBe(1024)
    const text = 'some words that nobody has made up'
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    expect(tokenizer.encode(text).length).toBeLessThan(text.length)
    expect([...tokenizer.endIds]).toEqual([1023])
  })

  it('is what it was where it is there already', async () => {
    const { manifest } = await openModel(folder, {})
    await makeShape(folder, 'tiny-shape', config, 2)
    expect((await openModel(folder, {})).manifest.hash).toBe(manifest.hash)
    await makeShape(join(scratch, `${name} once more`), 'tiny-shape', config)
    expect((await openModel(join(scratch, `${name} once more`), {})).manifest.hash).toBe(manifest.hash)
  })
})

it('has a line for each shape, and one for what each kind of isolate holds', () => {
  const stage = { weightBytes: 50e6, planned: 80e6, linear: 70e6, heap: 5e6, peak: 75e6 }
  const hops = { calls: 9, lastMs: 1, slowestMs: 4 }
  const shape: ShapeResult = {
    ...{ name: 'qwen2.5-0.5b', title: 'Qwen2.5 0.5B', weightBytes: 200e6, tokenizerBytes: 6e6 },
    machine: { cpu: 'a CPU', cores: 2, busy: 0.5 } as ShapeResult['machine'],
    ...{ load: 2, prompt: 64, first: 1, tokens: 32, decode: 1, compared: 8, isSame: true },
    whole: { first: 1, decode: 2, ids: [] },
    stages: [
      { ...stage, holds: 'layers 0 to 1', heap: 15e6, peak: 85e6, held: 9e6 },
      { ...stage, holds: 'layers 2 to 3', hops },
      { ...stage, holds: 'rows 0 to 63 of the table', peak: 60e6, hops: { ...hops, slowestMs: 20 } },
      { ...stage, holds: 'rows 64 to 127 of the table', hops },
    ],
  }
  expect(shapesBlock([shape], { models: [] })).toContain(
    '| Qwen2.5 0.5B | 200 | 4 | 2.0 | 1.00 | 32.0 | 16.0 | - | 4 | yes |',
  )
  expect(shapesBlock([{ ...shape, isSame: false }], { models: [] })).toContain('**no**')
  const isolates = isolatesBlock([shape])
  expect(isolates).toContain('| Qwen2.5 0.5B | hub, layers 0 to 1 | 1 | 50.0 | 70.0 | 15.0 | 85.0 |')
  expect(isolates).toContain('| Qwen2.5 0.5B | of rows | 2 | 50.0 | 70.0 | 5.0 | 60.0 to 75.0 |')
  expect(isolates).toContain('9.0 MB')
})
