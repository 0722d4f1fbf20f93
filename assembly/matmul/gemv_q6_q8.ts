// Decode multiplies one token with 6-bit weights, y = W x: the output head of a small model. Tile: 16 rows x
// 1 token.
//
// A code is 16 * pair + nibble, 0..63: the nibbles lie as in q4m, and one load of pairs serves eight rows x
// eight columns. Order of float operations, block by block: acc + (dot * x.scale) * w.scale, then + minimum *
// x.sum. Measured (0011): 0.8 ms for the head of SmolLM2 where loading the same bytes takes 0.7; every shape:
// docs/performance.md, Kernels.

import { BLOCK, Q6_TILE, TILE_ROWS, X1, X1_BLOCK_SCALES, X1_BLOCK_SUMS, X1_CODES, X1_HEADER } from '../layout'
import { dot_two } from '../simd/dot'
import { nibble_mask, sixth_a, sixth_b, sixth_c, sixth_d } from '../simd/lanes'
import { store_rows, with_constants } from './sums'

/** y = W x, w = scale * code + minimum, both f16 per row and block; no scale is negative. */
export function gemv_q6_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const blocks = (cols + BLOCK - 1) / BLOCK
  const mask = nibble_mask()
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let acc0 = f32x4.splat(0)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    let xb = x + X1_HEADER
    for (let block = 0; block < blocks; block++) {
      let sum0 = i64x2.splat(0)
      let sum1 = sum0
      let sum2 = sum0
      let sum3 = sum0
      for (let g: usize = 0; g < 4; g++) {
        const x_low = v128.load32_splat(xb + (g << 4), X1_CODES)
        const x_high = v128.load32_splat(xb + (g << 4), X1_CODES + 8)
        const wg = w + (g << 6)
        let pairs = v128.load(w + (g << 5), 256)
        let nibbles = v128.load(wg)
        sum0 = dot_two(sum0, x_low, sixth_a(nibbles, pairs, mask), x_high, sixth_b(nibbles, pairs, mask))
        nibbles = v128.load(wg, 16)
        sum1 = dot_two(sum1, x_low, sixth_c(nibbles, pairs, mask), x_high, sixth_d(nibbles, pairs, mask))
        pairs = v128.load(w + (g << 5), 272)
        nibbles = v128.load(wg, 32)
        sum2 = dot_two(sum2, x_low, sixth_a(nibbles, pairs, mask), x_high, sixth_b(nibbles, pairs, mask))
        nibbles = v128.load(wg, 48)
        sum3 = dot_two(sum3, x_low, sixth_c(nibbles, pairs, mask), x_high, sixth_d(nibbles, pairs, mask))
      }
      const x_scale = v128.load32_splat(xb, X1_BLOCK_SCALES)
      const x_sum = v128.load32_splat(xb, X1_BLOCK_SUMS)
      acc0 = with_constants(acc0, sum0, v128.load(w, 384), x_scale, x_sum)
      acc1 = with_constants(acc1, sum1, v128.load(w, 400), x_scale, x_sum)
      acc2 = with_constants(acc2, sum2, v128.load(w, 416), x_scale, x_sum)
      acc3 = with_constants(acc3, sum3, v128.load(w, 432), x_scale, x_sum)
      xb += block & 1 ? X1 - 4 : 4 // from block to block within a span, then to the next
      w += Q6_TILE
    }
    store_rows(y, acc0)
    store_rows(y + 16, acc1)
    store_rows(y + 32, acc2)
    store_rows(y + 48, acc3)
    y += <usize>TILE_ROWS << 2
  }
}
