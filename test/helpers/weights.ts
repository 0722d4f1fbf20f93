// Random stored matrices of every kind, with the numbers they stand for.

import { MOST_Q4M, TILE_ROWS, TILES, tensorBytes } from '../../src/kernels/layout.ts'
import type { MemoryViews } from '../../src/kernels/reference/memory.ts'
import type { TensorKind } from '../../src/kernels/layout.ts'
import type { Rng } from './rng.ts'

/** f16 bits of a number of ordinary size (0.0001 .. 1), sign included. */
function f16Bits(random: Rng): number {
  return (random.int(2) << 15) | ((2 + random.int(12)) << 10) | random.int(1024)
}

/** Fills a matrix of `kind` at `at` with random codes (every value of a byte) and scales; returns its size. */
export function randomMatrix(
  views: MemoryViews,
  at: number,
  kind: Exclude<TensorKind, 'f32'>,
  rows: number,
  cols: number,
  random: Rng,
): number {
  const { bytes, constants, units, ...tile } = TILES[kind]
  let p = at
  for (let group = 0; group < Math.ceil(rows / TILE_ROWS); group++) {
    for (let col = 0; col < cols; col += tile.cols) {
      for (let i = 0; i < constants; i++) views.u8[p + i] = random.int(256)
      const words = views.u16.subarray((p + constants) >> 1, (p + bytes) >> 1)
      if (units === 2 * TILE_ROWS) bytesOf(views.u8.subarray(p + constants, p + bytes), random)
      else if (units === 0) halves(words, random)
      else integers(views.i16.subarray((p + constants) >> 1, (p + bytes) >> 1), kind === 'q4m', random)
      p += bytes
    }
    if (units === TILE_ROWS) for (let r = 0; r < units; r++) views.u8[p + r] = 108 + random.int(8)
    // bf16 of 2^-19 to 2^-11.
    else
      for (let r = 0; r < units; r += 2) views.u16[(p + r) >> 1] = (108 * 128 + random.int(8 * 128)) & 0xffff
    p += units
  }
  if (p - at !== tensorBytes(kind, rows, cols)) throw new Error('tensorBytes disagrees with the layout')
  return p - at
}

/** Scales and minimums of 8 bits, at their limits now and then. */
function bytesOf(out: Uint8Array, random: Rng): void {
  for (let i = 0; i < out.length; i++)
    out[i] = random.int(8) === 0 ? [0, 127, 128, 255][random.int(4)] : random.int(256)
}

function halves(out: Uint16Array, random: Rng): void {
  for (let i = 0; i < out.length; i++) out[i] = f16Bits(random)
}

/** Integer constants up to what the format allows, at their limits now and then; eight scales, then their minimums. */
function integers(out: Int16Array, hasMinimum: boolean, random: Rng): void {
  const upTo = (most: number): number => (random.int(8) === 0 ? most : random.int(most + 1))
  const sign = (): number => 1 - 2 * random.int(2)
  for (let i = 0; i < out.length; i++) {
    if (!hasMinimum) out[i] = sign() * upTo(32767)
    else if (i % 16 < 8) out[i] = upTo(32767)
    else out[i] = sign() * upTo(Math.min(32767, MOST_Q4M - out[i - 8]))
  }
}
