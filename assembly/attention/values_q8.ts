// Attention's second half computes the weighted sum of INT8 values over a run of pages. Its tiles are in
// values_quads.ts and values_pairs.ts.
//
// weight * value scale becomes a code of 14 bits under one scale a head. Sums over all pages are exact in
// i32, so neither the order of pages nor the tile changes a bit.

import { PAGE_POSITIONS } from '../layout'
import { QUADS } from '../simd/dot'
import { larger, max_f32x4, rounded, sum_f32x4 } from '../simd/lanes'
import { head_bytes, stored_dims } from './kv_q8'
import { four_1, four_3, pack_pairs } from './values_pairs'
import { eight_1, eight_3, pack_quads } from './values_quads'

/** Dimensions of a tile. */
const TILE = QUADS ? 8 : 4

/** The largest code: 127 * 128 + 127. */
const TOP: f32 = 16383

/** What the codes of a head come to at most: 127 times that, and what rounding may add, fits 32 bits. */
const MOST: f32 = 16850000

/** A weight beyond all bounds is nobody's, but must not be halved for ever. */
const MOST_HALVINGS = 16

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
      for (let d = dims - TILE; d >= 0; d -= TILE) {
        const to = out + (<usize>d << 2)
        if (QUADS) eight_3(to, bytes, weights, row, table, pages, values + place(d), a, b, c)
        else four_3(to, bytes, weights, row, table, pages, values + place(d), a, b, c)
      }
      head += 3
      weights += 3 * row
      out += 3 * bytes
    } else {
      for (let d = dims - TILE; d >= 0; d -= TILE) {
        const to = out + (<usize>d << 2)
        if (QUADS) eight_1(to, weights, table, pages, values + place(d), a)
        else four_1(to, weights, table, pages, values + place(d), a)
      }
      head++
      weights += row
      out += bytes
    }
  }
}

// Where values of the dimensions from d on begin.
// @ts-ignore: decorator
@inline
function place(d: i32): usize {
  return <usize>(((d & ~7) << 4) + ((d & 4) << 2))
}

// A row of weights -> codes in place, 8 bytes for every four slots. Returns a code's worth. Codes are halved
// where a sum could pass 32 bits, which takes more than 1030 slots of nearly even weights.
function encode(weights: usize, table: usize, kv: usize, pages: i32): f32 {
  let top = f32x4.splat(0)
  let sums = top
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
    sums = f32x4.add(sums, f32x4.add(f32x4.add(w0, w1), f32x4.add(w2, w3)))
    top = larger(top, larger(larger(w0, w1), larger(w2, w3)))
    at += 64
  }
  const amax = max_f32x4(top)
  const live = amax > 1e-30
  let inverse: f32 = live ? TOP / amax : 0
  let worth: f32 = live ? amax / TOP : 0
  const sum = sum_f32x4(sums)
  for (let i = 0; i < MOST_HALVINGS && sum * inverse + <f32>(pages << 3) > MOST; i++) {
    inverse *= 0.5
    worth *= 2
  }
  const factor = f32x4.splat(inverse)
  let to = weights
  for (let from = weights; from < at; from += 16) {
    const code = rounded(f32x4.mul(v128.load(from), factor))
    v128.store64_lane(to, QUADS ? pack_quads(code) : pack_pairs(code), 0)
    to += 8
  }
  return worth
}
