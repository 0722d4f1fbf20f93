// Pairs of products make up the dots of gemv_q4_q8.ts here. Weights lie in words (words.ts), a sum has four rows x 2 blocks.
//
// The columns are written out, or V8 would spill sums. Sixteen rows share a splat of two activations of each block.

import { spans_of, TILE_ROWS, X1, X1_HEADER, X1_WORD_STARTS, X1_WORDS } from '../layout'
import { dot_pairs } from '../simd/dot'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { add_span, Constants, span_tile, span_units, store_scaled } from './sums'

// Eight columns of four rows: 0, 1 and 4, 5 in `even`, 2, 3 and 6, 7 in `odd`.
// @ts-ignore: decorator
@inline
function step(sum: v128, even: v128, odd: v128, x0: v128, x1: v128, x2: v128, x3: v128, mask: v128): v128 {
  sum = dot_pairs(dot_pairs(sum, x0, v128.and(even, mask)), x2, high_nibbles(even, mask))
  return dot_pairs(dot_pairs(sum, x1, v128.and(odd, mask)), x3, high_nibbles(odd, mask))
}

// Locals: acc, sum 0..3 = rows 0..3, 4..7, 8..11, 12..15, sums of two blocks; x 0..3 = columns 0, 1 to 6, 7.
// @ts-ignore: decorator
@inline
export function gemv_q4_pairs(y: usize, w: usize, x: usize, rows: i32, cols: i32, constants: Constants): void {
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
      let sum0 = v128.load32_splat(xb, X1_WORD_STARTS)
      let sum1 = sum0
      let sum2 = sum0
      let sum3 = sum0
      let x0 = v128.load32_splat(xb, X1_WORDS)
      let x1 = v128.load32_splat(xb, X1_WORDS + 4)
      let x2 = v128.load32_splat(xb, X1_WORDS + 8)
      let x3 = v128.load32_splat(xb, X1_WORDS + 12)
      sum0 = step(sum0, v128.load(w), v128.load(w, 16), x0, x1, x2, x3, mask)
      sum1 = step(sum1, v128.load(w, 32), v128.load(w, 48), x0, x1, x2, x3, mask)
      sum2 = step(sum2, v128.load(w, 64), v128.load(w, 80), x0, x1, x2, x3, mask)
      sum3 = step(sum3, v128.load(w, 96), v128.load(w, 112), x0, x1, x2, x3, mask)
      x0 = v128.load32_splat(xb, X1_WORDS + 16)
      x1 = v128.load32_splat(xb, X1_WORDS + 20)
      x2 = v128.load32_splat(xb, X1_WORDS + 24)
      x3 = v128.load32_splat(xb, X1_WORDS + 28)
      sum0 = step(sum0, v128.load(w, 128), v128.load(w, 144), x0, x1, x2, x3, mask)
      sum1 = step(sum1, v128.load(w, 160), v128.load(w, 176), x0, x1, x2, x3, mask)
      sum2 = step(sum2, v128.load(w, 192), v128.load(w, 208), x0, x1, x2, x3, mask)
      sum3 = step(sum3, v128.load(w, 224), v128.load(w, 240), x0, x1, x2, x3, mask)
      x0 = v128.load32_splat(xb, X1_WORDS + 32)
      x1 = v128.load32_splat(xb, X1_WORDS + 36)
      x2 = v128.load32_splat(xb, X1_WORDS + 40)
      x3 = v128.load32_splat(xb, X1_WORDS + 44)
      sum0 = step(sum0, v128.load(w, 256), v128.load(w, 272), x0, x1, x2, x3, mask)
      sum1 = step(sum1, v128.load(w, 288), v128.load(w, 304), x0, x1, x2, x3, mask)
      sum2 = step(sum2, v128.load(w, 320), v128.load(w, 336), x0, x1, x2, x3, mask)
      sum3 = step(sum3, v128.load(w, 352), v128.load(w, 368), x0, x1, x2, x3, mask)
      x0 = v128.load32_splat(xb, X1_WORDS + 48)
      x1 = v128.load32_splat(xb, X1_WORDS + 52)
      x2 = v128.load32_splat(xb, X1_WORDS + 56)
      x3 = v128.load32_splat(xb, X1_WORDS + 60)
      sum0 = step(sum0, v128.load(w, 384), v128.load(w, 400), x0, x1, x2, x3, mask)
      sum1 = step(sum1, v128.load(w, 416), v128.load(w, 432), x0, x1, x2, x3, mask)
      sum2 = step(sum2, v128.load(w, 448), v128.load(w, 464), x0, x1, x2, x3, mask)
      sum3 = step(sum3, v128.load(w, 480), v128.load(w, 496), x0, x1, x2, x3, mask)
      acc0 = add_span(acc0, sum0, xb, w, 0, constants)
      acc1 = add_span(acc1, sum1, xb, w, 1, constants)
      acc2 = add_span(acc2, sum2, xb, w, 2, constants)
      acc3 = add_span(acc3, sum3, xb, w, 3, constants)
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
