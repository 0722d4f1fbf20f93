// Pairs of products make up the dots of gemm_q4_q8.ts here. Tile: 8 rows x 2 blocks x 4 tokens, weights in words (words.ts).
//
// Such hosts take some four vector instructions a cycle, loads among them, and have compares and branches for nothing
// beside those (docs/decisions/0031). Lanes of words are whole sums of a block, which wrap on the way and fit 16
// bits in the end, so four sums serve a token where packed weights take eight halves, and one splat of activations
// serves eight rows. The columns are written out, since V8 spills sums around an inner loop: 1.06 of the time. Measured
// (0031): 0.81 of the time of the tile of gemm_q4_quads.ts by pairs.

import { spans_of, TILE_ROWS, X4, X4_FRACTIONS, X4_HEADER, X4_SUMS, X4_WORD_STARTS, X4_WORDS, x4_bytes } from '../layout'
import { dot_pairs, share } from '../simd/dot'
import { high_nibbles, nibble_mask } from '../simd/lanes'
import { Constants, minimum_span, span_minimums, span_scales, span_tile, span_units, store_scaled } from './sums'

/**
 * Of fewer groups no line of the next row group is touched: a load that waits holds up what is behind it, and the host
 * itself fetches ahead a matrix that is read at once.
 */
const LEAST_AHEAD: i32 = 3

// @ts-ignore: decorator
@inline
export function gemm_q4_pairs(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32, kind: Constants): void {
  const spans = spans_of(cols)
  const group_bytes = x4_bytes(cols)
  const tile = span_tile(kind)
  const ahead = groups >= LEAST_AHEAD
  const step: usize = ahead ? tile / <usize>(2 * groups) : 0
  for (let row = 0; row < rows; row += TILE_ROWS) {
    const row_units = w + spans * tile
    let next = ahead && row + TILE_ROWS < rows ? row_units + span_units(kind) : w // what is touched on the way
    for (let v: usize = 0; v < 4; v += 2) {
      let xg = x
      let yg = y + (v << 4)
      for (let group = 0; group < groups; group++) {
        if (kind == Constants.NARROW) tile_q4n(yg, stride, w, v, row_units, xg, spans, next, step)
        else if (kind == Constants.MINIMUM) tile_q4m(yg, stride, w, v, row_units, xg, spans, next, step)
        else tile_q4(yg, stride, w, v, row_units, xg, spans, next, step)
        next += spans * step
        xg += group_bytes
        yg += stride << 2
      }
    }
    w = row_units + span_units(kind)
    y += <usize>TILE_ROWS << 2
  }
}

// A function of its own for each format: many short calls are compiled sooner, and better, than one long one.
function tile_q4(y: usize, stride: usize, w: usize, v: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize): void {
  tile_8x4(y, stride, w, v, row_units, x, spans, next, step, Constants.SCALE)
}

function tile_q4m(y: usize, stride: usize, w: usize, v: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize): void {
  tile_8x4(y, stride, w, v, row_units, x, spans, next, step, Constants.MINIMUM)
}

function tile_q4n(y: usize, stride: usize, w: usize, v: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize): void {
  tile_8x4(y, stride, w, v, row_units, x, spans, next, step, Constants.NARROW)
}

// acc + f32(both blocks of four rows).
// @ts-ignore: decorator
@inline
function with_span(acc: v128, dots: v128, fractions: v128, scales: v128, sums: v128, minimums: v128, kind: Constants): v128 {
  const scaled = i32x4.dot_i16x8_s(share(dots, fractions), scales)
  return f32x4.add(acc, f32x4.convert_i32x4_s(kind == Constants.SCALE ? scaled : minimum_span(scaled, sums, minimums)))
}

// Locals: a, b = sums of rows 4v to 4v + 3 and of the next four, each of two blocks; p, q = their f32 sums; 0..3 = token.
// @ts-ignore: decorator
@inline
function tile_8x4(y: usize, stride: usize, w: usize, v: usize, row_units: usize, x: usize, spans: usize, next: usize, step: usize, kind: Constants): void {
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
  let ma = p0
  let mb = p0
  let xs = p0
  let sums = p0
  let touched = 0
  const scales = x
  let constants = w + 512
  w += v << 5
  x += X4_HEADER
  for (const end = x + spans * X4; x < end; x += X4) {
    touched |= load<i32>(next)
    next += step
    let a0 = v128.load32_splat(x + X4_WORD_STARTS)
    let b0 = a0
    let a1 = v128.load32_splat(x + (X4_WORD_STARTS + 4))
    let b1 = a1
    let a2 = v128.load32_splat(x + (X4_WORD_STARTS + 8))
    let b2 = a2
    let a3 = v128.load32_splat(x + (X4_WORD_STARTS + 12))
    let b3 = a3
    // Columns 0 to 7 of both blocks.
    wa = v128.and(v128.load(w), mask)
    wb = v128.and(v128.load(w, 32), mask)
    xs = v128.load32_splat(x + X4_WORDS)
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 64))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 128))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 192))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = v128.and(v128.load(w, 16), mask)
    wb = v128.and(v128.load(w, 48), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 4))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 68))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 132))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 196))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w), mask)
    wb = high_nibbles(v128.load(w, 32), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 8))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 72))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 136))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 200))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 16), mask)
    wb = high_nibbles(v128.load(w, 48), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 12))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 76))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 140))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 204))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    // Columns 8 to 15 of both blocks.
    wa = v128.and(v128.load(w, 128), mask)
    wb = v128.and(v128.load(w, 160), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 16))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 80))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 144))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 208))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = v128.and(v128.load(w, 144), mask)
    wb = v128.and(v128.load(w, 176), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 20))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 84))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 148))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 212))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 128), mask)
    wb = high_nibbles(v128.load(w, 160), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 24))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 88))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 152))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 216))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 144), mask)
    wb = high_nibbles(v128.load(w, 176), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 28))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 92))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 156))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 220))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    // Columns 16 to 23 of both blocks.
    wa = v128.and(v128.load(w, 256), mask)
    wb = v128.and(v128.load(w, 288), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 32))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 96))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 160))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 224))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = v128.and(v128.load(w, 272), mask)
    wb = v128.and(v128.load(w, 304), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 36))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 100))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 164))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 228))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 256), mask)
    wb = high_nibbles(v128.load(w, 288), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 40))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 104))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 168))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 232))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 272), mask)
    wb = high_nibbles(v128.load(w, 304), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 44))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 108))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 172))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 236))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    // Columns 24 to 31 of both blocks.
    wa = v128.and(v128.load(w, 384), mask)
    wb = v128.and(v128.load(w, 416), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 48))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 112))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 176))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 240))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = v128.and(v128.load(w, 400), mask)
    wb = v128.and(v128.load(w, 432), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 52))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 116))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 180))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 244))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 384), mask)
    wb = high_nibbles(v128.load(w, 416), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 56))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 120))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 184))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 248))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)
    wa = high_nibbles(v128.load(w, 400), mask)
    wb = high_nibbles(v128.load(w, 432), mask)
    xs = v128.load32_splat(x + (X4_WORDS + 60))
    a0 = dot_pairs(a0, xs, wa)
    b0 = dot_pairs(b0, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 124))
    a1 = dot_pairs(a1, xs, wa)
    b1 = dot_pairs(b1, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 188))
    a2 = dot_pairs(a2, xs, wa)
    b2 = dot_pairs(b2, xs, wb)
    xs = v128.load32_splat(x + (X4_WORDS + 252))
    a3 = dot_pairs(a3, xs, wa)
    b3 = dot_pairs(b3, xs, wb)

    wa = span_scales(constants, v, kind)
    wb = span_scales(constants, v + 1, kind)
    if (kind != Constants.SCALE) {
      ma = span_minimums(constants, v, kind)
      mb = span_minimums(constants, v + 1, kind)
    }
    xs = v128.load32_splat(x + X4_FRACTIONS)
    sums = v128.load32_splat(x + X4_SUMS)
    p0 = with_span(p0, a0, xs, wa, sums, ma, kind)
    q0 = with_span(q0, b0, xs, wb, sums, mb, kind)
    xs = v128.load32_splat(x + (X4_FRACTIONS + 4))
    sums = v128.load32_splat(x + (X4_SUMS + 4))
    p1 = with_span(p1, a1, xs, wa, sums, ma, kind)
    q1 = with_span(q1, b1, xs, wb, sums, mb, kind)
    xs = v128.load32_splat(x + (X4_FRACTIONS + 8))
    sums = v128.load32_splat(x + (X4_SUMS + 8))
    p2 = with_span(p2, a2, xs, wa, sums, ma, kind)
    q2 = with_span(q2, b2, xs, wb, sums, mb, kind)
    xs = v128.load32_splat(x + (X4_FRACTIONS + 12))
    sums = v128.load32_splat(x + (X4_SUMS + 12))
    p3 = with_span(p3, a3, xs, wa, sums, ma, kind)
    q3 = with_span(q3, b3, xs, wb, sums, mb, kind)
    w += span_tile(kind)
    constants += span_tile(kind)
  }
  store<i32>(y, touched) // or the loads would be left out
  const row = v << 2
  xs = v128.load32_splat(scales, 0)
  store_scaled(y, p0, xs, row_units, row, kind)
  store_scaled(y + 16, q0, xs, row_units, row + 4, kind)
  y += stride
  xs = v128.load32_splat(scales, 4)
  store_scaled(y, p1, xs, row_units, row, kind)
  store_scaled(y + 16, q1, xs, row_units, row + 4, kind)
  y += stride
  xs = v128.load32_splat(scales, 8)
  store_scaled(y, p2, xs, row_units, row, kind)
  store_scaled(y + 16, q2, xs, row_units, row + 4, kind)
  y += stride
  xs = v128.load32_splat(scales, 12)
  store_scaled(y, p3, xs, row_units, row, kind)
  store_scaled(y + 16, q3, xs, row_units, row + 4, kind)
}
