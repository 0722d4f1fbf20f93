// f16 constants as integers under a unit a row: exact where they can be, bounded elsewhere, and always what kernels may add up.

import { expect, it } from 'vitest'
import { f16ToF32 } from '../../src/formats/f16.ts'
import { MOST_Q4M, rowGroupBytes, TILE_ROWS, TILES } from '../../src/kernels/layout.ts'
import { type Codes, emptyCodes } from '../../src/packing/codes.ts'
import { tileBytes } from '../../src/packing/tiles.ts'
import { readTiles } from '../helpers/read-tiles.ts'
import { rng } from '../helpers/rng.ts'

const ROWS = 16
const COLS = 192

/** Random codes; scales of `f16(random)` bits, minimums eight times as large and below 0. */
function codesOf(kind: 'q4' | 'q4m', f16: (random: ReturnType<typeof rng>) => number): Codes {
  const random = rng(7)
  const codes = emptyCodes(kind, ROWS, COLS)
  for (let i = 0; i < codes.codes.length; i++) codes.codes[i] = random.int(16)
  for (let i = 0; i < codes.scales.length; i++) codes.scales[i] = f16(random)
  for (let i = 0; i < codes.minimums.length; i++) codes.minimums[i] = 0x8000 | (f16(random) + (3 << 10))
  return codes
}

/** The weights that codes with their f16 constants stand for. */
function weightsOf({ kind, codes, scales, minimums }: Codes): Float64Array {
  return Float64Array.from(codes, (code, i) => {
    const scale = f16ToF32(scales[i >> 5])
    return kind === 'q4' ? scale * (code - 8) : scale * code + f16ToF32(minimums[i >> 5])
  })
}

const back = (codes: Codes): Float32Array =>
  readTiles(tileBytes(codes), { kind: codes.kind, rows: ROWS, cols: COLS })

it('constants within 1/8 of a row’s largest stay as they are, and so does every weight', () => {
  for (const kind of ['q4', 'q4m'] as const) {
    // Exponents 12 to 14: 2^-3 to just below 1.
    const codes = codesOf(kind, (random) => ((12 + random.int(3)) << 10) | random.int(1024))
    expect(back(codes)).toEqual(Float32Array.from(weightsOf(codes)))
  }
})

it('smaller ones are within half a unit, a 32768th of the largest', () => {
  for (const kind of ['q4', 'q4m'] as const) {
    const codes = codesOf(kind, (random) => ((1 + random.int(14)) << 10) | random.int(1024))
    const [weights, stored] = [weightsOf(codes), back(codes)]
    // A scale off by half a unit counts up to 15 times, a minimum is off by 4 units; constants are below 1, so units are at most 2^-14.
    for (let i = 0; i < weights.length; i++)
      expect(Math.abs(stored[i] - weights[i])).toBeLessThanOrEqual(12 * 2 ** -14)
  }
})

it.each([
  ['no minimum beside the largest scale', 0x7bff, 0x0000],
  ['the lowest of all', 0x7bff, 0xfbff],
  ['the highest', 0x7bff, 0x7bff],
  ['a minimum alone', 0x0000, 0xfbff],
  ['the smallest scale beside the largest minimum', 0x0001, 0x7bff],
])('%s: scale and minimum together stay below what a dot may add up', (_, scale, minimum) => {
  const codes = emptyCodes('q4m', ROWS, 64)
  codes.scales.fill(scale)
  codes.minimums.fill(minimum)
  const view = new DataView(tileBytes(codes).buffer)
  for (let i = 0; i < 8; i++) {
    const stored = view.getInt16(TILES.q4m.constants + 2 * i, true)
    const least = view.getInt16(TILES.q4m.constants + 16 + 2 * i, true)
    expect(stored).toBeGreaterThanOrEqual(0)
    expect(stored + Math.abs(least)).toBeLessThanOrEqual(MOST_Q4M + 1)
    expect(Math.max(stored, Math.abs(least))).toBeGreaterThan(4000)
  }
})

it('a span with one block has zeros in the other, and rows of zeros are zero', () => {
  const codes = emptyCodes('q4m', 3, 32)
  const bytes = tileBytes(codes)
  expect(bytes.length).toBe(rowGroupBytes('q4m', 32))
  expect(readTiles(bytes, { kind: 'q4m', rows: TILE_ROWS, cols: 64 }).every((value) => value === 0)).toBe(
    true,
  )
})
