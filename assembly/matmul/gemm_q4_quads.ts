// Four-byte dots make up gemm_q4_q8.ts here. Tile: 4 rows x 2 blocks x 4 tokens, weights as packed.
//
// The two multiplying ports are what a tile waits for: of its 72 or 76 products 64 are dots, since constants multiply two
// blocks at once (docs/decisions/0018). The columns are written out, since V8 spills the eight sums around an inner
// loop; splats come from memory, because the shuffle units are short here and loads are not, and from x + n rather than x
// with an offset n: the check of one address without an offset serves all (0015). Measured (0018): 1.15 ms a token for the
// layers of SmolLM2 where the dots alone take 0.8.

import { spans_of, TILE_ROWS, X4, X4_CODES, X4_FRACTIONS, X4_HEADER, X4_SUMS, x4_bytes } from '../layout'
import { dot, start_of } from '../simd/dot'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { Constants, minimum_span, narrow_minimums, narrow_scales, scaled_span, span_tile, span_units, units, units_bf16 } from './sums'

// @ts-ignore: decorator
@inline
export function gemm_q4_quads(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32, kind: Constants): void {
  const spans = spans_of(cols)
  const group_bytes = x4_bytes(cols)
  const tile = span_tile(kind)
  const step = tile / <usize>(4 * groups)
  for (let row = 0; row < rows; row += TILE_ROWS) {
    const row_units = w + spans * tile
    let xg = x
    let yg = y
    let next = row + TILE_ROWS < rows ? row_units + span_units(kind) : w // what is touched on the way
    for (let group = 0; group < groups; group++) {
      for (let v: usize = 0; v < 4; v++) {
        const codes = w + (v << 5)
        const constants = w + 512 + (v << 4)
        if (kind == Constants.NARROW) tile_q4n(yg + (v << 4), stride, codes, w + 512 + (v << 3), row_units + (v << 3), xg, spans, next, step)
        else if (kind == Constants.MINIMUM) tile_q4m(yg + (v << 4), stride, codes, constants, row_units + (v << 2), xg, spans, next, step)
        else tile_q4(yg + (v << 4), stride, codes, constants, row_units + (v << 2), xg, spans, next, step)
        next += spans * step
      }
      xg += group_bytes
      yg += stride << 2
    }
    w = row_units + span_units(kind)
    y += <usize>TILE_ROWS << 2
  }
}

// A function of its own for each format: many short calls are compiled sooner, and better, than one long one.
function tile_q4(y: usize, stride: usize, w: usize, constants: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize): void {
  tile_4x4(y, stride, w, constants, row_units, x, spans, next, step, Constants.SCALE)
}

function tile_q4m(y: usize, stride: usize, w: usize, constants: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize): void {
  tile_4x4(y, stride, w, constants, row_units, x, spans, next, step, Constants.MINIMUM)
}

function tile_q4n(y: usize, stride: usize, w: usize, constants: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize): void {
  tile_4x4(y, stride, w, constants, row_units, x, spans, next, step, Constants.NARROW)
}

// Locals: a, b = integer sums of rows 0, 1 and 2, 3, each of two blocks; p = the rows' f32 sums; 0..3 =
// token.
// @ts-ignore: decorator
@inline
function tile_4x4(y: usize, stride: usize, w: usize, constants: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize, kind: Constants): void {
  const mask = nibble_mask()
  let p0 = f32x4.splat(0)
  let p1 = p0
  let p2 = p0
  let p3 = p0
  let wa = p0
  let wb = p0
  let xs = p0
  let touched = 0
  const scales = x
  x += X4_HEADER
  for (const end = x + spans * X4; x < end; x += X4) {
    touched |= load<i32>(next)
    next += step
    let a0 = start_of(x, 0)
    let b0 = a0
    let a1 = start_of(x, 1)
    let b1 = a1
    let a2 = start_of(x, 2)
    let b2 = a2
    let a3 = start_of(x, 3)
    let b3 = a3
    // Columns 0 to 7 of both blocks.
    wa = v128.and(v128.load(w), mask)
    wb = v128.and(v128.load(w, 16), mask)
    xs = v128.load64_splat(x + X4_CODES)
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 8))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 16))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 24))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w), mask)
    wb = high_nibbles(v128.load(w, 16), mask)
    xs = v128.load64_splat(x + (X4_CODES + 32))
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 40))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 48))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 56))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    // Columns 8 to 15 of both blocks.
    wa = v128.and(v128.load(w, 128), mask)
    wb = v128.and(v128.load(w, 144), mask)
    xs = v128.load64_splat(x + (X4_CODES + 64))
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 72))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 80))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 88))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 128), mask)
    wb = high_nibbles(v128.load(w, 144), mask)
    xs = v128.load64_splat(x + (X4_CODES + 96))
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 104))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 112))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 120))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    // Columns 16 to 23 of both blocks.
    wa = v128.and(v128.load(w, 256), mask)
    wb = v128.and(v128.load(w, 272), mask)
    xs = v128.load64_splat(x + (X4_CODES + 128))
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 136))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 144))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 152))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 256), mask)
    wb = high_nibbles(v128.load(w, 272), mask)
    xs = v128.load64_splat(x + (X4_CODES + 160))
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 168))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 176))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 184))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    // Columns 24 to 31 of both blocks.
    wa = v128.and(v128.load(w, 384), mask)
    wb = v128.and(v128.load(w, 400), mask)
    xs = v128.load64_splat(x + (X4_CODES + 192))
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 200))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 208))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 216))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 384), mask)
    wb = high_nibbles(v128.load(w, 400), mask)
    xs = v128.load64_splat(x + (X4_CODES + 224))
    a0 = dot(a0, xs, wa)
    b0 = dot(b0, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 232))
    a1 = dot(a1, xs, wa)
    b1 = dot(b1, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 240))
    a2 = dot(a2, xs, wa)
    b2 = dot(b2, xs, wb)
    xs = v128.load64_splat(x + (X4_CODES + 248))
    a3 = dot(a3, xs, wa)
    b3 = dot(b3, xs, wb)

    if (kind == Constants.NARROW) {
      wa = narrow_scales(constants)
      wb = narrow_minimums(constants)
    } else {
      const at = kind == Constants.MINIMUM ? w + 512 : constants
      wa = v128.load(at)
      if (kind == Constants.MINIMUM) wb = v128.load(at, 16)
    }
    xs = scaled_span(a0, b0, v128.load32_splat(x + (X4_FRACTIONS + 0)), wa)
    if (kind != Constants.SCALE) xs = minimum_span(xs, v128.load32_splat(x + (X4_SUMS + 0)), wb)
    p0 = f32x4.add(p0, f32x4.convert_i32x4_s(xs))
    xs = scaled_span(a1, b1, v128.load32_splat(x + (X4_FRACTIONS + 4)), wa)
    if (kind != Constants.SCALE) xs = minimum_span(xs, v128.load32_splat(x + (X4_SUMS + 4)), wb)
    p1 = f32x4.add(p1, f32x4.convert_i32x4_s(xs))
    xs = scaled_span(a2, b2, v128.load32_splat(x + (X4_FRACTIONS + 8)), wa)
    if (kind != Constants.SCALE) xs = minimum_span(xs, v128.load32_splat(x + (X4_SUMS + 8)), wb)
    p2 = f32x4.add(p2, f32x4.convert_i32x4_s(xs))
    xs = scaled_span(a3, b3, v128.load32_splat(x + (X4_FRACTIONS + 12)), wa)
    if (kind != Constants.SCALE) xs = minimum_span(xs, v128.load32_splat(x + (X4_SUMS + 12)), wb)
    p3 = f32x4.add(p3, f32x4.convert_i32x4_s(xs))
    w += span_tile(kind)
    if (kind != Constants.MINIMUM) constants += span_tile(kind)
  }
  store<i32>(y, touched) // or the loads would be left out
  const unit = kind == Constants.NARROW ? units_bf16(row_units) : units(row_units)
  v128.store(y, f32x4.mul(f32x4.mul(p0, v128.load32_splat(scales, 0)), unit))
  v128.store(y + stride, f32x4.mul(f32x4.mul(p1, v128.load32_splat(scales, 4)), unit))
  v128.store(y + 2 * stride, f32x4.mul(f32x4.mul(p2, v128.load32_splat(scales, 8)), unit))
  v128.store(y + 3 * stride, f32x4.mul(f32x4.mul(p3, v128.load32_splat(scales, 12)), unit))
}
