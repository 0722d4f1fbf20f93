// Prefill multiplies several tokens with 5-bit weights. Tile: 8 rows x 4 tokens; row i equals gemv_q5_q8 bit for
// bit. Measured: 0.62 ms a token for 49152 x 576; every shape: docs/performance.md, Kernels.
//
//   y   (4 * groups, rows rounded up to 16) f32, `stride` bytes from token to token; x in format x4

import { BLOCK, Q5_TILE, TILE_ROWS, X4, X4_BLOCK_SCALES, X4_CODES, X4_HEADER, X4_STARTS, x4_bytes } from '../layout'
import { dot_two } from '../simd/dot'
import { high_half, low_half } from '../simd/f16'
import { fifth_mask, high_codes, low_codes, nibble_mask } from '../simd/lanes'
import { scaled, store_token } from './sums'

export function gemm_q5_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  const group_bytes = x4_bytes(cols)
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let xg = x
    let yg = y
    for (let group = 0; group < groups; group++) {
      tile_8x4(yg, stride, w, w + 256, w + 320, 4, xg, blocks)
      tile_8x4(yg + 32, stride, w + 32, w + 256, w + 336, 0, xg, blocks)
      xg += group_bytes
      yg += stride << 2
    }
    w += blocks * Q5_TILE
    y += <usize>TILE_ROWS << 2
  }
}

// `places` brings the fifth bits of these rows to bits 4 to 7. Locals: a, b = integer sums of rows 0..3, 4..7; p, q = the
// rows' f32 sums; 0..3 = token.
function tile_8x4(y: usize, stride: usize, w: usize, bits: usize, scales: usize, places: i32, x: usize, blocks: usize): void {
  const mask = nibble_mask()
  const fifth = fifth_mask()
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
    let a0 = i32x4.shl(v128.load32_splat(x, X4_STARTS), 1)
    let a1 = i32x4.shl(v128.load32_splat(x, X4_STARTS + 8), 1)
    let a2 = i32x4.shl(v128.load32_splat(x, X4_STARTS + 16), 1)
    let a3 = i32x4.shl(v128.load32_splat(x, X4_STARTS + 24), 1)
    let b0 = a0
    let b1 = a1
    let b2 = a2
    let b3 = a3
    for (let g: usize = 0; g < 4; g++) {
      // Fifth bits of these eight rows in the upper half of each byte.
      const high = i16x8.shl(v128.load(bits + (g << 4)), places)
      const na = v128.load(w + (g << 6))
      const nb = v128.load(w + (g << 6), 16)
      const wa = low_codes(na, high, mask, fifth)
      const wb = high_codes(na, i16x8.shr_u(high, 1), mask, fifth)
      const wc = low_codes(nb, i16x8.shr_u(high, 2), mask, fifth)
      const wd = high_codes(nb, i16x8.shr_u(high, 3), mask, fifth)
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
    const both = v128.load(scales)
    const da = low_half(both)
    const db = high_half(both)
    let x_scale = v128.load32_splat(x, X4_BLOCK_SCALES)
    p0 = f32x4.add(p0, scaled(a0, x_scale, da))
    q0 = f32x4.add(q0, scaled(b0, x_scale, db))
    x_scale = v128.load32_splat(x, X4_BLOCK_SCALES + 8)
    p1 = f32x4.add(p1, scaled(a1, x_scale, da))
    q1 = f32x4.add(q1, scaled(b1, x_scale, db))
    x_scale = v128.load32_splat(x, X4_BLOCK_SCALES + 16)
    p2 = f32x4.add(p2, scaled(a2, x_scale, da))
    q2 = f32x4.add(q2, scaled(b2, x_scale, db))
    x_scale = v128.load32_splat(x, X4_BLOCK_SCALES + 24)
    p3 = f32x4.add(p3, scaled(a3, x_scale, da))
    q3 = f32x4.add(q3, scaled(b3, x_scale, db))
    x += block & 1 ? X4 - 4 : 4 // from block to block within a span, then to the next
    w += Q5_TILE
    bits += Q5_TILE
    scales += Q5_TILE
  }
  store_token(y, p0, q0)
  store_token(y + stride, p1, q1)
  store_token(y + 2 * stride, p2, q2)
  store_token(y + 3 * stride, p3, q3)
}
