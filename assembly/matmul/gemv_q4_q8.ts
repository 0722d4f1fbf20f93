// Decode: one token x INT4 weights, y = W x. Tile: 8 rows x 1 token.
//
//   w   row groups of tiles (q4 or q4m), x one token in format x1, y (rows rounded up to 8) f32
//
// A block's dot is an exact integer: 16 activations x nibbles add up in i16 (8 pair sums of at most 3810), widened once.
// Order of float operations, the same in every kernel of this format: acc + (dot * x.scale) * w.scale, then + minimum * x.sum.

import { BLOCK, Q4_TILE, Q4M_TILE, TILE_ROWS, X1 } from '../layout'
import { dot_i8_u7 } from '../simd/dot'
import { f16_high, f16_low } from '../simd/f16'
import { high_nibbles, low_nibbles, splat_0, splat_1, splat_2, splat_3 } from '../simd/lanes'

/** y = W x for symmetric blocks, w = scale * (nibble - 8): the sums start at the zero point's share. */
export function gemv_q4_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, false)
}

/** y = W x for blocks with a minimum, w = scale * nibble + minimum. */
export function gemv_q4m_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, true)
}

// Four columns in the low nibbles, the next four in the high ones.
// @ts-ignore: decorator
@inline
function step(acc: v128, packed: v128, x_low: v128, x_high: v128): v128 {
  return i16x8.add(
    i16x8.add(acc, dot_i8_u7(x_low, low_nibbles(packed))),
    dot_i8_u7(x_high, high_nibbles(packed)),
  )
}

// @ts-ignore: decorator
@inline
function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32, minimum: bool): void {
  const nibbles: usize = minimum ? 32 : 16
  const tile: usize = minimum ? Q4M_TILE : Q4_TILE
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let acc0 = f32x4.splat(0)
    let acc1 = f32x4.splat(0)
    let xb = x
    for (let col = 0; col < cols; col += BLOCK) {
      const head = v128.load(xb)
      const xa = v128.load(xb, 16)
      const xc = v128.load(xb, 32)
      let sum0 = minimum ? i64x2.splat(0) : splat_2(head)
      let sum1 = sum0
      const p0 = splat_0(xa)
      const p1 = splat_1(xa)
      sum0 = step(sum0, v128.load(w + nibbles), p0, p1)
      sum1 = step(sum1, v128.load(w + nibbles, 16), p0, p1)
      const p2 = splat_2(xa)
      const p3 = splat_3(xa)
      sum0 = step(sum0, v128.load(w + nibbles, 32), p2, p3)
      sum1 = step(sum1, v128.load(w + nibbles, 48), p2, p3)
      const p4 = splat_0(xc)
      const p5 = splat_1(xc)
      sum0 = step(sum0, v128.load(w + nibbles, 64), p4, p5)
      sum1 = step(sum1, v128.load(w + nibbles, 80), p4, p5)
      const p6 = splat_2(xc)
      const p7 = splat_3(xc)
      sum0 = step(sum0, v128.load(w + nibbles, 96), p6, p7)
      sum1 = step(sum1, v128.load(w + nibbles, 112), p6, p7)

      const x_scale = splat_0(head)
      const scales = v128.load(w)
      acc0 = f32x4.add(acc0, f32x4.mul(f32x4.mul(widened(sum0), x_scale), f16_low(scales)))
      acc1 = f32x4.add(acc1, f32x4.mul(f32x4.mul(widened(sum1), x_scale), f16_high(scales)))
      if (minimum) {
        const x_sum = splat_1(head)
        const minima = v128.load(w, 16)
        acc0 = f32x4.add(acc0, f32x4.mul(f16_low(minima), x_sum))
        acc1 = f32x4.add(acc1, f32x4.mul(f16_high(minima), x_sum))
      }
      w += tile
      xb += X1
    }
    v128.store(y, acc0)
    v128.store(y, acc1, 16)
    y += <usize>TILE_ROWS << 2
  }
}

// @ts-ignore: decorator
@inline
function widened(sums: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(sums))
}
