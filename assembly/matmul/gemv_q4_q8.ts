// Decode multiplies one token with INT4 weights, y = W x. Tile: 16 rows x 2 blocks x 1 token.
//
//   w   row groups of tiles (q4, q4m or q4n), x one token in format x1, y (rows rounded up to 16) f32
//
// A row group is read from its first byte to its last, which is as fast as memory goes. Order of operations, the same
// in every kernel of this format: of a span's two blocks, in integers, share(dot, fraction) * scale, then + sum *
// minimum; acc + f32(that) * x.scale; in the end the row's unit (docs/kernels.md). Measured (0018): 2.1 ms for the
// layers of SmolLM2 where loading the same bytes takes 1.75; every shape: docs/performance.md, Kernels.

import { QUADS } from '../simd/dot'
import { gemv_q4_pairs } from './gemv_q4_pairs'
import { gemv_q4_quads } from './gemv_q4_quads'
import { Constants } from './sums'

/** y = W x for symmetric blocks, w = scale * (nibble - 8). */
export function gemv_q4_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, Constants.SCALE)
}

/** y = W x for blocks with a minimum, w = scale * (nibble - 8) + 8 * minimum. */
export function gemv_q4m_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, Constants.MINIMUM)
}

/** y = W x for the same with constants of 8 bits, w = 2 * scale * (nibble - 8) + 8 * minimum. */
export function gemv_q4n_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, Constants.NARROW)
}

// @ts-ignore: decorator
@inline
function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32, kind: Constants): void {
  if (QUADS) gemv_q4_quads(y, w, x, rows, cols, kind)
  else gemv_q4_pairs(y, w, x, rows, cols, kind)
}
