// Decode: one token x INT8 weights, y = W x. Tile: 8 rows x 1 token.
//
// A weight byte is 16 * high + low, both nibbles fit the unsigned operand of the dot: two dots, one load.
// The zero point (128 = 16 * 8) starts the high sums at -8 x the activations, as in q4; low sums stay below 8 * 3810.
// Order of float operations as in q4.

import { BLOCK, Q8_TILE, TILE_ROWS, X1 } from '../layout'
import { dot_i8_u7 } from '../simd/dot'
import { f16_high, f16_low } from '../simd/f16'
import { high_nibbles, low_nibbles, splat_0, splat_1, splat_2, splat_3 } from '../simd/lanes'

/** y = W x, w = scale * (byte - 128), f16 scale per row and block. */
export function gemv_q8_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const codes: usize = 16
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let acc0 = f32x4.splat(0)
    let acc1 = f32x4.splat(0)
    let xb = x
    for (let col = 0; col < cols; col += BLOCK) {
      const head = v128.load(xb)
      let high0 = splat_2(head)
      let high1 = high0
      let low0 = i64x2.splat(0)
      let low1 = low0
      for (let half: usize = 0; half < 2; half++) {
        const xs = v128.load(xb + (half << 4), 16)
        const wh = w + codes + (half << 7)
        let p = splat_0(xs)
        let v = v128.load(wh)
        low0 = i16x8.add(low0, dot_i8_u7(p, low_nibbles(v)))
        high0 = i16x8.add(high0, dot_i8_u7(p, high_nibbles(v)))
        v = v128.load(wh, 16)
        low1 = i16x8.add(low1, dot_i8_u7(p, low_nibbles(v)))
        high1 = i16x8.add(high1, dot_i8_u7(p, high_nibbles(v)))
        p = splat_1(xs)
        v = v128.load(wh, 32)
        low0 = i16x8.add(low0, dot_i8_u7(p, low_nibbles(v)))
        high0 = i16x8.add(high0, dot_i8_u7(p, high_nibbles(v)))
        v = v128.load(wh, 48)
        low1 = i16x8.add(low1, dot_i8_u7(p, low_nibbles(v)))
        high1 = i16x8.add(high1, dot_i8_u7(p, high_nibbles(v)))
        p = splat_2(xs)
        v = v128.load(wh, 64)
        low0 = i16x8.add(low0, dot_i8_u7(p, low_nibbles(v)))
        high0 = i16x8.add(high0, dot_i8_u7(p, high_nibbles(v)))
        v = v128.load(wh, 80)
        low1 = i16x8.add(low1, dot_i8_u7(p, low_nibbles(v)))
        high1 = i16x8.add(high1, dot_i8_u7(p, high_nibbles(v)))
        p = splat_3(xs)
        v = v128.load(wh, 96)
        low0 = i16x8.add(low0, dot_i8_u7(p, low_nibbles(v)))
        high0 = i16x8.add(high0, dot_i8_u7(p, high_nibbles(v)))
        v = v128.load(wh, 112)
        low1 = i16x8.add(low1, dot_i8_u7(p, low_nibbles(v)))
        high1 = i16x8.add(high1, dot_i8_u7(p, high_nibbles(v)))
      }
      const x_scale = splat_0(head)
      const dot0 = f32x4.mul(joined(low0, high0), x_scale)
      const dot1 = f32x4.mul(joined(low1, high1), x_scale)
      const scales = v128.load(w)
      acc0 = f32x4.add(acc0, f32x4.mul(dot0, f16_low(scales)))
      acc1 = f32x4.add(acc1, f32x4.mul(dot1, f16_high(scales)))
      w += Q8_TILE
      xb += X1
    }
    v128.store(y, acc0)
    v128.store(y, acc1, 16)
    y += <usize>TILE_ROWS << 2
  }
}

// low + 16 * high, exact in i32 and in f32 (at most 32 * 128 * 127).
// @ts-ignore: decorator
@inline
function joined(low: v128, high: v128): v128 {
  return f32x4.convert_i32x4_s(
    i32x4.add(i32x4.extadd_pairwise_i16x8_s(low), i32x4.shl(i32x4.extadd_pairwise_i16x8_s(high), 4)),
  )
}
