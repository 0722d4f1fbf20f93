// Calibrating: the same on every build, of the inputs that the float graph has; what is fitted under it errs less where it
// counts, and a model that is centred by it computes what it did.

import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { calibrationOf, keptCalibrationFile } from '../../cli/lib/calibration.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { OpenedModel } from '../../cli/lib/model.ts'
import { divergence } from '../../cli/lib/score.ts'
import { sharesOf } from '../../cli/lib/shares.ts'
import { f16ToF32 } from '../../src/formats/f16.ts'
import { BLOCK } from '../../src/kernels/layout.ts'
import { calibrate } from '../../src/packing/calibrate.ts'
import { readCalibration, writeCalibration } from '../../src/packing/calibration-file.ts'
import { columnWeights, type Calibration } from '../../src/packing/calibration.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToMemory } from '../../src/packing/pack-memory.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { quantiseBlocks } from '../../src/packing/quantise.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import {
  farthest,
  FLOATS,
  idsOf,
  logitsOf,
  opened,
  type Reading,
  TEXT,
  weightsOf,
} from '../helpers/float-model.ts'
import { missingModel, REAL_GGUF, REAL_ID } from '../helpers/real-model.ts'
import { rng } from '../helpers/rng.ts'
import { expectSameBits, traceOf } from '../helpers/trace.ts'

async function calibrated(build: 'quads' | 'plain' = 'quads'): Promise<Calibration> {
  const source = await openSource(FLOATS)
  try {
    return await calibrate(source, await idsOf(TEXT), nodeKernels(build))
  } finally {
    await source.close()
  }
}

describe('calibration', () => {
  it('is the same by every build, and twice', async () => {
    const [once, again, plain] = [await calibrated(), await calibrated(), await calibrated('plain')]
    expect([...once.keys()].sort()).toEqual(
      [
        'head',
        ...[0, 1, 2, 3].flatMap((i) =>
          ['attn', 'o', 'mlp', 'down', 'key', 'first_key'].map((s) => `layers.${i}.${s}`),
        ),
      ].sort(),
    )
    expect(again).toEqual(once)
    expect(plain).toEqual(once)
  })

  it('has the inputs of the head: a product with their mean is the mean of the logits', async () => {
    const ids = await idsOf(TEXT)
    const { mean } = (await calibrated()).get('head')!
    const model = await opened({ quant: 'f32' })
    const rows = (await logitsOf(model, ids, { kv: 'f32' })).slice(1)
    const table = await opened({ quant: 'f32', calibration: await calibrated() })
    const offset = table.manifest.tensors.find(({ name }) => name === 'head_offset')!
    const wanted = rows[0].map((_, id) => rows.reduce((sum, row) => sum + row[id], 0) / rows.length)
    const bytes = await weightsOf(table)
    const offsets = new Float32Array(bytes.slice(offset.offset, offset.offset + offset.length).buffer)
    expect(mean.length).toBe(model.manifest.spec.hidden)
    expect(farthest([offsets], [wanted])).toBeLessThan(0.02) // means are kept as f16
  })

  it.each([undefined, 40])('centres change nothing in floats, window %s', async (window) => {
    const ids = await idsOf(TEXT)
    const plain = await logitsOf(await opened({ quant: 'f32' }), ids, { kv: 'f32', window })
    const centred = await opened({ quant: 'f32', calibration: await calibrated() })
    const names = centred.manifest.tensors.map(({ name }) => name)
    for (const name of ['attn_centre', 'mlp_centre', 'mlp_offset', 'key_centre', 'first_key_centre'])
      expect(names).toContain(`layers.0.${name}`)
    expect(farthest(await logitsOf(centred, ids, { kv: 'f32', window }), plain)).toBeLessThan(2e-3)
  })

  it.each([undefined, 40])('and the same bits in steps of any length, window %s', async (window) => {
    const ids = await idsOf(TEXT)
    const model = await opened({ quant: 'q4', calibration: await calibrated() })
    const trace = async (reading: Reading) => {
      const rows = await logitsOf(model, ids, { window, ...reading })
      return traceOf((onRow) => {
        for (const row of rows) onRow(row)
      })
    }
    const wanted = await trace({ chunk: 16, step: 1 })
    for (const step of [3, 4, 16])
      expectSameBits(await trace({ chunk: 16, step }), wanted, `steps of ${step}`)
  })

  it('and behind rows that yield nothing, for which the last layer has no queries', async () => {
    const ids = await idsOf(TEXT)
    const model = await opened({ quant: 'q4', calibration: await calibrated() })
    const whole = await logitsOf(model, ids, {})
    const rest = await logitsOf(model, ids, { quiet: 30 })
    expect(rest).toEqual(whole.slice(30))
  })

  it('lowers what activations and cache in INT8 cost', async () => {
    const ids = await idsOf(await readFile(`${FLOATS}/held-out.txt`, 'utf8'))
    const texts = [3000, 5000, 7000].map((from) => ids.slice(from, from + 200))
    const source = await openSource(FLOATS)
    const calibration = await calibrate(source, ids.slice(0, 512), nodeKernels('quads'))
    await source.close()
    const rowsOf = async (options: PackOptions, kv: 'q8' | 'f32'): Promise<Float32Array[]> => {
      const model = await opened(options)
      return (await Promise.all(texts.map((text) => logitsOf(model, text, { kv })))).flat()
    }
    const exact = await rowsOf({ quant: 'f32' }, 'f32')
    const cost = async (options: PackOptions): Promise<number> => {
      const rows = await rowsOf(options, 'q8')
      return rows.reduce(
        (sum, row, i) => sum + divergence(exact[i], logSumExp(exact[i]), row, logSumExp(row)) / rows.length,
        0,
      )
    }
    // Measured: 0.00055 of 0.00065.
    expect(await cost({ quant: 'q8', calibration })).toBeLessThan(0.9 * (await cost({ quant: 'q8' })))
  })

  it('keeps vectors in 16 bits where weights are quantised, and computes nearly the same', async () => {
    const ids = await idsOf(TEXT)
    const calibration = await calibrated()
    const kinds = async (options: PackOptions): Promise<Record<string, string>> =>
      Object.fromEntries(
        (await opened(options)).manifest.tensors
          .filter(({ name }) => /centre|offset/.test(name))
          .map(({ name, kind }) => [name.replace(/^.*\./, ''), kind]),
      )
    const halves = { attn_centre: 'f16', qkv_offset: 'f16', mlp_centre: 'f16', mlp_offset: 'f16' }
    const keys = { key_centre: 'f32', first_key_centre: 'f32' }
    expect(await kinds({ quant: 'q8', calibration })).toEqual({
      ...halves,
      ...keys,
      head_centre: 'f16',
      head_offset: 'f16',
    })
    expect(new Set(Object.values(await kinds({ quant: 'f32', calibration })))).toEqual(new Set(['f32']))
    const rows = await logitsOf(await opened({ quant: 'q8', calibration }), ids, { kv: 'f32' })
    const exact = await logitsOf(await opened({ quant: 'f32' }), ids, { kv: 'f32' })
    const plain = await logitsOf(await opened({ quant: 'q8' }), ids, { kv: 'f32' })
    expect(farthest(rows, exact)).toBeLessThan(1.2 * farthest(plain, exact))
  })

  it('has the mean of keys at position 0, over texts that begin with any of the starts', async () => {
    const source = await openSource(FLOATS)
    const ids = await idsOf(TEXT)
    const of = async (starts: number[]) => calibrate(source, ids, nodeKernels('quads'), undefined, starts)
    const [a, b, both] = [await of([ids[3]]), await of([ids[5]]), await of([ids[3], ids[5]])]
    await source.close()
    for (const layer of [0, 3]) {
      const [one, two, mean] = [a, b, both].map((known) => known.get(`layers.${layer}.first_key`)!.mean)
      mean.forEach((value, i) => expect(Math.abs(value - (one[i] + two[i]) / 2)).toBeLessThan(0.01))
      expect(farthest([one], [two])).toBeGreaterThan(0.1)
    }
    // What the text itself shows is the same, whatever others begin with.
    expect(both.get('layers.3.key')).toEqual(a.get('layers.3.key'))
    expect(both.get('head')).toEqual(a.get('head'))
  })

  it('gives position 0 products of 16 bits in every layer: nothing is left to gain there', async () => {
    const model = await opened({ quant: 'q8', calibration: await calibrated() })
    const plain = await opened({ quant: 'q8' })
    const exact = await opened({ quant: 'f32' })
    const texts = (await idsOf(TEXT)).slice(0, 12).map((id) => ({ ids: [id], from: 0 }))
    const ofLayers = async (own: OpenedModel): Promise<number[]> => {
      const window = { window: undefined, sinks: 0 }
      const options = { window, chunk: 4, maxPositions: 16, kv: 'f32', otherKv: 'f32' } as const
      const shares = await sharesOf(own, exact, texts, options)
      return shares
        .filter(({ kind, part }) => kind === 'activations' && part !== 'head')
        .map(({ kl }) => Math.abs(kl))
    }
    const [fine, coarse] = [await ofLayers(model), await ofLayers(plain)]
    expect(fine).toHaveLength(4)
    fine.forEach((share) => expect(share).toBeLessThan(0.1 * Math.max(...coarse)))
  })

  it('survives its file, and a file of another model is refused', async () => {
    const source = await openSource(FLOATS)
    const calibration = await calibrated()
    const bytes = writeCalibration(calibration, source.spec)
    const back = readCalibration(bytes, source.spec)
    expect(back.get('layers.3.attn')?.mean).toEqual(calibration.get('layers.3.attn')?.mean)
    expect(back.get('head')).toEqual(calibration.get('head'))
    const packed = async (known: Calibration): Promise<string> =>
      (await packToMemory(FLOATS, { quant: 'q8', embedding: 'q6', calibration: known })).manifest.hash
    expect(await packed(back)).toBe(await packed(calibration))
    expect(() => readCalibration(bytes.subarray(2), source.spec)).toThrow('this model has one of')
    await source.close()
  })

  const skip = missingModel(REAL_GGUF)
  it.skipIf(skip !== undefined)(
    'that is kept of SmolLM2 is what calibrating gives',
    async () => {
      const source = await openSource(REAL_GGUF)
      const calibration = await calibrationOf(source, {})
      const kept = new Uint8Array(await readFile(keptCalibrationFile(REAL_ID)))
      expect(writeCalibration(calibration!, source.spec)).toEqual(kept)
      await source.close()
    },
    300_000,
  )
})

describe('blocks fitted under what columns weigh', () => {
  it.each(['q4m', 'q6', 'q4'] as const)('%s: never worse than rounded, better than plain squares', (kind) => {
    const random = rng(23)
    const rows = 400
    const values = Float32Array.from({ length: rows * 2 * BLOCK }, () => random.normal())
    const weights = Float64Array.from({ length: 2 * BLOCK }, () => 0.02 + random.normal() ** 4)
    const errors = (rounding: 'search' | 'nearest', under?: Float64Array): number[] => {
      const { codes, scales, minimums } = quantiseBlocks(kind, values, rows, 2 * BLOCK, rounding, under)
      return Array.from({ length: 2 * rows }, (_, block) => {
        let sum = 0
        for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
          const level = kind === 'q4' ? codes[i] - 8 : codes[i]
          const minimum = kind === 'q4' ? 0 : f16ToF32(minimums[block])
          sum += weights[i % (2 * BLOCK)] * (f16ToF32(scales[block]) * level + minimum - values[i]) ** 2
        }
        return sum
      })
    }
    const [fitted, plain, rounded] = [errors('search', weights), errors('search'), errors('nearest')]
    expect(fitted.filter((error, block) => error > rounded[block] * (1 + 1e-9))).toEqual([])
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
    expect(sum(fitted)).toBeLessThan(0.9 * sum(plain))
  })

  it('weights of one for all columns are plain squares, bit for bit', () => {
    const random = rng(29)
    const values = Float32Array.from({ length: 200 * BLOCK }, () => random.normal())
    const ones = new Float64Array(BLOCK).fill(1)
    expect(quantiseBlocks('q6', values, 200, BLOCK, 'search', ones)).toEqual(
      quantiseBlocks('q6', values, 200, BLOCK),
    )
  })

  it('weighs columns by what is left of their input behind its centre', async () => {
    const { spec } = (await opened({})).manifest
    const calibration = await calibrated()
    const { mean, variance } = calibration.get('head')!
    const own = columnWeights(calibration, 'embedding', spec)!
    const order = (numbers: ArrayLike<number>): number[] =>
      Array.from(numbers, (_, i) => i).sort((a, b) => numbers[a] - numbers[b] || a - b)
    expect(order(own)).toEqual(order(variance))
    const { mean: m, variance: v } = calibration.get('layers.0.down')!
    expect(order(columnWeights(calibration, 'layers.0.down', spec)!)).toEqual(
      order(Float64Array.from(v, (value, i) => value + m[i] * m[i])),
    )
    expect(mean.some((value) => Math.abs(value) > 0.1)).toBe(true)
    expect(columnWeights(undefined, 'embedding', spec)).toBeUndefined()
  })
})
