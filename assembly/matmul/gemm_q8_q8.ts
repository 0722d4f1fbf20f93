// Prefill multiplies four tokens with INT8 weights, Y = X W^T. Tile: 4 rows x 4 tokens, since low and high
// nibbles need sums of their own and V8 gives 15 vector registers. Columns are written out: 0.77 of the time
// of a loop. Order of float operations and zero point as in gemv_q8_q8. Every shape: docs/performance.md,
// Kernels.
//
//   y   (4 * groups, rows rounded up to 16) f32, `stride` bytes from token to token; x in format x4

import { BLOCK, Q8_TILE, TILE_ROWS, X4, X4_BLOCK_SCALES, X4_CODES, X4_HEADER, x4_bytes } from '../layout'
import { dot, start_block_of } from '../simd/dot'
import { high_half, low_half } from '../simd/f16'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { joined, scaled, store_rows } from './sums'

export function gemm_q8_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  const group_bytes = x4_bytes(cols)
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let xg = x
    let yg = y
    for (let group = 0; group < groups; group++) {
      for (let quarter: usize = 0; quarter < 4; quarter++) {
        tile_4x4(yg + (quarter << 4), stride, w + (quarter << 4), w + 512 + (quarter >> 1 << 4), quarter & 1, xg, blocks)
      }
      xg += group_bytes
      yg += stride << 2
    }
    w += blocks * Q8_TILE
    y += <usize>TILE_ROWS << 2
  }
}

// Four rows, whose scales are the low (odd = 0) or high halves; l, h = sums of low and high nibbles; 0..3 =
// token.
function tile_4x4(y: usize, stride: usize, codes: usize, scales: usize, odd: usize, x: usize, blocks: usize): void {
  const mask = nibble_mask()
  let p0 = f32x4.splat(0)
  let p1 = p0
  let p2 = p0
  let p3 = p0
  x += X4_HEADER
  for (let block: usize = 0; block < blocks; block++) {
    let h0 = start_block_of(x, 0)
    let h1 = start_block_of(x, 1)
    let h2 = start_block_of(x, 2)
    let h3 = start_block_of(x, 3)
    let l0 = i64x2.splat(0)
    let l1 = l0
    let l2 = l0
    let l3 = l0
    let packed = v128.load(codes)
    let low = v128.and(packed, mask)
    let high = high_nibbles(packed, mask)
    let xs = v128.load32_splat(x + X4_CODES)
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 8))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 16))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 24))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    packed = v128.load(codes + 64)
    low = v128.and(packed, mask)
    high = high_nibbles(packed, mask)
    xs = v128.load32_splat(x + (X4_CODES + 32))
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 40))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 48))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 56))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    packed = v128.load(codes + 128)
    low = v128.and(packed, mask)
    high = high_nibbles(packed, mask)
    xs = v128.load32_splat(x + (X4_CODES + 64))
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 72))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 80))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 88))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    packed = v128.load(codes + 192)
    low = v128.and(packed, mask)
    high = high_nibbles(packed, mask)
    xs = v128.load32_splat(x + (X4_CODES + 96))
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 104))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 112))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 120))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    packed = v128.load(codes + 256)
    low = v128.and(packed, mask)
    high = high_nibbles(packed, mask)
    xs = v128.load32_splat(x + (X4_CODES + 128))
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 136))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 144))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 152))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    packed = v128.load(codes + 320)
    low = v128.and(packed, mask)
    high = high_nibbles(packed, mask)
    xs = v128.load32_splat(x + (X4_CODES + 160))
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 168))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 176))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 184))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    packed = v128.load(codes + 384)
    low = v128.and(packed, mask)
    high = high_nibbles(packed, mask)
    xs = v128.load32_splat(x + (X4_CODES + 192))
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 200))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 208))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 216))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    packed = v128.load(codes + 448)
    low = v128.and(packed, mask)
    high = high_nibbles(packed, mask)
    xs = v128.load32_splat(x + (X4_CODES + 224))
    l0 = dot(l0, xs, low)
    h0 = dot(h0, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 232))
    l1 = dot(l1, xs, low)
    h1 = dot(h1, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 240))
    l2 = dot(l2, xs, low)
    h2 = dot(h2, xs, high)
    xs = v128.load32_splat(x + (X4_CODES + 248))
    l3 = dot(l3, xs, low)
    h3 = dot(h3, xs, high)
    const pair = v128.load(scales)
    const scale = odd ? high_half(pair) : low_half(pair)
    p0 = f32x4.add(p0, scaled(joined(l0, h0), v128.load32_splat(x, X4_BLOCK_SCALES), scale))
    p1 = f32x4.add(p1, scaled(joined(l1, h1), v128.load32_splat(x, X4_BLOCK_SCALES + 8), scale))
    p2 = f32x4.add(p2, scaled(joined(l2, h2), v128.load32_splat(x, X4_BLOCK_SCALES + 16), scale))
    p3 = f32x4.add(p3, scaled(joined(l3, h3), v128.load32_splat(x, X4_BLOCK_SCALES + 24), scale))
    x += block & 1 ? X4 - 4 : 4 // from block to block within a span, then to the next
    codes += Q8_TILE
    scales += Q8_TILE
  }
  store_rows(y, p0)
  store_rows(y + stride, p1)
  store_rows(y + 2 * stride, p2)
  store_rows(y + 3 * stride, p3)
}
