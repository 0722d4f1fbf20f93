// Attention's second half computes the weighted sum of INT8 values over a run of pages. Tile: 8 dimensions x
// 3 heads that share their values, or 1.
//
// weight * value scale becomes a code of 14 bits under one scale a head, in two halves of 7: each the
// unsigned operand of a dot with the signed values. Sums over all pages are exact in i32 (up to 2^31 / 127^2
// = 133,000 slots), so no order of pages changes a bit. Measured (0010): 0.30 ms for all layers of SmolLM2
// over 1024 positions in cache.

import { PAGE_POSITIONS } from '../layout'
import { dot_wide } from '../simd/dot'
import { larger, max_f32x4, rounded } from '../simd/lanes'
import { head_bytes, stored_dims } from './kv_q8'

/** The largest code: 127 * 128 + 127. */
const TOP: f32 = 16383

/**
 * out[head] = sum over slots of weight x value; out (heads, headDim) f32, with zeros after it up to a
 * multiple of 8. weights (heads, stride) f32 from softmax, overwritten by their codes; table as for score_q8:
 * the values of a page lie `offset` bytes behind its keys.
 */
export function values_q8(
  out: usize, weights: usize, stride: usize, table: usize, offset: usize, pages: i32, heads: i32, kvHeads: i32, headDim: i32,
): void {
  const group = heads / kvHeads
  const dims = stored_dims(headDim)
  const row = stride << 2
  const bytes = <usize>headDim << 2
  for (let head = 0; head < heads; ) {
    const kv = offset + <usize>(head / group) * head_bytes(dims)
    const values = kv + <usize>(4 * PAGE_POSITIONS)
    const a = encode(weights, table, kv, pages)
    if (group - (head % group) >= 3) {
      const b = encode(weights + row, table, kv, pages)
      const c = encode(weights + 2 * row, table, kv, pages)
      // From the last dimensions to the first: what a head writes behind its end is the next one's to
      // overwrite.
      for (let d = dims - 8; d >= 0; d -= 8) {
        eight_3(out + (<usize>d << 2), bytes, weights, row, table, pages, values + <usize>(d << 4), a, b, c)
      }
      head += 3
      weights += 3 * row
      out += 3 * bytes
    } else {
      for (let d = dims - 8; d >= 0; d -= 8) {
        eight_1(out + (<usize>d << 2), weights, table, pages, values + <usize>(d << 4), a)
      }
      head++
      weights += row
      out += bytes
    }
  }
}

// A row of weights -> for every four slots their four high halves, then their four low ones, in place.
// Returns a code's worth.
function encode(weights: usize, table: usize, kv: usize, pages: i32): f32 {
  let top = f32x4.splat(0)
  let at = weights
  for (let page = 0; page < pages; page++) {
    const scales = <usize>load<u32>(table + (<usize>page << 2)) + kv
    const w0 = f32x4.mul(v128.load(at), v128.load(scales))
    const w1 = f32x4.mul(v128.load(at, 16), v128.load(scales, 16))
    const w2 = f32x4.mul(v128.load(at, 32), v128.load(scales, 32))
    const w3 = f32x4.mul(v128.load(at, 48), v128.load(scales, 48))
    v128.store(at, w0)
    v128.store(at, w1, 16)
    v128.store(at, w2, 32)
    v128.store(at, w3, 48)
    top = larger(top, larger(larger(w0, w1), larger(w2, w3)))
    at += 64
  }
  const amax = max_f32x4(top)
  const live = amax > 1e-30
  const inverse = f32x4.splat(live ? TOP / amax : 0)
  const low_bits = i32x4.splat(127)
  let to = weights
  for (let from = weights; from < at; from += 16) {
    const code = rounded(f32x4.mul(v128.load(from), inverse))
    const halves = i16x8.narrow_i32x4_s(i32x4.shr_s(code, 7), v128.and(code, low_bits))
    v128.store64_lane(to, i8x16.narrow_i16x8_s(halves, halves), 0)
    to += 8
  }
  return live ? amax / TOP : 0
}

// Locals: a, b, c = heads, h, l = sums of high and low halves; 0, 1 = dimensions 0..3, 4..7.
function eight_3(
  out: usize, head: usize, codes: usize, row: usize, table: usize, pages: i32, values: usize, sa: f32, sb: f32, sc: f32,
): void {
  let ah0 = i32x4.splat(0)
  let ah1 = ah0
  let al0 = ah0
  let al1 = ah0
  let bh0 = ah0
  let bh1 = ah0
  let bl0 = ah0
  let bl1 = ah0
  let ch0 = ah0
  let ch1 = ah0
  let cl0 = ah0
  let cl1 = ah0
  for (let page = 0; page < pages; page++) {
    let v = <usize>load<u32>(table + (<usize>page << 2)) + values
    for (const end = v + 128; v < end; v += 32) {
      const v0 = v128.load(v)
      const v1 = v128.load(v, 16)
      let p = v128.load32_splat(codes)
      ah0 = dot_wide(ah0, v0, p)
      ah1 = dot_wide(ah1, v1, p)
      p = v128.load32_splat(codes, 4)
      al0 = dot_wide(al0, v0, p)
      al1 = dot_wide(al1, v1, p)
      p = v128.load32_splat(codes + row)
      bh0 = dot_wide(bh0, v0, p)
      bh1 = dot_wide(bh1, v1, p)
      p = v128.load32_splat(codes + row, 4)
      bl0 = dot_wide(bl0, v0, p)
      bl1 = dot_wide(bl1, v1, p)
      p = v128.load32_splat(codes + 2 * row)
      ch0 = dot_wide(ch0, v0, p)
      ch1 = dot_wide(ch1, v1, p)
      p = v128.load32_splat(codes + 2 * row, 4)
      cl0 = dot_wide(cl0, v0, p)
      cl1 = dot_wide(cl1, v1, p)
      codes += 8
    }
  }
  // Heads in order: the zeros behind one belong to the next.
  finish(out, ah0, ah1, al0, al1, sa)
  finish(out + head, bh0, bh1, bl0, bl1, sb)
  finish(out + 2 * head, ch0, ch1, cl0, cl1, sc)
}

function eight_1(out: usize, codes: usize, table: usize, pages: i32, values: usize, scale: f32): void {
  let h0 = i32x4.splat(0)
  let h1 = h0
  let l0 = h0
  let l1 = h0
  for (let page = 0; page < pages; page++) {
    let v = <usize>load<u32>(table + (<usize>page << 2)) + values
    for (const end = v + 128; v < end; v += 32) {
      const high = v128.load32_splat(codes)
      const low = v128.load32_splat(codes, 4)
      const v0 = v128.load(v)
      const v1 = v128.load(v, 16)
      h0 = dot_wide(h0, v0, high)
      h1 = dot_wide(h1, v1, high)
      l0 = dot_wide(l0, v0, low)
      l1 = dot_wide(l1, v1, low)
      codes += 8
    }
  }
  finish(out, h0, h1, l0, l1, scale)
}

// (f32(high) * 128 + f32(low)) * scale
// @ts-ignore: decorator
@inline
function finish(out: usize, h0: v128, h1: v128, l0: v128, l1: v128, scale: f32): void {
  const shift = f32x4.splat(128)
  const factor = f32x4.splat(scale)
  const first = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(h0), shift), f32x4.convert_i32x4_s(l0))
  const second = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(h1), shift), f32x4.convert_i32x4_s(l1))
  v128.store(out, f32x4.mul(first, factor))
  v128.store(out, f32x4.mul(second, factor), 16)
}
