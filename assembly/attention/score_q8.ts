// Attention's first half computes the scores of one query over a run of INT8 pages. Tile: 16 positions x 3
// heads that share their keys, or 1 head. Whole pages at absolute positions, so a window's edge or a chunk's
// start changes no bit.
//
//   table   u32 pointers, one a page: where this layer's keys of the page begin (kv_q8.ts)
//   query   per head: f32 scale, i32 start, 8 bytes unused, i8 codes[dims], zero beyond headDim   (quantize_query)
//   scores  (heads, stride) f32, stride in slots; a run of pages takes PAGE_POSITIONS slots each
//
// A key's code is 64 too large, so sums start at -64 x (the query's codes). Measured (0010, 0015): 0.17 ms
// for all layers of SmolLM2 over 1024 positions in cache.

import { HIDDEN_SCORE, PAGE_POSITIONS } from '../layout'
import { dot_wide } from '../simd/dot'
import { rounded, store_i8x4, sum_i32x4 } from '../simd/lanes'
import { head_bytes, largest, stored_dims } from './kv_q8'

/** Bytes of one quantised query head. */
// @ts-ignore: decorator
@inline
function query_bytes(dims: i32): usize {
  return <usize>(16 + dims)
}

/**
 * Heads (heads, headDim) f32, transformed by hadamard, to INT8. `factor` is the softmax scale, 1 /
 * sqrt(headDim).
 */
export function quantize_query(out: usize, q: usize, heads: i32, headDim: i32, factor: f32): void {
  for (let head = 0; head < heads; head++) {
    const amax = largest(q, headDim)
    const live = amax > 1e-30
    const sum = encode_i8(out + 16, q, headDim, live ? 127 / amax : 0)
    store<f32>(out, live ? (amax / 127) * factor : 0)
    store<i32>(out + 4, -64 * sum)
    out += query_bytes(stored_dims(headDim))
    q += <usize>headDim << 2
  }
}

// n codes at `out`, one behind the other; returns their sum.
// @ts-ignore: decorator
@inline
function encode_i8(out: usize, x: usize, n: i32, inverse: f32): i32 {
  const factor = f32x4.splat(inverse)
  let sums = i32x4.splat(0)
  let d = 0
  for (; d + 4 <= n; d += 4) {
    const codes = rounded(f32x4.mul(v128.load(x + (<usize>d << 2)), factor))
    store_i8x4(out + <usize>d, codes)
    sums = i32x4.add(sums, codes)
  }
  let sum = sum_i32x4(sums)
  for (; d < n; d++) {
    const code = <i32>nearest<f32>(load<f32>(x + (<usize>d << 2)) * inverse)
    store<i8>(out + <usize>d, <i8>code)
    sum += code
  }
  return sum
}

/**
 * scores[head][slot] = query . key for `pages` pages; slots outside [low, high) get HIDDEN_SCORE. Order:
 * (f32(dot) * key scale) * query scale. On the way each cache line of the pages' values, `offset` bytes
 * behind the keys, is touched: values_q8 goes through them eight dimensions at a time, which no prefetcher
 * follows, and weights have pushed the pages out of every cache since the last token. With `offset` 0 none is
 * touched, for a row whose pages the row before it has just gone through.
 */
export function score_q8(
  scores: usize, stride: usize, query: usize, table: usize, offset: usize, pages: i32, low: i32, high: i32,
  heads: i32, kvHeads: i32, headDim: i32,
): void {
  const group = heads / kvHeads
  const dims = stored_dims(headDim)
  const row = stride << 2
  const next = query_bytes(dims)
  // Pages outside, heads inside: keys come out of memory in the order in which they lie there.
  for (let page = 0; page < pages; page++) {
    let at = <usize>load<u32>(table + (<usize>page << 2))
    let out = scores + (<usize>(page * PAGE_POSITIONS) << 2)
    let q = query
    for (let kv = 0; kv < kvHeads; kv++) {
      if (offset != 0) store<i32>(out, touched(at + offset, head_bytes(dims))) // overwritten by the first score
      let left = group
      for (; left >= 3; left -= 3) {
        page_3(out, row, q, next, at, dims)
        out += 3 * row
        q += 3 * next
      }
      for (; left > 0; left--) {
        page_1(out, q, at, dims)
        out += row
        q += next
      }
      at += head_bytes(dims)
    }
  }
  for (let head = 0; head < heads; head++) {
    for (let slot = 0; slot < low; slot++) store<f32>(scores + (<usize>slot << 2), HIDDEN_SCORE)
    for (let slot = high; slot < pages * PAGE_POSITIONS; slot++) store<f32>(scores + (<usize>slot << 2), HIDDEN_SCORE)
    scores += row
  }
}

// @ts-ignore: decorator
@inline
function touched(at: usize, bytes: usize): i32 {
  let bits = 0
  for (const end = at + bytes; at < end; at += 64) bits |= load<i32>(at)
  return bits
}

// Locals: a, b, c = heads; 0..3 = positions 0..3, 4..7, 8..11, 12..15. Two vectors of keys at a time, and the
// queries loaded once more for the next two: with all three queries at hand there would be one register too
// few (hence x + n, then an offset n: the compiler would keep what it recognises).
function page_3(out: usize, row: usize, q: usize, next: usize, page: usize, dims: i32): void {
  let a0 = v128.load32_splat(q, 4)
  let a1 = a0
  let a2 = a0
  let a3 = a0
  let b0 = v128.load32_splat(q + next, 4)
  let b1 = b0
  let b2 = b0
  let b3 = b0
  let c0 = v128.load32_splat(q + 2 * next, 4)
  let c1 = c0
  let c2 = c0
  let c3 = c0
  let code = q
  let key = page
  for (const end = q + <usize>dims; code < end; code += 4) {
    let k0 = v128.load(key, 64)
    let k1 = v128.load(key, 80)
    let p = v128.load32_splat(code + 16)
    a0 = dot_wide(a0, p, k0)
    a1 = dot_wide(a1, p, k1)
    p = v128.load32_splat(code + next + 16)
    b0 = dot_wide(b0, p, k0)
    b1 = dot_wide(b1, p, k1)
    p = v128.load32_splat(code + 2 * next + 16)
    c0 = dot_wide(c0, p, k0)
    c1 = dot_wide(c1, p, k1)
    k0 = v128.load(key, 96)
    k1 = v128.load(key, 112)
    p = v128.load32_splat(code, 16)
    a2 = dot_wide(a2, p, k0)
    a3 = dot_wide(a3, p, k1)
    p = v128.load32_splat(code + next, 16)
    b2 = dot_wide(b2, p, k0)
    b3 = dot_wide(b3, p, k1)
    p = v128.load32_splat(code + 2 * next, 16)
    c2 = dot_wide(c2, p, k0)
    c3 = dot_wide(c3, p, k1)
    key += 64
  }
  finish(out, a0, a1, a2, a3, page, v128.load32_splat(q))
  finish(out + row, b0, b1, b2, b3, page, v128.load32_splat(q + next))
  finish(out + 2 * row, c0, c1, c2, c3, page, v128.load32_splat(q + 2 * next))
}

function page_1(out: usize, q: usize, page: usize, dims: i32): void {
  let a0 = v128.load32_splat(q, 4)
  let a1 = a0
  let a2 = a0
  let a3 = a0
  let code = q
  let key = page
  for (const end = q + <usize>dims; code < end; code += 4) {
    const qa = v128.load32_splat(code, 16)
    a0 = dot_wide(a0, qa, v128.load(key, 64))
    a1 = dot_wide(a1, qa, v128.load(key, 80))
    a2 = dot_wide(a2, qa, v128.load(key, 96))
    a3 = dot_wide(a3, qa, v128.load(key, 112))
    key += 64
  }
  finish(out, a0, a1, a2, a3, page, v128.load32_splat(q))
}

// @ts-ignore: decorator
@inline
function finish(out: usize, s0: v128, s1: v128, s2: v128, s3: v128, page: usize, scale: v128): void {
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(s0), v128.load(page)), scale))
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(s1), v128.load(page, 16)), scale), 16)
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(s2), v128.load(page, 32)), scale), 32)
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(s3), v128.load(page, 48)), scale), 48)
}
