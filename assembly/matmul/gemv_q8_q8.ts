// Decode multiplies one token with INT8 weights, y = W x. Tile: 16 rows x 1 token, eight rows at a time.
//
// A byte is 16 * high + low, two dots of nibbles; its zero point 128 is 16 * 8, so the high sums start where
// those of q4 do. Order of float operations, block by block: acc + (dot * x.scale) * w.scale. Measured:
// docs/performance.md, Kernels.

import { BLOCK, Q8_TILE, TILE_ROWS, X1, X1_BLOCK_SCALES, X1_CODES, X1_HEADER } from '../layout'
import { dot, start_block } from '../simd/dot'
import { high_half, low_half } from '../simd/f16'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { joined, scaled, store_rows } from './sums'

/** y = W x, w = scale * (byte - 128), f16 scale per row and block. */
export function gemv_q8_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  for (let row = 0; row < rows; row += TILE_ROWS) {
    eight_rows(y, w, w + 512, x, blocks)
    eight_rows(y + 32, w + 32, w + 528, x, blocks)
    w += blocks * Q8_TILE
    y += <usize>TILE_ROWS << 2
  }
}

// Locals: 0, 1 = rows 0..3, 4..7; low, high = sums of low and high nibbles.
function eight_rows(y: usize, codes: usize, scales: usize, x: usize, blocks: usize): void {
  const mask = nibble_mask()
  let acc0 = f32x4.splat(0)
  let acc1 = f32x4.splat(0)
  x += X1_HEADER
  for (let block: usize = 0; block < blocks; block++) {
    let high0 = start_block(x)
    let high1 = high0
    let low0 = i64x2.splat(0)
    let low1 = low0
    for (let g: usize = 0; g < 8; g++) {
      const xs = v128.load32_splat(x + (g << 3), X1_CODES)
      const w0 = v128.load(codes + (g << 6))
      const w1 = v128.load(codes + (g << 6), 16)
      low0 = dot(low0, xs, v128.and(w0, mask))
      high0 = dot(high0, xs, high_nibbles(w0, mask))
      low1 = dot(low1, xs, v128.and(w1, mask))
      high1 = dot(high1, xs, high_nibbles(w1, mask))
    }
    const x_scale = v128.load32_splat(x, X1_BLOCK_SCALES)
    const w_scales = v128.load(scales)
    acc0 = f32x4.add(acc0, scaled(joined(low0, high0), x_scale, low_half(w_scales)))
    acc1 = f32x4.add(acc1, scaled(joined(low1, high1), x_scale, high_half(w_scales)))
    x += block & 1 ? X1 - 4 : 4 // from block to block within a span, then to the next
    codes += Q8_TILE
    scales += Q8_TILE
  }
  store_rows(y, acc0)
  store_rows(y + 16, acc1)
}
