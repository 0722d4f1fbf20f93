// Decode: one token x INT4 weights, y = W x. Tile: 16 rows x 1 token.
//
//   w   row groups of tiles (q4 or q4m), x one token in format x1, y (rows rounded up to 16) f32
//
// A row group is read from its first byte to its last, which is as fast as memory goes. Sixteen rows share a splat of four activations.
// Order of float operations, the same in every kernel of this format: acc + (dot * x.scale) * w.scale, then + minimum * x.sum.
// Measured (0011): 2.2 ms for the layers of SmolLM2 where loading the same bytes takes 1.75; every shape: docs/performance.md, Kernels.

import { BLOCK, Q4_TILE, Q4M_TILE, TILE_ROWS, X1 } from '../layout'
import { dot, start, total } from '../simd/dot'
import { high_half, low_half } from '../simd/f16'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { scaled, store_rows, with_constants } from './sums'

/** y = W x for symmetric blocks, w = scale * (nibble - 8): the sums start at the zero point's share. */
export function gemv_q4_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, false)
}

/** y = W x for blocks with a minimum, w = scale * nibble + minimum; no scale is negative. */
export function gemv_q4m_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, true)
}

// Four columns in the low nibbles, the next four in the high ones.
// @ts-ignore: decorator
@inline
function step(sum: v128, packed: v128, x_low: v128, x_high: v128, mask: v128): v128 {
  return dot(dot(sum, x_low, v128.and(packed, mask)), x_high, high_nibbles(packed, mask))
}

// Locals: acc, sum 0..3 = rows 0..3, 4..7, 8..11, 12..15.
// @ts-ignore: decorator
@inline
function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32, minimum: bool): void {
  const x_end = x + <usize>((cols + BLOCK - 1) / BLOCK) * X1
  const mask = nibble_mask()
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let acc0 = f32x4.splat(0)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    for (let xb = x; xb < x_end; xb += X1) {
      let sum0 = minimum ? i64x2.splat(0) : start(xb)
      let sum1 = sum0
      let sum2 = sum0
      let sum3 = sum0
      for (let g: usize = 0; g < 4; g++) {
        const x_low = v128.load32_splat(xb + (g << 3), 16)
        const x_high = v128.load32_splat(xb + (g << 3), 20)
        const wg = w + (g << 6)
        sum0 = step(sum0, v128.load(wg), x_low, x_high, mask)
        sum1 = step(sum1, v128.load(wg, 16), x_low, x_high, mask)
        sum2 = step(sum2, v128.load(wg, 32), x_low, x_high, mask)
        sum3 = step(sum3, v128.load(wg, 48), x_low, x_high, mask)
      }
      const x_scale = v128.load32_splat(xb)
      if (minimum) {
        const x_sum = v128.load32_splat(xb, 4)
        acc0 = with_constants(acc0, total(sum0), v128.load(w, 256), x_scale, x_sum)
        acc1 = with_constants(acc1, total(sum1), v128.load(w, 272), x_scale, x_sum)
        acc2 = with_constants(acc2, total(sum2), v128.load(w, 288), x_scale, x_sum)
        acc3 = with_constants(acc3, total(sum3), v128.load(w, 304), x_scale, x_sum)
        w += Q4M_TILE
      } else {
        const scales0 = v128.load(w, 256)
        const scales1 = v128.load(w, 272)
        acc0 = f32x4.add(acc0, scaled(total(sum0), x_scale, low_half(scales0)))
        acc1 = f32x4.add(acc1, scaled(total(sum1), x_scale, high_half(scales0)))
        acc2 = f32x4.add(acc2, scaled(total(sum2), x_scale, low_half(scales1)))
        acc3 = f32x4.add(acc3, scaled(total(sum3), x_scale, high_half(scales1)))
        w += Q4_TILE
      }
    }
    store_rows(y, acc0)
    store_rows(y + 16, acc1)
    store_rows(y + 32, acc2)
    store_rows(y + 48, acc3)
    y += <usize>TILE_ROWS << 2
  }
}
