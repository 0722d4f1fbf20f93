// Decode multiplies one token with INT4 weights, y = W x. Tile: 16 rows x 2 blocks x 1 token.
//
//   w   row groups of tiles (q4 or q4m), x one token in format x1, y (rows rounded up to 16) f32
//
// A row group is read from its first byte to its last, which is as fast as memory goes. The columns are
// written out, or V8 would spill sums. Sixteen rows share a splat of four activations of each block. Order of
// operations, the same in every kernel of this format: of a span's two blocks, in integers, share(dot,
// fraction) * scale, then + sum * minimum; acc + f32(that) * x.scale; in the end the row's unit
// (docs/kernels.md). Measured (0018): 2.1 ms for the layers of SmolLM2 where loading the same bytes takes
// 1.75; every shape: docs/performance.md, Kernels.

import { Q4_TILE, Q4M_TILE, ROW_UNITS, spans_of, TILE_ROWS, X1, X1_CODES, X1_FRACTIONS, X1_HEADER, X1_SUMS } from '../layout'
import { dot, start, total } from '../simd/dot'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { scaled_span, units } from './sums'

/** y = W x for symmetric blocks, w = scale * (nibble - 8). */
export function gemv_q4_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, false)
}

/** y = W x for blocks with a minimum, w = scale * (nibble - 8) + 8 * minimum. */
export function gemv_q4m_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  gemv(y, w, x, rows, cols, true)
}

// Four columns in the low nibbles, the next four in the high ones.
// @ts-ignore: decorator
@inline
function step(sum: v128, packed: v128, x_low: v128, x_high: v128, mask: v128): v128 {
  return dot(dot(sum, x_low, v128.and(packed, mask)), x_high, high_nibbles(packed, mask))
}

// acc + f32(both blocks of four rows) * x.scale; `v` counts four rows.
// @ts-ignore: decorator
@inline
function finish(acc: v128, a: v128, b: v128, x: usize, w: usize, v: usize, minimum: bool): v128 {
  let sum = scaled_span(total(a), total(b), v128.load32_splat(x, X1_FRACTIONS), minimum ? v128.load(w + (v << 5), 512) : v128.load(w + (v << 4), 512))
  if (minimum) sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load32_splat(x, X1_SUMS), v128.load(w + (v << 5), 528)))
  return f32x4.add(acc, f32x4.convert_i32x4_s(sum))
}

// Locals: acc 0..3 = rows 0..3, 4..7, 8..11, 12..15; sum 0..7 = rows 0, 1 to 14, 15, each of two blocks.
// @ts-ignore: decorator
@inline
function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32, minimum: bool): void {
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
      acc0 = finish(acc0, sum0, sum1, xb, w, 0, minimum)
      acc1 = finish(acc1, sum2, sum3, xb, w, 1, minimum)
      acc2 = finish(acc2, sum4, sum5, xb, w, 2, minimum)
      acc3 = finish(acc3, sum6, sum7, xb, w, 3, minimum)
      w += minimum ? Q4M_TILE : Q4_TILE
    }
    v128.store(y, f32x4.mul(f32x4.mul(acc0, scale), units(w)))
    v128.store(y + 16, f32x4.mul(f32x4.mul(acc1, scale), units(w + 4)))
    v128.store(y + 32, f32x4.mul(f32x4.mul(acc2, scale), units(w + 8)))
    v128.store(y + 48, f32x4.mul(f32x4.mul(acc3, scale), units(w + 12)))
    w += ROW_UNITS
    y += <usize>TILE_ROWS << 2
  }
}
