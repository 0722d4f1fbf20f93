// Decode multiplies one token with INT8 weights, y = W x. Tile: 16 rows x 1 token.
//
// A byte is 16 * high + low, two dots of nibbles; its zero point 128 is 16 * 8, so the high sums start where
// those of q4 do. Order of float operations, block by block: acc + (dot * x.scale) * w.scale. Measured: 0.98
// ms for 49152 x 576 where loading the same bytes takes 0.75, by pairs 1.10; eight rows at a time took 1.2
// times as long, and columns written out are no faster. Every shape: docs/performance.md, Kernels.

import { BLOCK, Q8_TILE, TILE_ROWS, X1, X1_BLOCK_SCALES, X1_CODES, X1_HEADER } from '../layout'
import { dot, start_block } from '../simd/dot'
import { high_half, low_half } from '../simd/f16'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { joined, scaled, store_rows } from './sums'

/** y = W x, w = scale * (byte - 128), f16 scale per row and block. */
export function gemv_q8_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const blocks: usize = (cols + BLOCK - 1) / BLOCK
  for (let row = 0; row < rows; row += TILE_ROWS) {
    sixteen_rows(y, w, x, blocks)
    w += blocks * Q8_TILE
    y += <usize>TILE_ROWS << 2
  }
}

// Locals: 0 to 3 = rows 0..3 to 12..15; low, high = sums of low and high nibbles.
function sixteen_rows(y: usize, codes: usize, x: usize, blocks: usize): void {
  const mask = nibble_mask()
  let acc0 = f32x4.splat(0)
  let acc1 = acc0
  let acc2 = acc0
  let acc3 = acc0
  x += X1_HEADER
  for (let block: usize = 0; block < blocks; block++) {
    let high0 = start_block(x)
    let high1 = high0
    let high2 = high0
    let high3 = high0
    let low0 = i64x2.splat(0)
    let low1 = low0
    let low2 = low0
    let low3 = low0
    for (let g: usize = 0; g < 8; g++) {
      let xs = v128.load32_splat(x + (g << 3) + X1_CODES)
      let packed = v128.load(codes + (g << 6))
      low0 = dot(low0, xs, v128.and(packed, mask))
      high0 = dot(high0, xs, high_nibbles(packed, mask))
      packed = v128.load(codes + (g << 6) + 16)
      low1 = dot(low1, xs, v128.and(packed, mask))
      high1 = dot(high1, xs, high_nibbles(packed, mask))
      packed = v128.load(codes + (g << 6) + 32)
      low2 = dot(low2, xs, v128.and(packed, mask))
      high2 = dot(high2, xs, high_nibbles(packed, mask))
      packed = v128.load(codes + (g << 6) + 48)
      low3 = dot(low3, xs, v128.and(packed, mask))
      high3 = dot(high3, xs, high_nibbles(packed, mask))
    }
    const x_scale = v128.load32_splat(x, X1_BLOCK_SCALES)
    let scales = v128.load(codes, 512)
    acc0 = f32x4.add(acc0, scaled(joined(low0, high0), x_scale, low_half(scales)))
    acc1 = f32x4.add(acc1, scaled(joined(low1, high1), x_scale, high_half(scales)))
    scales = v128.load(codes, 528)
    acc2 = f32x4.add(acc2, scaled(joined(low2, high2), x_scale, low_half(scales)))
    acc3 = f32x4.add(acc3, scaled(joined(low3, high3), x_scale, high_half(scales)))
    x += block & 1 ? X1 - 4 : 4 // from block to block within a span, then to the next
    codes += Q8_TILE
  }
  store_rows(y, acc0)
  store_rows(y + 16, acc1)
  store_rows(y + 32, acc2)
  store_rows(y + 48, acc3)
}
