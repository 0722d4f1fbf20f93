// Decode: one token x 6-bit weights, y = W x: the output head of a small model. Tile: 8 rows x 1 token.
//
// A code is 16 * pair + nibble, 0..63: the low nibbles lie as in q4m, and one load of pairs serves four groups of columns.
// Two dots of 63 * 127 pairs fit i16 (at most 32004), so sums widen to i32 after every other dot.
// Order of float operations as in q4m.

import { BLOCK, Q6_TILE, TILE_ROWS, X1 } from '../layout'
import { dot_i8_u7 } from '../simd/dot'
import { f16_high, f16_low } from '../simd/f16'
import { sixth_a, sixth_b, sixth_c, sixth_d, splat_0, splat_1, splat_2, splat_3 } from '../simd/lanes'

/** y = W x, w = scale * code + minimum, both f16 per row and block. */
export function gemv_q6_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let acc0 = f32x4.splat(0)
    let acc1 = f32x4.splat(0)
    let xb = x
    for (let col = 0; col < cols; col += BLOCK) {
      let sum0 = i64x2.splat(0)
      let sum1 = sum0
      const xa = v128.load(xb, 16)
      let nibbles = v128.load(w, 32)
      let pairs = v128.load(w, 160)
      sum0 = step(sum0, sixth_a(nibbles, pairs), sixth_b(nibbles, pairs), splat_0(xa), splat_1(xa))
      nibbles = v128.load(w, 48)
      sum1 = step(sum1, sixth_c(nibbles, pairs), sixth_d(nibbles, pairs), splat_0(xa), splat_1(xa))
      nibbles = v128.load(w, 64)
      pairs = v128.load(w, 176)
      sum0 = step(sum0, sixth_a(nibbles, pairs), sixth_b(nibbles, pairs), splat_2(xa), splat_3(xa))
      nibbles = v128.load(w, 80)
      sum1 = step(sum1, sixth_c(nibbles, pairs), sixth_d(nibbles, pairs), splat_2(xa), splat_3(xa))
      const xc = v128.load(xb, 32)
      nibbles = v128.load(w, 96)
      pairs = v128.load(w, 192)
      sum0 = step(sum0, sixth_a(nibbles, pairs), sixth_b(nibbles, pairs), splat_0(xc), splat_1(xc))
      nibbles = v128.load(w, 112)
      sum1 = step(sum1, sixth_c(nibbles, pairs), sixth_d(nibbles, pairs), splat_0(xc), splat_1(xc))
      nibbles = v128.load(w, 128)
      pairs = v128.load(w, 208)
      sum0 = step(sum0, sixth_a(nibbles, pairs), sixth_b(nibbles, pairs), splat_2(xc), splat_3(xc))
      nibbles = v128.load(w, 144)
      sum1 = step(sum1, sixth_c(nibbles, pairs), sixth_d(nibbles, pairs), splat_2(xc), splat_3(xc))

      const head = v128.load(xb)
      const scales = v128.load(w)
      const minima = v128.load(w, 16)
      acc0 = f32x4.add(acc0, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum0), splat_0(head)), f16_low(scales)))
      acc1 = f32x4.add(acc1, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum1), splat_0(head)), f16_high(scales)))
      acc0 = f32x4.add(acc0, f32x4.mul(f16_low(minima), splat_1(head)))
      acc1 = f32x4.add(acc1, f32x4.mul(f16_high(minima), splat_1(head)))
      w += Q6_TILE
      xb += X1
    }
    v128.store(y, acc0)
    v128.store(y, acc1, 16)
    y += <usize>TILE_ROWS << 2
  }
}

// @ts-ignore: decorator
@inline
function step(sum: v128, low: v128, high: v128, x_low: v128, x_high: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.add(dot_i8_u7(x_low, low), dot_i8_u7(x_high, high))))
}
