// Decode multiplies one token with 6-bit weights, y = W x: the output head of a small model. Tile: 16 rows x
// 1 token.
//
// A code is 16 * pair + nibble, 0..63: the nibbles lie as in q4m, and one load of pairs serves eight rows x
// eight columns. Columns are written out, and masks come from memory (0.85 of the time of a loop with
// constants). Order of float operations, block by block: acc + (dot * x.scale) * w.scale, then + minimum *
// x.sum; in the end the row's unit. Measured: 0.84 ms for the head of SmolLM2 where loading the same bytes takes 0.7, by pairs 1.04;
// every shape: docs/performance.md, Kernels.

import { BLOCK, Q6_TILE, ROW_UNITS_BF16, TILE_ROWS, X1, X1_BLOCK_SCALES, X1_BLOCK_SUMS, X1_CODES, X1_HEADER } from '../layout'
import { dot_two } from '../simd/dot'
import { nibble_mask, sixth_a, sixth_b, sixth_c, sixth_d, upper_mask } from '../simd/lanes'
import { six_bit_minimums, six_bit_scales, store_units, with_minimum } from './sums'

/** y = W x, w = unit * (scale * (code - 32) + 32 * minimum): u8 and i8 per row and block, bf16 per row. */
export function gemv_q6_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const blocks = (cols + BLOCK - 1) / BLOCK
  const mask = nibble_mask()
  const upper = upper_mask()
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
      let x_low = v128.load32_splat(xb + (X1_CODES + 0))
      let x_high = v128.load32_splat(xb + (X1_CODES + 8))
      let pairs = v128.load(w + 256)
      let nibbles = v128.load(w + 0)
      sum0 = dot_two(sum0, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 16)
      sum1 = dot_two(sum1, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      pairs = v128.load(w + 272)
      nibbles = v128.load(w + 32)
      sum2 = dot_two(sum2, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 48)
      sum3 = dot_two(sum3, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      x_low = v128.load32_splat(xb + (X1_CODES + 16))
      x_high = v128.load32_splat(xb + (X1_CODES + 24))
      pairs = v128.load(w + 288)
      nibbles = v128.load(w + 64)
      sum0 = dot_two(sum0, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 80)
      sum1 = dot_two(sum1, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      pairs = v128.load(w + 304)
      nibbles = v128.load(w + 96)
      sum2 = dot_two(sum2, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 112)
      sum3 = dot_two(sum3, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      x_low = v128.load32_splat(xb + (X1_CODES + 32))
      x_high = v128.load32_splat(xb + (X1_CODES + 40))
      pairs = v128.load(w + 320)
      nibbles = v128.load(w + 128)
      sum0 = dot_two(sum0, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 144)
      sum1 = dot_two(sum1, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      pairs = v128.load(w + 336)
      nibbles = v128.load(w + 160)
      sum2 = dot_two(sum2, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 176)
      sum3 = dot_two(sum3, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      x_low = v128.load32_splat(xb + (X1_CODES + 48))
      x_high = v128.load32_splat(xb + (X1_CODES + 56))
      pairs = v128.load(w + 352)
      nibbles = v128.load(w + 192)
      sum0 = dot_two(sum0, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 208)
      sum1 = dot_two(sum1, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      pairs = v128.load(w + 368)
      nibbles = v128.load(w + 224)
      sum2 = dot_two(sum2, x_low, sixth_a(nibbles, pairs, mask, upper), x_high, sixth_b(nibbles, pairs, mask, upper))
      nibbles = v128.load(w + 240)
      sum3 = dot_two(sum3, x_low, sixth_c(nibbles, pairs, mask, upper), x_high, sixth_d(nibbles, pairs, mask, upper))
      const x_scale = v128.load32_splat(xb, X1_BLOCK_SCALES)
      const x_sum = v128.load32_splat(xb, X1_BLOCK_SUMS)
      acc0 = with_six(acc0, sum0, w + 384, x_scale, x_sum)
      acc1 = with_six(acc1, sum1, w + 392, x_scale, x_sum)
      acc2 = with_six(acc2, sum2, w + 400, x_scale, x_sum)
      acc3 = with_six(acc3, sum3, w + 408, x_scale, x_sum)
      xb += block & 1 ? X1 - 4 : 4 // from block to block within a span, then to the next
      w += Q6_TILE
    }
    store_units(y, acc0, w)
    store_units(y + 16, acc1, w + 8)
    store_units(y + 32, acc2, w + 16)
    store_units(y + 48, acc3, w + 24)
    w += ROW_UNITS_BF16
    y += <usize>TILE_ROWS << 2
  }
}

// @ts-ignore: decorator
@inline
function with_six(acc: v128, sum: v128, at: usize, x_scale: v128, x_sum: v128): v128 {
  const constants = v128.load16x4_s(at)
  return with_minimum(acc, sum, six_bit_scales(constants), six_bit_minimums(constants), x_scale, x_sum)
}
