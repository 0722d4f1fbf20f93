// Scales and minimums of 8 bits under a unit a row: exact where they can be, within a step elsewhere, by what columns weigh.

import { describe, expect, it } from 'vitest'
import { bf16ToF32, f16ToF32, f32ToF16 } from '../../src/formats/f16.ts'
import { BLOCK, TILE_ROWS } from '../../src/kernels/layout.ts'
import { type Codes, emptyCodes } from '../../src/packing/codes.ts'
import { encodeRows } from '../../src/packing/encode.ts'
import { narrowConstants, type NarrowKind, recode } from '../../src/packing/narrow.ts'
import { tileBytes } from '../../src/packing/tiles.ts'
import { quantFixture } from '../helpers/quant-fixture.ts'
import { readTiles } from '../helpers/read-tiles.ts'
import { rng } from '../helpers/rng.ts'

const COLS = 192
const BLOCKS = COLS / BLOCK
/** What a code and a minimum stand for: the zero point, and how much a scale counts. */
const FORMS = {
  q4n: { of: 'q4m', zero: 8, step: 2, last: 15 },
  q6: { of: 'q6', zero: 32, step: 1, last: 63 },
} as const
const KINDS = ['q4n', 'q6'] as const

/** Random codes of 16 rows whose constants are whole: `scale` and `minimum` of a block under a unit of 2^-10. */
function whole(kind: NarrowKind, constants: (index: number) => [scale: number, minimum: number]): Codes {
  const { of, zero, step, last } = FORMS[kind]
  const random = rng(3)
  const codes = emptyCodes(of, TILE_ROWS, COLS)
  for (let i = 0; i < codes.codes.length; i++) codes.codes[i] = random.int(last + 1)
  for (let i = 0; i < codes.scales.length; i++) {
    const [scale, minimum] = constants(i)
    codes.scales[i] = f32ToF16((step * scale) / 1024)
    codes.minimums[i] = f32ToF16((zero * minimum - step * zero * scale) / 1024)
  }
  return codes
}

function weightsOf({ codes, scales, minimums }: Codes): Float64Array {
  return Float64Array.from(codes, (code, i) => f16ToF32(scales[i >> 5]) * code + f16ToF32(minimums[i >> 5]))
}

const back = (kind: NarrowKind, codes: Codes, narrow = narrowConstants(kind, codes, COLS)): Float32Array =>
  readTiles(tileBytes(codes, narrow), { kind, rows: TILE_ROWS, cols: COLS })

/** Sum of squares of a row's errors, weighed. */
function errorOf(back: Float32Array, wanted: ArrayLike<number>, weigh: (col: number) => number): number {
  return back.reduce((sum, value, i) => sum + weigh(i % COLS) * (value - wanted[i]) ** 2, 0)
}

describe.each(KINDS)('%s', (kind) => {
  it('keeps constants that are whole under a unit, and so every weight', () => {
    // A row's largest scale is 255, so that its unit is 2^-10 and no other.
    const codes = whole(kind, (i) => [i % BLOCKS === 0 ? 255 : (i * 37) % 256, ((i * 53) % 64) - 32])
    expect(back(kind, codes)).toEqual(Float32Array.from(weightsOf(codes)))
  })

  it('is within half a step of each constant elsewhere, also where a minimum decides the unit', () => {
    const { zero, step, last } = FORMS[kind]
    for (const most of [4, 400]) {
      const random = rng(most)
      const codes = whole(kind, () => [1 + random.int(255), random.int(2 * most) - most])
      const [weights, stored, { units }] = [
        weightsOf(codes),
        back(kind, codes),
        narrowConstants(kind, codes, COLS),
      ]
      for (let i = 0; i < weights.length; i++) {
        const unit = bf16ToF32(units[Math.floor(i / COLS)])
        // Each scale about the best is tried, one step away at most; the line stays where the codes' mean is.
        const bound = unit * (1.5 * step * last + 0.51 * zero)
        expect(Math.abs(stored[i] - weights[i])).toBeLessThanOrEqual(bound)
      }
    }
  })

  it('errs less where columns weigh more, and never more in all than by plain squares', () => {
    const random = rng(9)
    const codes = whole(kind, () => [1 + random.int(2000) / 8, random.int(400) / 8 - 25])
    const weights = Float64Array.from({ length: COLS }, (_, col) => (col % 7 === 0 ? 50 : 0.1))
    const wanted = weightsOf(codes)
    const weigh = (col: number): number => weights[col]
    const weighed = back(kind, codes, narrowConstants(kind, codes, COLS, weights))
    const plain = back(kind, codes)
    expect(errorOf(weighed, wanted, weigh)).toBeLessThan(errorOf(plain, wanted, weigh))
    expect(errorOf(plain, wanted, () => 1)).toBeLessThan(errorOf(weighed, wanted, () => 1))
  })

  it('takes a larger unit where that errs less, and never one that errs more', () => {
    const random = rng(11)
    const codes = whole(kind, () => [1 + random.int(2000) / 8, random.int(200) / 8 - 12])
    const { units } = narrowConstants(kind, codes, COLS)
    const { zero, step } = FORMS[kind]
    let larger = 0
    for (let row = 0; row < TILE_ROWS; row++) {
      let need = 0
      for (let block = 0; block < BLOCKS; block++) {
        const scale = f16ToF32(codes.scales[row * BLOCKS + block])
        const minimum = f16ToF32(codes.minimums[row * BLOCKS + block])
        need = Math.max(need, scale / (step * 255), Math.abs(minimum + zero * scale) / (zero * 127))
      }
      const unit = bf16ToF32(units[row])
      expect(unit).toBeGreaterThanOrEqual(need)
      expect(unit).toBeLessThan(need * 1.04)
      if (unit > need * (1 + 1 / 127)) larger++
    }
    expect(larger).toBeGreaterThan(3)
  })

  it('stores zeros as zeros, and the extremes of f16 without leaving its range', () => {
    expect(back(kind, emptyCodes(FORMS[kind].of, TILE_ROWS, COLS)).every((value) => value === 0)).toBe(true)
    for (const [scale, minimum] of [
      [0x7bff, 0xfbff],
      [0x0001, 0x7bff],
      [0x7bff, 0x0000],
      [0x0001, 0x8001],
    ]) {
      const codes = emptyCodes(FORMS[kind].of, TILE_ROWS, COLS)
      codes.codes.fill(1)
      codes.scales.fill(scale)
      codes.minimums.fill(minimum)
      const wanted = f16ToF32(scale) + f16ToF32(minimum)
      const unit = Math.max(f16ToF32(scale) / 255, Math.abs(f16ToF32(minimum)) / 127, Math.abs(wanted) / 127)
      for (const value of back(kind, codes)) expect(Math.abs(value - wanted)).toBeLessThanOrEqual(2 * unit)
    }
  })

  it('gives values the nearest codes under the constants that are stored', () => {
    const { last } = FORMS[kind]
    const random = rng(5)
    const values = Float32Array.from({ length: TILE_ROWS * COLS }, () => random.int(4000) / 1000 - 2)
    const codes = whole(kind, () => [200 + random.int(56), random.int(9) - 4])
    const narrow = narrowConstants(kind, codes, COLS)
    const before = errorOf(back(kind, codes, narrow), values, () => 1)
    recode(kind, codes, narrow, values, COLS)
    expect(Math.max(...codes.codes)).toBeLessThanOrEqual(last)
    const stored = back(kind, codes, narrow)
    expect(errorOf(stored, values, () => 1)).toBeLessThan(before)
    for (const by of [-1, 1]) {
      const moved = { ...codes, codes: codes.codes.map((code) => Math.min(last, Math.max(0, code + by))) }
      back(kind, moved, narrow).forEach((other, i) => {
        expect(Math.abs(stored[i] - values[i])).toBeLessThanOrEqual(Math.abs(other - values[i]) + 1e-6)
      })
    }
  })
})

it.each(['Q4_1', 'Q4_K'] as const)('%s as q4n keeps the codes of its file', (type) => {
  const { bytes } = quantFixture(type)
  const [narrow, wide] = (['q4n', 'q4m'] as const).map((kind) => encodeRows(type, kind, bytes, 4, 512))
  for (let tile = 0; tile < 8; tile++) {
    const nibbles = (of: Uint8Array, size: number): Uint8Array => of.subarray(tile * size, tile * size + 512)
    expect(nibbles(narrow, 576)).toEqual(nibbles(wide, 640))
  }
})
