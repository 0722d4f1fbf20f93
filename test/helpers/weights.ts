// Random stored matrices of every kind, with the numbers they stand for.

import { BLOCK, CONSTANTS_AT, TILE_BYTES, TILE_ROWS, tensorBytes } from '../../src/kernels/layout.ts'
import type { MemoryViews } from '../../src/kernels/reference/memory.ts'
import type { TensorKind } from '../../src/weights/manifest.ts'
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
  const blocks = Math.ceil(cols / BLOCK)
  let p = at
  for (let group = 0; group < Math.ceil(rows / TILE_ROWS); group++) {
    for (let block = 0; block < blocks; block++) {
      const constants = CONSTANTS_AT[kind]
      const hasMinimum = kind === 'q4m' || kind === 'q6'
      for (let i = 0; i < constants; i++) views.u8[p + i] = random.int(256)
      for (let i = 0; i < (TILE_BYTES[kind] - constants) / 2; i++) {
        // A scale beside a minimum has no sign.
        const sign = hasMinimum && i % 2 === 0 ? 0x7fff : 0xffff
        views.u16[((p + constants) >> 1) + i] = f16Bits(random) & sign
      }
      p += TILE_BYTES[kind]
    }
  }
  if (p - at !== tensorBytes(kind, rows, cols)) throw new Error('tensorBytes disagrees with the layout')
  return p - at
}
