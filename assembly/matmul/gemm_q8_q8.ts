// Prefill: four tokens x INT8 weights. Tile: 4 rows x 4 tokens, since low and high nibbles need sums of
// their own and V8 gives 16 vector registers. Order of float operations and zero point as in gemv_q8_q8.
//
//   y   (4 * groups, rows rounded up to 8) f32, `stride` bytes from token to token; x in format x4

import { BLOCK, Q8_TILE, TILE_ROWS, X4 } from '../layout'
import { dot_i8_u7 } from '../simd/dot'
import { f16_low } from '../simd/f16'
import { high_nibbles, low_nibbles, splat_0, splat_1, splat_2, splat_3 } from '../simd/lanes'

export function gemm_q8_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let xg = x
    let yg = y
    for (let group = 0; group < groups; group++) {
      tile_4x4(yg, stride, w, xg, blocks, 0)
      tile_4x4(yg, stride, w, xg, blocks, 1)
      xg += blocks * X4
      yg += stride << 2
    }
    w += blocks * Q8_TILE
    y += <usize>TILE_ROWS << 2
  }
}

// Rows 4 * half .. 4 * half + 3; l, h = sums of low and high nibbles; 0..3 = token.
function tile_4x4(y: usize, stride: usize, w: usize, x: usize, blocks: usize, half: usize): void {
  let codes = w + (half << 4) + 16
  let scales = w + (half << 3)
  let a0 = f32x4.splat(0)
  let a1 = f32x4.splat(0)
  let a2 = f32x4.splat(0)
  let a3 = f32x4.splat(0)
  for (let end = x + blocks * X4; x < end; x += X4) {
    const starts = v128.load(x, 32)
    let h0 = splat_0(starts)
    let h1 = splat_1(starts)
    let h2 = splat_2(starts)
    let h3 = splat_3(starts)
    let l0 = i64x2.splat(0)
    let l1 = l0
    let l2 = l0
    let l3 = l0
    for (let g: usize = 0; g < 8; g++) {
      const packed = v128.load(codes + (g << 5))
      const xs = v128.load(x + (g << 4), 64)
      const low = low_nibbles(packed)
      const high = high_nibbles(packed)
      const p0 = splat_0(xs)
      l0 = i16x8.add(l0, dot_i8_u7(p0, low))
      h0 = i16x8.add(h0, dot_i8_u7(p0, high))
      const p1 = splat_1(xs)
      l1 = i16x8.add(l1, dot_i8_u7(p1, low))
      h1 = i16x8.add(h1, dot_i8_u7(p1, high))
      const p2 = splat_2(xs)
      l2 = i16x8.add(l2, dot_i8_u7(p2, low))
      h2 = i16x8.add(h2, dot_i8_u7(p2, high))
      const p3 = splat_3(xs)
      l3 = i16x8.add(l3, dot_i8_u7(p3, low))
      h3 = i16x8.add(h3, dot_i8_u7(p3, high))
    }
    const x_scales = v128.load(x)
    const w_scale = f16_low(v128.load64_zero(scales))
    a0 = f32x4.add(a0, f32x4.mul(f32x4.mul(joined(l0, h0), splat_0(x_scales)), w_scale))
    a1 = f32x4.add(a1, f32x4.mul(f32x4.mul(joined(l1, h1), splat_1(x_scales)), w_scale))
    a2 = f32x4.add(a2, f32x4.mul(f32x4.mul(joined(l2, h2), splat_2(x_scales)), w_scale))
    a3 = f32x4.add(a3, f32x4.mul(f32x4.mul(joined(l3, h3), splat_3(x_scales)), w_scale))
    codes += Q8_TILE
    scales += Q8_TILE
  }
  const to = y + (half << 4)
  v128.store(to, a0)
  v128.store(to + stride, a1)
  v128.store(to + 2 * stride, a2)
  v128.store(to + 3 * stride, a3)
}

// @ts-ignore: decorator
@inline
function joined(low: v128, high: v128): v128 {
  return f32x4.convert_i32x4_s(
    i32x4.add(i32x4.extadd_pairwise_i16x8_s(low), i32x4.shl(i32x4.extadd_pairwise_i16x8_s(high), 4)),
  )
}
