// Prefill: four tokens x INT4 weights, Y = X W^T. Tile: 8 rows x 4 tokens; row i of the result equals gemv bit for bit.
//
//   w   row groups of tiles (q4 or q4m), x (groups of 4 tokens) in format x4
//   y   (4 * groups, rows rounded up to 16) f32, `stride` bytes from token to token
//
// The weights of a row group stay in the first-level cache while all token groups pass over them. The columns are written out, since
// V8 spills the eight sums around an inner loop; splats come from memory, because the shuffle units are short here and loads are not,
// and from x + n rather than x with an offset n: the check of one address without an offset serves all (docs/decisions/0015).
// While a row group is multiplied, each block touches a line of the next one, so that its weights wait in the cache.
// Measured (0011, 0015): 1.27 ms a token for the layers of SmolLM2 where the dots alone take 0.8; every shape: docs/performance.md, Kernels.

import { BLOCK, Q4_TILE, Q4M_TILE, TILE_ROWS, X4 } from '../layout'
import { dot, start_of, total } from '../simd/dot'
import { high_half, low_half, low_half_positive } from '../simd/f16'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { scaled, store_token } from './sums'

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
  const step = tile / <usize>(2 * groups)
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let xg = x
    let yg = y
    let next = row + TILE_ROWS < rows ? w + blocks * tile : w // what is touched on the way
    for (let group = 0; group < groups; group++) {
      if (minimum) {
        tile_q4m(yg, stride, w, w + 256, xg, blocks, next, step)
        next += blocks * step
        tile_q4m(yg + 32, stride, w + 32, w + 288, xg, blocks, next, step)
        next += blocks * step
      } else {
        tile_q4(yg, stride, w, w + 256, xg, blocks, next, step)
        next += blocks * step
        tile_q4(yg + 32, stride, w + 32, w + 272, xg, blocks, next, step)
        next += blocks * step
      }
      xg += blocks * X4
      yg += stride << 2
    }
    w += blocks * tile
    y += <usize>TILE_ROWS << 2
  }
}

// A function of its own for each format: many short calls are compiled sooner, and better, than one long one.
function tile_q4(y: usize, stride: usize, w: usize, constants: usize, x: usize, blocks: usize, next: usize, step: usize): void {
  tile_8x4(y, stride, w, constants, x, blocks, next, step, false)
}

function tile_q4m(y: usize, stride: usize, w: usize, constants: usize, x: usize, blocks: usize, next: usize, step: usize): void {
  tile_8x4(y, stride, w, constants, x, blocks, next, step, true)
}

// Locals: a, b = integer sums of rows 0..3, 4..7; p, q = the rows' f32 sums; 0..3 = token.
// @ts-ignore: decorator
@inline
function tile_8x4(y: usize, stride: usize, w: usize, constants: usize, x: usize, blocks: usize, next: usize, step: usize, minimum: bool): void {
  const mask = nibble_mask()
  let p0 = f32x4.splat(0)
  let p1 = p0
  let p2 = p0
  let p3 = p0
  let q0 = p0
  let q1 = p0
  let q2 = p0
  let q3 = p0
  let wa = p0
  let wb = p0
  let xs = p0
  let touched = 0
  for (const end = x + blocks * X4; x < end; x += X4) {
    let a0 = minimum ? i64x2.splat(0) : start_of(x, 0)
    let a1 = minimum ? a0 : start_of(x, 1)
    let a2 = minimum ? a0 : start_of(x, 2)
    let a3 = minimum ? a0 : start_of(x, 3)
    let b0 = a0
    let b1 = a1
    let b2 = a2
    let b3 = a3
    touched |= load<i32>(next)
    next += step
    // Columns 0 to 7.
    wa = v128.and(v128.load(w), mask)
    wb = v128.and(v128.load(w, 16), mask)
    xs = v128.load32_splat(x + 64)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 68)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 72)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 76)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w), mask)
    wb = high_nibbles(v128.load(w, 16), mask)
    xs = v128.load32_splat(x + 80)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 84)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 88)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 92)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    // Columns 8 to 15.
    wa = v128.and(v128.load(w, 64), mask)
    wb = v128.and(v128.load(w, 80), mask)
    xs = v128.load32_splat(x + 96)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 100)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 104)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 108)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 64), mask)
    wb = high_nibbles(v128.load(w, 80), mask)
    xs = v128.load32_splat(x + 112)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 116)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 120)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 124)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    // Columns 16 to 23.
    wa = v128.and(v128.load(w, 128), mask)
    wb = v128.and(v128.load(w, 144), mask)
    xs = v128.load32_splat(x + 128)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 132)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 136)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 140)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 128), mask)
    wb = high_nibbles(v128.load(w, 144), mask)
    xs = v128.load32_splat(x + 144)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 148)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 152)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 156)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    // Columns 24 to 31.
    wa = v128.and(v128.load(w, 192), mask)
    wb = v128.and(v128.load(w, 208), mask)
    xs = v128.load32_splat(x + 160)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 164)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 168)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 172)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 192), mask)
    wb = high_nibbles(v128.load(w, 208), mask)
    xs = v128.load32_splat(x + 176)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load32_splat(x + 180)
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load32_splat(x + 184)
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load32_splat(x + 188)
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)

    const first = v128.load(constants)
    const second = minimum ? v128.load(constants, 16) : first
    const scale_a = minimum ? low_half_positive(first) : low_half(first)
    const scale_b = minimum ? low_half_positive(second) : high_half(first)
    xs = v128.load32_splat(x)
    p0 = f32x4.add(p0, scaled(total(a0), xs, scale_a))
    q0 = f32x4.add(q0, scaled(total(b0), xs, scale_b))
    xs = v128.load32_splat(x + 4)
    p1 = f32x4.add(p1, scaled(total(a1), xs, scale_a))
    q1 = f32x4.add(q1, scaled(total(b1), xs, scale_b))
    xs = v128.load32_splat(x + 8)
    p2 = f32x4.add(p2, scaled(total(a2), xs, scale_a))
    q2 = f32x4.add(q2, scaled(total(b2), xs, scale_b))
    xs = v128.load32_splat(x + 12)
    p3 = f32x4.add(p3, scaled(total(a3), xs, scale_a))
    q3 = f32x4.add(q3, scaled(total(b3), xs, scale_b))
    if (minimum) {
      wa = high_half(first)
      wb = high_half(second)
      xs = v128.load32_splat(x + 16)
      p0 = f32x4.add(p0, f32x4.mul(wa, xs))
      q0 = f32x4.add(q0, f32x4.mul(wb, xs))
      xs = v128.load32_splat(x + 20)
      p1 = f32x4.add(p1, f32x4.mul(wa, xs))
      q1 = f32x4.add(q1, f32x4.mul(wb, xs))
      xs = v128.load32_splat(x + 24)
      p2 = f32x4.add(p2, f32x4.mul(wa, xs))
      q2 = f32x4.add(q2, f32x4.mul(wb, xs))
      xs = v128.load32_splat(x + 28)
      p3 = f32x4.add(p3, f32x4.mul(wa, xs))
      q3 = f32x4.add(q3, f32x4.mul(wb, xs))
    }
    w += minimum ? Q4M_TILE : Q4_TILE
    constants += minimum ? Q4M_TILE : Q4_TILE
  }
  store<i32>(y, touched) // or the loads would be left out
  store_token(y, p0, q0)
  store_token(y + stride, p1, q1)
  store_token(y + 2 * stride, p2, q2)
  store_token(y + 3 * stride, p3, q3)
}
