// Prefill: four tokens x INT4 weights, Y = X W^T. Tile: 8 rows x 4 tokens; row i of the result equals gemv bit for bit.
//
//   w   row groups of tiles (q4 or q4m), x (groups of 4 tokens) in format x4
//   y   (4 * groups, rows rounded up to 8) f32, `stride` bytes from token to token
//
// One 16-byte load brings four tokens' next four columns; the weights of a row group stay in the first-level cache
// while all token groups pass over them.

import { BLOCK, Q4_TILE, Q4M_TILE, TILE_ROWS, X4 } from '../layout'
import { dot_i8_u7 } from '../simd/dot'
import { f16_high, f16_low } from '../simd/f16'
import { high_nibbles, low_nibbles, splat_0, splat_1, splat_2, splat_3 } from '../simd/lanes'

export function gemm_q4_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  gemm(y, stride, w, x, rows, cols, groups, false)
}

export function gemm_q4m_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  gemm(y, stride, w, x, rows, cols, groups, true)
}

// @ts-ignore: decorator
@inline
function gemm(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32, minimum: bool): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  const tile: usize = minimum ? Q4M_TILE : Q4_TILE
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let xg = x
    let yg = y
    for (let group = 0; group < groups; group++) {
      if (minimum) tile_q4m(yg, stride, w, xg, blocks)
      else tile_q4(yg, stride, w, xg, blocks)
      xg += blocks * X4
      yg += stride << 2
    }
    w += blocks * tile
    y += <usize>TILE_ROWS << 2
  }
}

function tile_q4(y: usize, stride: usize, w: usize, x: usize, blocks: usize): void {
  tile_4x8(y, stride, w, x, blocks, false)
}

function tile_q4m(y: usize, stride: usize, w: usize, x: usize, blocks: usize): void {
  tile_4x8(y, stride, w, x, blocks, true)
}

// Locals: a, b = rows 0..3, 4..7; 0..3 = token.
// @ts-ignore: decorator
@inline
function tile_4x8(y: usize, stride: usize, w: usize, x: usize, blocks: usize, minimum: bool): void {
  const nibbles: usize = minimum ? 32 : 16
  let a0 = f32x4.splat(0)
  let a1 = f32x4.splat(0)
  let a2 = f32x4.splat(0)
  let a3 = f32x4.splat(0)
  let b0 = f32x4.splat(0)
  let b1 = f32x4.splat(0)
  let b2 = f32x4.splat(0)
  let b3 = f32x4.splat(0)
  for (let end = x + blocks * X4; x < end; x += X4) {
    const starts = v128.load(x, 32)
    let s0 = minimum ? i64x2.splat(0) : splat_0(starts)
    let s1 = minimum ? i64x2.splat(0) : splat_1(starts)
    let s2 = minimum ? i64x2.splat(0) : splat_2(starts)
    let s3 = minimum ? i64x2.splat(0) : splat_3(starts)
    let t0 = s0
    let t1 = s1
    let t2 = s2
    let t3 = s3
    for (let g: usize = 0; g < 4; g++) {
      const wa = v128.load(w + nibbles + (g << 5))
      const wb = v128.load(w + nibbles + (g << 5), 16)
      const xl = v128.load(x + (g << 5), 64)
      const al = low_nibbles(wa)
      const bl = low_nibbles(wb)
      const l0 = splat_0(xl)
      s0 = i16x8.add(s0, dot_i8_u7(l0, al))
      t0 = i16x8.add(t0, dot_i8_u7(l0, bl))
      const l1 = splat_1(xl)
      s1 = i16x8.add(s1, dot_i8_u7(l1, al))
      t1 = i16x8.add(t1, dot_i8_u7(l1, bl))
      const l2 = splat_2(xl)
      s2 = i16x8.add(s2, dot_i8_u7(l2, al))
      t2 = i16x8.add(t2, dot_i8_u7(l2, bl))
      const l3 = splat_3(xl)
      s3 = i16x8.add(s3, dot_i8_u7(l3, al))
      t3 = i16x8.add(t3, dot_i8_u7(l3, bl))
      const xh = v128.load(x + (g << 5), 80)
      const ah = high_nibbles(wa)
      const bh = high_nibbles(wb)
      const h0 = splat_0(xh)
      s0 = i16x8.add(s0, dot_i8_u7(h0, ah))
      t0 = i16x8.add(t0, dot_i8_u7(h0, bh))
      const h1 = splat_1(xh)
      s1 = i16x8.add(s1, dot_i8_u7(h1, ah))
      t1 = i16x8.add(t1, dot_i8_u7(h1, bh))
      const h2 = splat_2(xh)
      s2 = i16x8.add(s2, dot_i8_u7(h2, ah))
      t2 = i16x8.add(t2, dot_i8_u7(h2, bh))
      const h3 = splat_3(xh)
      s3 = i16x8.add(s3, dot_i8_u7(h3, ah))
      t3 = i16x8.add(t3, dot_i8_u7(h3, bh))
    }
    const x_scales = v128.load(x)
    const scales = v128.load(w)
    const da = f16_low(scales)
    const db = f16_high(scales)
    a0 = f32x4.add(a0, scaled(s0, splat_0(x_scales), da))
    b0 = f32x4.add(b0, scaled(t0, splat_0(x_scales), db))
    a1 = f32x4.add(a1, scaled(s1, splat_1(x_scales), da))
    b1 = f32x4.add(b1, scaled(t1, splat_1(x_scales), db))
    a2 = f32x4.add(a2, scaled(s2, splat_2(x_scales), da))
    b2 = f32x4.add(b2, scaled(t2, splat_2(x_scales), db))
    a3 = f32x4.add(a3, scaled(s3, splat_3(x_scales), da))
    b3 = f32x4.add(b3, scaled(t3, splat_3(x_scales), db))
    if (minimum) {
      const x_sums = v128.load(x, 16)
      const minima = v128.load(w, 16)
      const ma = f16_low(minima)
      const mb = f16_high(minima)
      a0 = f32x4.add(a0, f32x4.mul(ma, splat_0(x_sums)))
      b0 = f32x4.add(b0, f32x4.mul(mb, splat_0(x_sums)))
      a1 = f32x4.add(a1, f32x4.mul(ma, splat_1(x_sums)))
      b1 = f32x4.add(b1, f32x4.mul(mb, splat_1(x_sums)))
      a2 = f32x4.add(a2, f32x4.mul(ma, splat_2(x_sums)))
      b2 = f32x4.add(b2, f32x4.mul(mb, splat_2(x_sums)))
      a3 = f32x4.add(a3, f32x4.mul(ma, splat_3(x_sums)))
      b3 = f32x4.add(b3, f32x4.mul(mb, splat_3(x_sums)))
    }
    w += minimum ? Q4M_TILE : Q4_TILE
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
function scaled(sums: v128, x_scale: v128, w_scale: v128): v128 {
  return f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(sums)), x_scale), w_scale)
}
