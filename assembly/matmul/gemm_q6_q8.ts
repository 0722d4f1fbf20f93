// Several tokens x 6-bit weights, for logits of many rows. Tile: 8 rows x 4 tokens; row i equals gemv_q6_q8 bit for bit.
//
//   y   (4 * groups, rows rounded up to 8) f32, `stride` bytes from token to token; x in format x4

import { BLOCK, Q6_TILE, TILE_ROWS, X4 } from '../layout'
import { dot_i8_u7 } from '../simd/dot'
import { f16_high, f16_low } from '../simd/f16'
import { sixth_a, sixth_b, sixth_c, sixth_d, splat_0, splat_1, splat_2, splat_3 } from '../simd/lanes'

export function gemm_q6_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let xg = x
    let yg = y
    for (let group = 0; group < groups; group++) {
      tile_4x8(yg, stride, w, xg, blocks)
      xg += blocks * X4
      yg += stride << 2
    }
    w += blocks * Q6_TILE
    y += <usize>TILE_ROWS << 2
  }
}

// Locals: a, b = rows 0..3, 4..7; s, t = their integer sums; 0..3 = token.
function tile_4x8(y: usize, stride: usize, w: usize, x: usize, blocks: usize): void {
  let a0 = f32x4.splat(0)
  let a1 = f32x4.splat(0)
  let a2 = f32x4.splat(0)
  let a3 = f32x4.splat(0)
  let b0 = f32x4.splat(0)
  let b1 = f32x4.splat(0)
  let b2 = f32x4.splat(0)
  let b3 = f32x4.splat(0)
  for (let end = x + blocks * X4; x < end; x += X4) {
    let s0 = i64x2.splat(0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    let t0 = s0
    let t1 = s0
    let t2 = s0
    let t3 = s0
    for (let g: usize = 0; g < 4; g++) {
      const pairs = v128.load(w + (g << 4), 160)
      const na = v128.load(w + (g << 5), 32)
      const nb = v128.load(w + (g << 5), 48)
      const xl = v128.load(x + (g << 5), 64)
      const xh = v128.load(x + (g << 5), 80)
      const al = sixth_a(na, pairs)
      const ah = sixth_b(na, pairs)
      const bl = sixth_c(nb, pairs)
      const bh = sixth_d(nb, pairs)
      s0 = step(s0, al, ah, splat_0(xl), splat_0(xh))
      t0 = step(t0, bl, bh, splat_0(xl), splat_0(xh))
      s1 = step(s1, al, ah, splat_1(xl), splat_1(xh))
      t1 = step(t1, bl, bh, splat_1(xl), splat_1(xh))
      s2 = step(s2, al, ah, splat_2(xl), splat_2(xh))
      t2 = step(t2, bl, bh, splat_2(xl), splat_2(xh))
      s3 = step(s3, al, ah, splat_3(xl), splat_3(xh))
      t3 = step(t3, bl, bh, splat_3(xl), splat_3(xh))
    }
    const x_scales = v128.load(x)
    const x_sums = v128.load(x, 16)
    const scales = v128.load(w)
    const minima = v128.load(w, 16)
    const da = f16_low(scales)
    const db = f16_high(scales)
    const ma = f16_low(minima)
    const mb = f16_high(minima)
    a0 = accumulate(a0, s0, splat_0(x_scales), da, ma, splat_0(x_sums))
    b0 = accumulate(b0, t0, splat_0(x_scales), db, mb, splat_0(x_sums))
    a1 = accumulate(a1, s1, splat_1(x_scales), da, ma, splat_1(x_sums))
    b1 = accumulate(b1, t1, splat_1(x_scales), db, mb, splat_1(x_sums))
    a2 = accumulate(a2, s2, splat_2(x_scales), da, ma, splat_2(x_sums))
    b2 = accumulate(b2, t2, splat_2(x_scales), db, mb, splat_2(x_sums))
    a3 = accumulate(a3, s3, splat_3(x_scales), da, ma, splat_3(x_sums))
    b3 = accumulate(b3, t3, splat_3(x_scales), db, mb, splat_3(x_sums))
    w += Q6_TILE
  }
  v128.store(y, a0)
  v128.store(y, b0, 16)
  v128.store(y + stride, a1)
  v128.store(y + stride, b1, 16)
  v128.store(y + 2 * stride, a2)
  v128.store(y + 2 * stride, b2, 16)
  v128.store(y + 3 * stride, a3)
  v128.store(y + 3 * stride, b3, 16)
}

// @ts-ignore: decorator
@inline
function step(sum: v128, low: v128, high: v128, x_low: v128, x_high: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.add(dot_i8_u7(x_low, low), dot_i8_u7(x_high, high))))
}

// @ts-ignore: decorator
@inline
function accumulate(acc: v128, sum: v128, x_scale: v128, scale: v128, minimum: v128, x_sum: v128): v128 {
  const scaled = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum), x_scale), scale)
  return f32x4.add(f32x4.add(acc, scaled), f32x4.mul(minimum, x_sum))
}
