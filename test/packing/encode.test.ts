// Rows of every type into every kind: exact where it must be, within the stated bound elsewhere, zero in the padding.

import { describe, expect, it } from 'vitest'
import { BLOCKS, type TensorType } from '../../src/formats/dtype.ts'
import { f16ToF32 } from '../../src/formats/f16.ts'
import { BLOCK, TILE_ROWS, tensorBytes } from '../../src/kernels/layout.ts'
import { encodeRows } from '../../src/packing/encode.ts'
import { packedKind } from '../../src/packing/policy.ts'
import { repackRows } from '../../src/packing/repack.ts'
import type { TensorKind } from '../../src/kernels/layout.ts'
import { quantFixture } from '../helpers/quant-fixture.ts'
import { readTiles, readValue } from '../helpers/read-tiles.ts'

const ROWS = 4
const COLS = 512

function packed(
  type: TensorType,
  kind: TensorKind,
): { bytes: Uint8Array; values: Float32Array; back: Float32Array } {
  const fixture = quantFixture(type)
  const bytes = encodeRows(type, kind, fixture.bytes, ROWS, COLS)
  return { bytes, values: fixture.values, back: readTiles(bytes, { kind, rows: ROWS, cols: COLS }) }
}

/** Calls `check` for each block of 32 with its first index and its largest magnitude. */
function eachBlock(values: Float32Array, check: (start: number, amax: number) => void): void {
  for (let start = 0; start < values.length; start += BLOCK) {
    check(start, Math.max(...values.subarray(start, start + BLOCK).map(Math.abs)))
  }
}

/** The scale of the Q4_1 fixture's block that holds value i. */
function q4_1Scale(i: number): number {
  const { bytes } = quantFixture('Q4_1')
  return f16ToF32(bytes[Math.floor(i / BLOCK) * 20] | (bytes[Math.floor(i / BLOCK) * 20 + 1] << 8))
}

/** Integer constants are rounded to half a unit, and a scale counts up to 15 times, a minimum in eighths: units that a weight may be off. */
const ROUNDED = 12

/** The unit of a row of q4 or q4m within the first row group. */
function unitOf(bytes: Uint8Array, row: number): number {
  return 2 ** (bytes[bytes.length - TILE_ROWS + row] - 127)
}

it.each([
  ['Q4_0', 'q4'],
  ['Q4_1', 'q4m'],
  ['Q4_K', 'q4m'],
  ['Q5_0', 'q5'],
  ['Q5_1', 'q8'],
  ['Q6_K', 'q6'],
  ['Q8_0', 'q8'],
  ['BF16', 'f32'],
] as const)('a layer of %s is kept as %s', (type, kind) => {
  const matrix = { role: 'layers.0.q', type, rows: 16, cols: 256, vector: false }
  expect(packedKind(matrix, 'keep', 'auto')).toBe(kind)
  // Otherwise a scale and a minimum of 4 bits take 8 bits each.
  expect(packedKind(matrix, 'auto', 'auto')).toBe(kind === 'q4m' ? 'q4n' : kind)
})

describe('exact kinds', () => {
  const pairs: [TensorType, TensorKind][] = [
    ['Q4_0', 'q4'],
    ['Q4_1', 'q4m'],
    ['Q8_0', 'q8'],
    ['Q4_0', 'q8'],
    ['Q5_0', 'q8'],
    ['Q5_0', 'q5'],
  ]
  for (const [type, kind] of pairs) {
    const how = kind === 'q8' || kind === 'q5' ? 'bit for bit' : 'within the rounding of its constants'
    it(`${type} as ${kind} keeps every weight ${how}`, () => {
      const { bytes, values, back } = packed(type, kind)
      for (let i = 0; i < values.length; i++) {
        // Constants of the fixture's rows range over more than integers hold; span-tiles.test.ts has rows that do not.
        const tolerance = kind === 'q8' || kind === 'q5' ? 0 : ROUNDED * unitOf(bytes, Math.floor(i / COLS))
        if (type === 'Q4_1' && q4_1Scale(i) < 0) continue
        if (Math.abs(back[i] - values[i]) > tolerance) throw new Error(`${type} at ${i}`)
      }
    })
  }

  it('a Q4_1 block of negative scale, which nobody makes, has its minimum rounded once', () => {
    const { bytes, values, back } = packed('Q4_1', 'q4m')
    const negative = Array.from(values.keys()).filter((i) => q4_1Scale(i) < 0)
    expect(negative.length).toBeGreaterThan(0)
    eachBlock(values, (start, amax) => {
      for (let i = start; i < start + BLOCK; i++)
        expect(Math.abs(back[i] - values[i])).toBeLessThanOrEqual(
          2 ** -11 * 2 * amax + ROUNDED * unitOf(bytes, Math.floor(i / COLS)),
        )
    })
  })

  it('f32 holds what the reference dequantises', () => {
    for (const type of Object.keys(BLOCKS) as TensorType[]) {
      const { values, back } = packed(type, 'f32')
      expect(back).toEqual(values)
    }
  })
})

it('Q4_K as q4m keeps codes and rounds scale and minimum to f16: each within 2^-11', () => {
  const { bytes, values } = packed('Q4_K', 'q4m')
  const codes = repackRows('Q4_K', 'q4m', quantFixture('Q4_K').bytes, ROWS, COLS)!
  const stored = { kind: 'q4m', rows: ROWS, cols: COLS } as const
  let normal = 0
  eachBlock(values, (start) => {
    const [row, col] = [Math.floor(start / COLS), start % COLS]
    // w = scale * q + minimum with q in 0..15: the error is at most that of both constants.
    const scale = f16ToF32(codes.scales[start / BLOCK])
    const minimum = f16ToF32(codes.minimums[start / BLOCK])
    // A block of negative scale is turned round, which rounds its minimum once more.
    const bound =
      2 ** -11 * (15 * Math.abs(scale) + 2 * Math.abs(minimum) + 15 * Math.abs(scale)) +
      16 * 2 ** -25 +
      ROUNDED * unitOf(bytes, row)
    for (let i = 0; i < BLOCK; i++) {
      const back = readValue(bytes, stored, row, col + i)
      expect(Math.abs(back - values[start + i])).toBeLessThanOrEqual(bound)
    }
    if (Math.abs(scale) > 2 ** -14) normal++
  })
  expect(normal).toBeGreaterThan(30)
})

describe('INT8', () => {
  for (const type of Object.keys(BLOCKS) as TensorType[]) {
    it(`${type} as q8 is within half a step`, () => {
      const { values, back } = packed(type, 'q8')
      eachBlock(values, (start, amax) => {
        // Subnormal scales are multiples of 2^-24: half of that more. 2^-20: float32 of the division.
        const bound = (amax / 254) * (1 + 2 ** -20) + 2 ** -25
        for (let i = start; i < start + BLOCK; i++)
          expect(Math.abs(back[i] - values[i])).toBeLessThanOrEqual(bound)
      })
    })
  }
})

describe('5 bits', () => {
  it('hold 32 even levels exactly', () => {
    const levels = Float32Array.from({ length: 32 }, (_, i) => (((7 * i) % 32) - 16) * 0.25)
    const stored = { kind: 'q5', rows: 1, cols: 32 } as const
    const back = readTiles(encodeRows('F32', 'q5', new Uint8Array(levels.buffer), 1, 32), stored)
    expect([...back]).toEqual([...levels])
  })
})

describe('6 bits', () => {
  it('Q8_0 as q6 is within about half a step of 63 a block', () => {
    const { values, back } = packed('Q8_0', 'q6')
    eachBlock(values, (start) => {
      const block = values.subarray(start, start + BLOCK)
      const range = Math.max(...block) - Math.min(...block)
      const row = values.subarray(start - (start % COLS), start - (start % COLS) + COLS)
      let squares = 0
      block.forEach((value, i) => (squares += (value - back[start + i]) ** 2))
      // A uniform error over a step has a variance of a twelfth of its square; 1.5: few values. A minimum is off by 16 units at
      // most, and a unit is a 255th of the row's largest scale.
      const unit = (2 * Math.max(...row.map(Math.abs))) / 63 / 255
      expect(Math.sqrt(squares / BLOCK)).toBeLessThan((1.5 * range) / 63 / Math.sqrt(12) + 17 * unit)
    })
  })

  it('holds 64 even levels exactly, where their step is the largest scale of a unit', () => {
    const levels = Float32Array.from(
      { length: 64 },
      (_, i) => (i < 32 ? i * 2 : (i - 32) * 2 + 1) * (255 / 1024) - 8 + 1 / 32,
    )
    levels[31] = 63 * (255 / 1024) - 8 + 1 / 32
    levels[32] = -8 + 1 / 32
    const back = readTiles(encodeRows('F32', 'q6', new Uint8Array(levels.buffer), 1, 64), {
      kind: 'q6',
      rows: 1,
      cols: 64,
    })
    expect([...back]).toEqual([...levels])
  })
})

describe('INT4', () => {
  it('q4m of floats is better than the plain range of each block, and near it at worst', () => {
    const { values, back } = packed('F32', 'q4m')
    let ours = 0
    let plain = 0
    eachBlock(values, (start) => {
      const block = values.subarray(start, start + BLOCK)
      const [low, high] = [Math.min(...block), Math.max(...block)]
      const scale = (high - low) / 15
      for (let i = 0; i < BLOCK; i++) {
        const level = low + Math.round((block[i] - low) / scale) * scale
        plain += (block[i] - level) ** 2
        ours += (block[i] - back[start + i]) ** 2
      }
    })
    expect(ours).toBeLessThan(0.95 * plain)
  })

  it('holds blocks of one value and of 16 even levels exactly', () => {
    const levels = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 0.25 : (i % 16) * 0.5 - 2))
    const back = readTiles(encodeRows('F32', 'q4m', new Uint8Array(levels.buffer), 1, 64), {
      kind: 'q4m',
      rows: 1,
      cols: 64,
    })
    expect([...back]).toEqual([...levels])
  })
})

describe('padding', () => {
  for (const kind of ['q4m', 'q4n', 'q5', 'q6', 'q8'] as const) {
    it(`${kind}: rows to 8 and columns to 32 are zero`, () => {
      const [rows, cols] = [5, 40]
      const values = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i))
      const bytes = encodeRows('F32', kind, new Uint8Array(values.buffer), rows, cols)
      expect(bytes).toHaveLength(tensorBytes(kind, rows, cols))
      for (let row = rows; row < 8; row++) {
        for (let col = 0; col < 64; col++) expect(readValue(bytes, { kind, rows, cols }, row, col)).toBe(0)
      }
      // A block with a minimum has no exact zero: half a step is what a nibble can do, and what 8 bits add to its minimum.
      const bound = { q4m: 1 / 15, q4n: 1 / 15 + 4 / 255, q5: 0, q6: 1 / 63 + 16 / 63 / 127, q8: 0 }[kind]
      for (let col = cols; col < 64; col++) {
        expect(Math.abs(readValue(bytes, { kind, rows, cols }, 2, col))).toBeLessThanOrEqual(bound)
      }
    })
  }
})

describe('bad values', () => {
  it('refuses values and constants that are not finite', () => {
    const values = new Float32Array(256).fill(1)
    values[7] = NaN
    expect(() => encodeRows('F32', 'f32', new Uint8Array(values.buffer), 8, 32)).toThrow(/not finite/)
    values[7] = Infinity
    expect(() => encodeRows('F32', 'q8', new Uint8Array(values.buffer), 8, 32)).toThrow(/not finite/)
    const block = new Uint8Array(18)
    block[1] = 0x7c
    expect(() => encodeRows('Q4_0', 'q4', block, 1, 32)).toThrow(/not finite/)
  })

  it('refuses blocks beyond what a 16-bit scale can hold', () => {
    const values = new Float32Array(32).fill(1e9)
    expect(() => encodeRows('F32', 'q8', new Uint8Array(values.buffer), 1, 32)).toThrow(/16-bit/)
  })
})
