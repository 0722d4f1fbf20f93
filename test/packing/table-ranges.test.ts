// A table whose rows differ in kind by range: which rows have which, and what is computed by each.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { OpenedModel } from '../../cli/lib/model.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import type { Row } from '../../src/graph/model.ts'
import { tensorBytes } from '../../src/kernels/layout.ts'
import { memorySource } from '../../src/packing/pack-memory.ts'
import { packedParts } from '../../src/packing/policy.ts'
import { shardCutter } from '../../src/packing/shards.ts'
import { chainBed, tableRanges } from '../helpers/chain.ts'
import { farthest, idsOf, logitsOf, opened, TEXT, weightsOf } from '../helpers/float-model.ts'
import { someIds } from '../helpers/subjects.ts'

type Range = { kind: 'q8' | 'q6' | 'q5'; first: number }

/** With zeros behind it up to where the next tensor may begin. */
function aligned(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / 64) * 64)
  padded.set(bytes)
  return padded
}

/** A model of INT8 whose table has these ranges of rows, each as packing the whole table in its kind makes it. */
async function ranged(eight: OpenedModel, ranges: readonly Range[]): Promise<OpenedModel> {
  const [table, ...others] = eight.manifest.tensors
  const { rows, cols } = table
  const parts = await Promise.all(
    ranges.map(async ({ kind, first }, i) => {
      const end = ranges[i + 1]?.first ?? rows
      const whole = await weightsOf(await opened({ quant: 'q8', embedding: kind }))
      const bytes = whole.slice(tensorBytes(kind, first, cols), tensorBytes(kind, end, cols))
      return { bytes, tensor: { ...table, name: `embedding.${first}`, kind, rows: end - first } }
    }),
  )
  const pieces = [
    ...parts.map(({ bytes }) => aligned(bytes)),
    (await weightsOf(eight)).slice(others[0].offset),
  ]
  const at = pieces.map((_, i) => pieces.slice(0, i).reduce((sum, { length }) => sum + length, 0))
  const tensors = [
    ...parts.map(({ tensor, bytes }, i) => ({ ...tensor, offset: at[i], length: bytes.length })),
    ...others.map((tensor) => ({ ...tensor, offset: tensor.offset - others[0].offset + at[parts.length] })),
  ]
  const files = new Map<string, Uint8Array[]>()
  const cutter = shardCutter((file, piece) => void files.set(file, [...(files.get(file) ?? []), piece]))
  for (const piece of pieces) await cutter.sink(piece)
  const manifest = { ...eight.manifest, tensors, shards: cutter.finish() }
  return { ...eight, manifest, source: memorySource(files) }
}

describe('a table whose rows differ in kind', () => {
  it('has its first rows in 8 bits, and those far behind in 5, where the others have 6', () => {
    const table = { role: 'embedding', type: 'Q8_0', rows: 49152, cols: 576, vector: false } as const
    const first = { name: 'embedding.0', kind: 'q8', first: 0, rows: 1056 }
    expect(packedParts(table, 'keep', 'auto')).toEqual([
      first,
      { name: 'embedding.1056', kind: 'q6', first: 1056, rows: 39904 },
      { name: 'embedding.40960', kind: 'q5', first: 40960, rows: 8192 },
    ])
    expect(packedParts({ ...table, rows: 40960, cols: 2048 }, 'keep', 'auto')).toEqual([
      first,
      { name: 'embedding.1056', kind: 'q6', first: 1056, rows: 39904 },
    ])
    expect(packedParts({ ...table, rows: 1056, cols: 32768 }, 'keep', 'auto')).toEqual([
      { name: 'embedding', kind: 'q6', first: 0, rows: 1056 },
    ])
    // Of a part of a vocabulary no row is rare.
    expect(packedParts(table, 'keep', 'auto', true)).toEqual([
      first,
      { name: 'embedding.1056', kind: 'q6', first: 1056, rows: 48096 },
    ])
    expect(packedParts(table, 'keep', 'q6')).toEqual([
      { name: 'embedding', kind: 'q6', first: 0, rows: 49152 },
    ])
  })

  it('multiplies the rows of the first kind by inputs of 16 bits, and those of each other kind as they are', async () => {
    const cut = 976 // more rows than are multiplied by a residue at once
    const ids = Array.from({ length: 24 }, (_, i) => (i * 37) % cut)
    const eight = await opened({ quant: 'q8', embedding: 'q8' })
    const [, ...others] = eight.manifest.tensors
    const q8 = { kind: 'q8', first: 0 } as const
    const logits = async (...ranges: Range[]) => logitsOf(await ranged(eight, ranges), ids, {})
    const mixed = await logits(q8, { kind: 'q6', first: cut }, { kind: 'q5', first: cut + 16 })
    // The same table in 8 bits, whose products are made fine from outside.
    const fine = await logitsOf(eight, ids, { fine: (weights) => weights < others[0].offset })
    const coarse = await logitsOf(eight, ids, {})
    const [six, five] = [
      await logits(q8, { kind: 'q6', first: cut }),
      await logits(q8, { kind: 'q5', first: cut }),
    ]
    mixed.forEach((row, i) => {
      expect(row.subarray(0, cut)).toEqual(fine[i].subarray(0, cut))
      expect(row.subarray(0, cut)).not.toEqual(coarse[i].subarray(0, cut))
      expect(row.subarray(cut, cut + 16)).toEqual(six[i].subarray(cut, cut + 16))
      expect(row.subarray(cut + 16)).toEqual(five[i].subarray(cut + 16))
    })
    const errorOf = (rows: Float32Array[]) => farthest(rows.map((row) => row.subarray(cut)), coarse.map((row) => row.subarray(cut))) // prettier-ignore
    expect(errorOf(six)).toBeGreaterThan(0)
    expect(errorOf(five)).toBeGreaterThan(errorOf(six))
    expect(errorOf(five)).toBeLessThan(1)
  })

  it('cut anywhere gives the same logits, and rows of each kind those of a table of that kind', async () => {
    const ids = (await idsOf(TEXT)).slice(0, 40)
    const whole = await opened({ quant: 'q8' })
    const [table, ...others] = whole.manifest.tensors
    const cut = 512
    const bytes = (table.length / table.rows) * cut
    const parts = [
      { ...table, name: 'embedding.0', rows: cut, length: bytes },
      {
        ...table,
        name: `embedding.${cut}`,
        rows: table.rows - cut,
        offset: table.offset + bytes,
        length: table.length - bytes,
      },
    ]
    const manifest = { ...whole.manifest, tensors: [...parts, ...others] }
    expect(await logitsOf({ ...whole, manifest }, ids, {})).toEqual(await logitsOf(whole, ids, {}))
  })

  it.each([[[64]], [[512]], [[704, 768]], [[960]], [[64, 512, 832]]])(
    'cut at rows %j over the stages of a chain it gives the same logits, those that are refined too',
    async (cuts) => {
      const eight = await opened({ quant: 'q8', embedding: 'q8' })
      const model = await ranged(eight, [
        { kind: 'q8', first: 0 },
        { kind: 'q6', first: 720 },
        { kind: 'q5', first: 896 },
      ])
      const { spec } = model.manifest
      const rows = someIds(16, spec.vocab).map((id, position): Row => ({
        id,
        position,
        pages: [0],
        yields: position < 12 ? 'nothing' : 'logits',
      }))
      const options = {
        window: { window: undefined, sinks: 0 },
        chunk: 16,
        logitRows: 4,
        kernels: nodeKernels('quads'),
      }
      const whole = (await loadModel(model.manifest, model.source, options)).run(rows)
      const chain = await chainBed(model, tableRanges(spec, [], cuts)).read()
      const outputs = await chain.run(rows)
      for (let i = 0; i < 4; i++) expect(outputs.logits(i)).toEqual(whole.logits(i))
      chain.release()
    },
  )
})
