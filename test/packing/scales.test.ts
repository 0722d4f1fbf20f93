// Scales of blocks are on the safe side of what they round, and large tables take fewer bits.

import { describe, expect, it } from 'vitest'
import { f16ToF32 } from '../../src/formats/f16.ts'
import { BLOCK } from '../../src/kernels/layout.ts'
import { packedKind } from '../../src/packing/policy.ts'
import { finiteHalf, quantiseBlocks, quantiseQ8 } from '../../src/packing/quantise.ts'
import { rng } from '../helpers/rng.ts'

describe('INT8', () => {
  it('has a scale that is never above amax / 127, so that half a step never grows', () => {
    const { normal } = rng(3)
    for (let block = 0; block < 500; block++) {
      const values = Float32Array.from({ length: BLOCK }, normal)
      const amax = Math.max(...values.map(Math.abs))
      const { scales, codes } = quantiseQ8(values, 1, BLOCK)
      const scale = f16ToF32(scales[0])
      expect(scale).toBeLessThanOrEqual(amax / 127)
      expect(scale).toBeGreaterThan((amax / 127) * (1 - 2 ** -10))
      for (let i = 0; i < BLOCK; i++)
        expect(Math.abs((codes[i] - 128) * scale - values[i])).toBeLessThanOrEqual(
          amax / 254 + amax * 2 ** -10,
        )
    }
  })
})

describe('four bits with a scale alone, from the extremes', () => {
  it.each([8, -8])('hold the largest magnitude, %i, exactly, at the longer side', (largest) => {
    const values = new Float32Array(BLOCK).fill(1)
    values[7] = largest
    const { codes, scales } = quantiseBlocks('q4', values, 1, BLOCK, 'nearest')
    expect([codes[7], f16ToF32(scales[0])]).toEqual([0, -largest / 8])
    expect(codes[0]).toBe(8 - Math.sign(largest))
  })
})

it('constants that no f16 holds are refused, and the largest is not', () => {
  expect(f16ToF32(finiteHalf(65519))).toBe(65504)
  for (const value of [65520, -1e9, Infinity, NaN]) expect(() => finiteHalf(value)).toThrow('16-bit float')
})

describe('a block at the ragged edge', () => {
  it('pads with the code that is nearest to 0, and reads nothing of the next row', () => {
    const row = Array.from({ length: 40 }, (_, i) => (i % 7) - 3)
    const one = quantiseBlocks('q4', Float32Array.from(row), 1, 40, 'nearest')
    const two = quantiseBlocks('q4', Float32Array.from([...row, ...row.map(() => 1e4)]), 2, 40, 'nearest')
    expect(two.codes.subarray(0, 64)).toEqual(one.codes.subarray(0, 64))
    expect(two.scales.subarray(0, 2)).toEqual(one.scales.subarray(0, 2))
    expect([...one.codes.subarray(40, 64)]).toEqual(new Array(24).fill(8))
  })
})

describe('a table of embeddings', () => {
  const kind = (rows: number, cols: number) =>
    packedKind({ role: 'embedding', type: 'F16', rows, cols, vector: false }, 'q4', 'auto')

  it('takes 6 bits where it is large, unless no isolate holds it either way', () => {
    expect(kind(1000, 576)).toBe('q8')
    expect(kind(49_152, 576)).toBe('q6')
    expect(kind(262_144, 2048)).toBe('q8')
  })
})
