// Four-byte dots make up gemv_q4_q8.ts here. Weights lie as packed, a sum has two rows x 2 blocks.
//
// The columns are written out, or V8 would spill sums. Sixteen rows share a splat of four activations of each block.

import { spans_of, TILE_ROWS, X1, X1_CODES, X1_HEADER } from '../layout'
import { dot, start } from '../simd/dot'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { add_span, Constants, span_tile, span_units, store_scaled } from './sums'

// Four columns in the low nibbles, the next four in the high ones.
// @ts-ignore: decorator
@inline
function step(sum: v128, packed: v128, x_low: v128, x_high: v128, mask: v128): v128 {
  return dot(dot(sum, x_low, v128.and(packed, mask)), x_high, high_nibbles(packed, mask))
}

// Locals: acc 0..3 = rows 0..3, 4..7, 8..11, 12..15; sum 0..7 = rows 0, 1 to 14, 15, each of two blocks.
// @ts-ignore: decorator
@inline
export function gemv_q4_quads(y: usize, w: usize, x: usize, rows: i32, cols: i32, constants: Constants): void {
  const scale = v128.load32_splat(x)
  x += X1_HEADER
  const x_end = x + spans_of(cols) * X1
  const mask = nibble_mask()
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let acc0 = f32x4.splat(0)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    for (let xb = x; xb < x_end; xb += X1) {
      let sum0 = start(xb)
      let sum1 = sum0
      let sum2 = sum0
      let sum3 = sum0
      let sum4 = sum0
      let sum5 = sum0
      let sum6 = sum0
      let sum7 = sum0
      let x_low = v128.load64_splat(xb, X1_CODES)
      let x_high = v128.load64_splat(xb, X1_CODES + 8)
      sum0 = step(sum0, v128.load(w), x_low, x_high, mask)
      sum1 = step(sum1, v128.load(w, 16), x_low, x_high, mask)
      sum2 = step(sum2, v128.load(w, 32), x_low, x_high, mask)
      sum3 = step(sum3, v128.load(w, 48), x_low, x_high, mask)
      sum4 = step(sum4, v128.load(w, 64), x_low, x_high, mask)
      sum5 = step(sum5, v128.load(w, 80), x_low, x_high, mask)
      sum6 = step(sum6, v128.load(w, 96), x_low, x_high, mask)
      sum7 = step(sum7, v128.load(w, 112), x_low, x_high, mask)
      x_low = v128.load64_splat(xb, X1_CODES + 16)
      x_high = v128.load64_splat(xb, X1_CODES + 24)
      sum0 = step(sum0, v128.load(w, 128), x_low, x_high, mask)
      sum1 = step(sum1, v128.load(w, 144), x_low, x_high, mask)
      sum2 = step(sum2, v128.load(w, 160), x_low, x_high, mask)
      sum3 = step(sum3, v128.load(w, 176), x_low, x_high, mask)
      sum4 = step(sum4, v128.load(w, 192), x_low, x_high, mask)
      sum5 = step(sum5, v128.load(w, 208), x_low, x_high, mask)
      sum6 = step(sum6, v128.load(w, 224), x_low, x_high, mask)
      sum7 = step(sum7, v128.load(w, 240), x_low, x_high, mask)
      x_low = v128.load64_splat(xb, X1_CODES + 32)
      x_high = v128.load64_splat(xb, X1_CODES + 40)
      sum0 = step(sum0, v128.load(w, 256), x_low, x_high, mask)
      sum1 = step(sum1, v128.load(w, 272), x_low, x_high, mask)
      sum2 = step(sum2, v128.load(w, 288), x_low, x_high, mask)
      sum3 = step(sum3, v128.load(w, 304), x_low, x_high, mask)
      sum4 = step(sum4, v128.load(w, 320), x_low, x_high, mask)
      sum5 = step(sum5, v128.load(w, 336), x_low, x_high, mask)
      sum6 = step(sum6, v128.load(w, 352), x_low, x_high, mask)
      sum7 = step(sum7, v128.load(w, 368), x_low, x_high, mask)
      x_low = v128.load64_splat(xb, X1_CODES + 48)
      x_high = v128.load64_splat(xb, X1_CODES + 56)
      sum0 = step(sum0, v128.load(w, 384), x_low, x_high, mask)
      sum1 = step(sum1, v128.load(w, 400), x_low, x_high, mask)
      sum2 = step(sum2, v128.load(w, 416), x_low, x_high, mask)
      sum3 = step(sum3, v128.load(w, 432), x_low, x_high, mask)
      sum4 = step(sum4, v128.load(w, 448), x_low, x_high, mask)
      sum5 = step(sum5, v128.load(w, 464), x_low, x_high, mask)
      sum6 = step(sum6, v128.load(w, 480), x_low, x_high, mask)
      sum7 = step(sum7, v128.load(w, 496), x_low, x_high, mask)
      acc0 = add_span(acc0, i16x8.narrow_i32x4_s(sum0, sum1), xb, w, 0, constants)
      acc1 = add_span(acc1, i16x8.narrow_i32x4_s(sum2, sum3), xb, w, 1, constants)
      acc2 = add_span(acc2, i16x8.narrow_i32x4_s(sum4, sum5), xb, w, 2, constants)
      acc3 = add_span(acc3, i16x8.narrow_i32x4_s(sum6, sum7), xb, w, 3, constants)
      w += span_tile(constants)
    }
    store_scaled(y, acc0, scale, w, 0, constants)
    store_scaled(y + 16, acc1, scale, w, 4, constants)
    store_scaled(y + 32, acc2, scale, w, 8, constants)
    store_scaled(y + 48, acc3, scale, w, 12, constants)
    w += span_units(constants)
    y += <usize>TILE_ROWS << 2
  }
}
