// What the kernel benchmark calls kernels with: shapes that add up to the models, operands that do not overlap, weights that
// are numbers wherever a scale may lie.

import { describe, expect, test } from 'vitest'
import { fill, KERNELS, operandsOf, planRegions } from '../kernels/operands.ts'
import { SHAPES } from '../kernels/shapes.ts'
import { fastestBuild, passes, summary } from '../kernels/summary.ts'
import type { KernelRow } from '../lib/result-types.ts'

const SMALL = { model: 'none', name: 'odd', rows: 24, cols: 96, count: 3 }

test('shapes add up to the matrices of the models', () => {
  const weights = (model: string): number =>
    SHAPES.filter((shape) => shape.model === model).reduce(
      (sum, { rows, cols, count }) => sum + rows * cols * count,
      0,
    )
  // Tied embeddings count once; LLaMA's own are as large as its head.
  expect(weights('SmolLM2-135M')).toBe(134_479_872)
  expect(weights('Qwen2.5-0.5B')).toBe(493_961_216)
  expect(weights('LLaMA-7B')).toBe(6_738_149_376 - 32_000 * 4096)
})

test('regions follow each other and hold what is put into them', () => {
  const regions = planRegions(SHAPES, 65536)
  const { weights, x, quantised, spare, y, end } = regions
  expect([weights, x, quantised, spare, y, end].toSorted((a, b) => a - b)).toEqual([
    weights,
    x,
    quantised,
    spare,
    y,
    end,
  ])
  expect(end).toBeLessThan(2 ** 31)
  for (const choice of KERNELS) {
    for (const shape of SHAPES) {
      const { weightBytes, copies, resultBytes } = operandsOf(choice, shape, regions)
      expect(copies).toBeGreaterThanOrEqual(1)
      expect(copies * weightBytes).toBeLessThanOrEqual(x - weights)
      expect(resultBytes).toBeLessThanOrEqual(end - y)
    }
  }
})

test('weights are normal positive f16 at every byte', () => {
  const regions = { ...planRegions([SMALL], 65536), weights: 0, x: 4096, quantised: 8192 }
  const memory = new WebAssembly.Memory({ initial: 1 })
  fill(memory, regions)
  const bytes = new Uint8Array(memory.buffer, 0, 4096)
  expect(bytes.every((byte) => byte >= 0x20 && byte <= 0x5b)).toBe(true)
  expect(new Set(bytes).size).toBe(0x3c)
  const floats = new Float32Array(memory.buffer, 4096, 1024)
  expect(floats.every((value) => value >= -1 && value < 1)).toBe(true)
})

describe('summaries', () => {
  const row = (build: string, seconds: number[], more: Partial<KernelRow> = {}): KernelRow => ({
    kernel: 'gemm_q4m_q8',
    build,
    model: 'none',
    shape: 'odd',
    rows: 1000,
    cols: 1000,
    tokens: 4,
    count: 2,
    weightBytes: 1e6,
    dots: 1,
    seconds,
    load: [0.001],
    dot: [0.002],
    ...more,
  })

  test('of a row are of its medians', () => {
    expect(summary(row('quads', [0.003, 0.004, 0.1]))).toEqual({
      seconds: 0.004,
      gmacs: 1,
      gigabytes: 0.25,
      ofLoad: 0.25,
      ofDots: 0.5,
    })
  })

  test('of a model count each shape as often as it occurs', () => {
    const rows = [
      row('quads', [0.004]),
      row('quads', [0.001], { shape: 'other', count: 1 }),
      row('relaxed', [0.001]),
    ]
    const [quads, relaxed] = passes(rows)
    expect([quads.build, relaxed.build]).toEqual(['quads', 'relaxed'])
    expect(quads.pass.seconds).toBeCloseTo(0.009)
    expect(relaxed.pass.seconds).toBeCloseTo(0.002)
    expect(fastestBuild(rows)).toBe('relaxed')
  })
})
