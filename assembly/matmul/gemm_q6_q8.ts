// This kernel multiplies several tokens with 6-bit weights, for logits of many rows. Tile: 8 rows x 4 tokens;
// row i equals gemv_q6_q8 bit for bit. Measured (0011): 0.44 ms a token for the head of SmolLM2; every shape:
// docs/performance.md, Kernels.
//
//   y   (4 * groups, rows rounded up to 16) f32, `stride` bytes from token to token; x in format x4

import { BLOCK, Q6_TILE, ROW_UNITS_BF16, TILE_ROWS, X4, X4_BLOCK_SCALES, X4_BLOCK_SUMS, X4_CODES, X4_HEADER, x4_bytes } from '../layout'
import { dot_two } from '../simd/dot'
import { nibble_mask, sixth_a, sixth_b, sixth_c, sixth_d, upper_mask } from '../simd/lanes'
import { six_bit_minimums, six_bit_scales, store_units, with_minimum } from './sums'

export function gemm_q6_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  const group_bytes = x4_bytes(cols)
  for (let row = 0; row < rows; row += TILE_ROWS) {
    const row_units = w + blocks * Q6_TILE
    let xg = x
    let yg = y
    for (let group = 0; group < groups; group++) {
      tile_8x4(yg, stride, w, w + 256, w + 384, row_units, xg, blocks)
      tile_8x4(yg + 32, stride, w + 32, w + 272, w + 400, row_units + 16, xg, blocks)
      xg += group_bytes
      yg += stride << 2
    }
    w = row_units + ROW_UNITS_BF16
    y += <usize>TILE_ROWS << 2
  }
}

// Locals: a, b = integer sums of rows 0..3, 4..7; p, q = the rows' f32 sums; 0..3 = token.
function tile_8x4(y: usize, stride: usize, w: usize, pairs: usize, constants: usize, row_units: usize, x: usize, blocks: usize): void {
  const mask = nibble_mask()
  const upper = upper_mask()
  let p0 = f32x4.splat(0)
  let p1 = p0
  let p2 = p0
  let p3 = p0
  let q0 = p0
  let q1 = p0
  let q2 = p0
  let q3 = p0
  x += X4_HEADER
  for (let block: usize = 0; block < blocks; block++) {
    let a0 = i64x2.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    for (let g: usize = 0; g < 4; g++) {
      const high = v128.load(pairs + (g << 5))
      const na = v128.load(w + (g << 6))
      const nb = v128.load(w + (g << 6), 16)
      const wa = sixth_a(na, high, mask, upper)
      const wb = sixth_b(na, high, mask, upper)
      const wc = sixth_c(nb, high, mask, upper)
      const wd = sixth_d(nb, high, mask, upper)
      const xg = x + (g << 6)
      let xl = v128.load32_splat(xg, X4_CODES)
      let xh = v128.load32_splat(xg, X4_CODES + 32)
      a0 = dot_two(a0, xl, wa, xh, wb)
      b0 = dot_two(b0, xl, wc, xh, wd)
      xl = v128.load32_splat(xg, X4_CODES + 8)
      xh = v128.load32_splat(xg, X4_CODES + 40)
      a1 = dot_two(a1, xl, wa, xh, wb)
      b1 = dot_two(b1, xl, wc, xh, wd)
      xl = v128.load32_splat(xg, X4_CODES + 16)
      xh = v128.load32_splat(xg, X4_CODES + 48)
      a2 = dot_two(a2, xl, wa, xh, wb)
      b2 = dot_two(b2, xl, wc, xh, wd)
      xl = v128.load32_splat(xg, X4_CODES + 24)
      xh = v128.load32_splat(xg, X4_CODES + 56)
      a3 = dot_two(a3, xl, wa, xh, wb)
      b3 = dot_two(b3, xl, wc, xh, wd)
    }
    const first = v128.load16x4_s(constants)
    const second = v128.load16x4_s(constants, 8)
    const da = six_bit_scales(first)
    const db = six_bit_scales(second)
    const ma = six_bit_minimums(first)
    const mb = six_bit_minimums(second)
    let x_scale = v128.load32_splat(x, X4_BLOCK_SCALES)
    let x_sum = v128.load32_splat(x, X4_BLOCK_SUMS)
    p0 = with_minimum(p0, a0, da, ma, x_scale, x_sum)
    q0 = with_minimum(q0, b0, db, mb, x_scale, x_sum)
    x_scale = v128.load32_splat(x, X4_BLOCK_SCALES + 8)
    x_sum = v128.load32_splat(x, X4_BLOCK_SUMS + 8)
    p1 = with_minimum(p1, a1, da, ma, x_scale, x_sum)
    q1 = with_minimum(q1, b1, db, mb, x_scale, x_sum)
    x_scale = v128.load32_splat(x, X4_BLOCK_SCALES + 16)
    x_sum = v128.load32_splat(x, X4_BLOCK_SUMS + 16)
    p2 = with_minimum(p2, a2, da, ma, x_scale, x_sum)
    q2 = with_minimum(q2, b2, db, mb, x_scale, x_sum)
    x_scale = v128.load32_splat(x, X4_BLOCK_SCALES + 24)
    x_sum = v128.load32_splat(x, X4_BLOCK_SUMS + 24)
    p3 = with_minimum(p3, a3, da, ma, x_scale, x_sum)
    q3 = with_minimum(q3, b3, db, mb, x_scale, x_sum)
    x += block & 1 ? X4 - 4 : 4 // from block to block within a span, then to the next
    w += Q6_TILE
    pairs += Q6_TILE
    constants += Q6_TILE
  }
  store_eight(y, p0, q0, row_units)
  store_eight(y + stride, p1, q1, row_units)
  store_eight(y + 2 * stride, p2, q2, row_units)
  store_eight(y + 3 * stride, p3, q3, row_units)
}

// Eight rows of a token.
// @ts-ignore: decorator
@inline
function store_eight(y: usize, p: v128, q: v128, row_units: usize): void {
  store_units(y, p, row_units)
  store_units(y + 16, q, row_units + 8)
}
