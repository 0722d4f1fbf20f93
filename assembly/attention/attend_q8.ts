// Attention of one query over INT8 pages, in three calls: scores of a run of pages, softmax, weighted sum of values.
// Every sum runs over whole pages at absolute positions, so a window's edge or a chunk's start changes no bit.
//
//   table   u32 pointers, one a page: where this layer's part of the page begins (see kv_q8.ts)
//   query   per head: f32 scale, 12 bytes unused, i16 codes[dims], zero beyond headDim   (quantize_query)
//   scores  (heads, stride) f32, stride in slots; a run of pages takes PAGE_POSITIONS slots each

import { HIDDEN_SCORE, PAGE_POSITIONS } from '../layout'
import { splat_0, splat_1, splat_2, splat_3 } from '../simd/lanes'
import { head_bytes, stored_dims } from './kv_q8'

/** Bytes of one quantised query head. */
// @ts-ignore: decorator
@inline
function query_bytes(dims: i32): usize {
  return <usize>(16 + 2 * dims)
}

/** The query in 16 bits: 64 products of 127 * 32767 stay far below 2^31. `factor` is the softmax scale, 1 / sqrt(headDim). */
export function quantize_query(out: usize, q: usize, heads: i32, headDim: i32, factor: f32): void {
  for (let head = 0; head < heads; head++) {
    let amax: f32 = 0
    for (let d = 0; d < headDim; d++) amax = max(amax, abs(load<f32>(q + (<usize>d << 2))))
    const live = amax > 1e-30
    const inverse: f32 = live ? 32767 / amax : 0
    store<f32>(out, live ? (amax / 32767) * factor : 0)
    for (let d = 0; d < headDim; d++) {
      const c = <i32>nearest<f32>(load<f32>(q + (<usize>d << 2)) * inverse)
      store<i16>(out + 16 + (<usize>d << 1), <i16>c)
    }
    out += query_bytes(stored_dims(headDim))
    q += <usize>headDim << 2
  }
}

/**
 * scores[head][slot] = query . key for `pages` pages; slots outside [low, high) get HIDDEN_SCORE.
 * Order: (f32(dot) * key scale) * query scale.
 */
export function score_q8(
  scores: usize, stride: usize, query: usize, table: usize, pages: i32, low: i32, high: i32,
  heads: i32, kvHeads: i32, headDim: i32,
): void {
  const group = heads / kvHeads
  const dims = stored_dims(headDim)
  for (let head = 0; head < heads; head++) {
    const kv = <usize>(head / group) * head_bytes(dims)
    const q = query + <usize>head * query_bytes(dims)
    const out = scores + <usize>head * (stride << 2)
    for (let page = 0; page < pages; page++) {
      const at = <usize>load<u32>(table + (<usize>page << 2)) + kv
      score_page(out + (<usize>(page * PAGE_POSITIONS) << 2), q, at, dims)
    }
    for (let slot = 0; slot < low; slot++) store<f32>(out + (<usize>slot << 2), HIDDEN_SCORE)
    for (let slot = high; slot < pages * PAGE_POSITIONS; slot++) store<f32>(out + (<usize>slot << 2), HIDDEN_SCORE)
  }
}

// 16 positions at once: accumulators of four positions each.
// @ts-ignore: decorator
@inline
function score_page(out: usize, q: usize, page: usize, dims: i32): void {
  const group = <usize>(4 * dims)
  let key = page + <usize>(8 * PAGE_POSITIONS)
  let code = q + 16
  let a0 = i32x4.splat(0)
  let a1 = a0
  let a2 = a0
  let a3 = a0
  for (let end = key + group; key < end; key += 16) {
    const first = v128.load32_splat(code)
    const second = v128.load32_splat(code, 4)
    const k0 = v128.load(key)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(k0), first))
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(k0), second))
    const k1 = v128.load(key + group)
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(k1), first))
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(k1), second))
    const k2 = v128.load(key + 2 * group)
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(k2), first))
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(k2), second))
    const k3 = v128.load(key + 3 * group)
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(k3), first))
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(k3), second))
    code += 8
  }
  const scale = v128.load32_splat(q)
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(a0), v128.load(page)), scale))
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(a1), v128.load(page, 16)), scale), 16)
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(a2), v128.load(page, 32)), scale), 32)
  v128.store(out, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(a3), v128.load(page, 48)), scale), 48)
}

/**
 * out[head] += sum over pages of weight x value. weights: (heads, stride) f32 from softmax, overwritten by nothing.
 * May add zeros to what follows a head in `out`, up to a multiple of 8. Per page the sixteen products weight * value scale become 15-bit integers under one scale; a page of zero weight is skipped.
 */
export function values_q8(
  out: usize, weights: usize, stride: usize, table: usize, pages: i32, heads: i32, kvHeads: i32, headDim: i32,
): void {
  const group = heads / kvHeads
  const dims = stored_dims(headDim)
  for (let head = 0; head < heads; head++) {
    const kv = <usize>(head / group) * head_bytes(dims)
    for (let page = 0; page < pages; page++) {
      const at = <usize>load<u32>(table + (<usize>page << 2)) + kv
      values_page(out, weights + (<usize>(page * PAGE_POSITIONS) << 2), at, dims)
    }
    weights += stride << 2
    out += <usize>headDim << 2
  }
}

// @ts-ignore: decorator
@inline
function values_page(out: usize, weights: usize, page: usize, dims: i32): void {
  const w0 = f32x4.mul(v128.load(weights), v128.load(page, 64))
  const w1 = f32x4.mul(v128.load(weights, 16), v128.load(page, 80))
  const w2 = f32x4.mul(v128.load(weights, 32), v128.load(page, 96))
  const w3 = f32x4.mul(v128.load(weights, 48), v128.load(page, 112))
  const top = f32x4.max(f32x4.max(w0, w1), f32x4.max(w2, w3))
  const amax = max(
    max(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)),
    max(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)),
  )
  if (!(amax > 1e-30)) return
  const inverse = f32x4.splat(32767 / amax)
  const scale = f32x4.splat(amax / 32767)
  const early = i16x8.narrow_i32x4_s(rounded(w0, inverse), rounded(w1, inverse)) // pairs 0..3
  const late = i16x8.narrow_i32x4_s(rounded(w2, inverse), rounded(w3, inverse)) // pairs 4..7
  const p0 = splat_0(early)
  const p1 = splat_1(early)
  const p2 = splat_2(early)
  const p3 = splat_3(early)
  const p4 = splat_0(late)
  const p5 = splat_1(late)
  const p6 = splat_2(late)
  const p7 = splat_3(late)
  const row = <usize>(2 * dims)
  let v = page + <usize>(8 * PAGE_POSITIONS) + <usize>(PAGE_POSITIONS * dims)
  for (let d = 0; d < dims; d += 8) {
    let x = v128.load(v)
    let a = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p0)
    let b = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p0)
    x = v128.load(v + row)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p1))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p1))
    x = v128.load(v + 2 * row)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p2))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p2))
    x = v128.load(v + 3 * row)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p3))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p3))
    x = v128.load(v + 4 * row)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p4))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p4))
    x = v128.load(v + 5 * row)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p5))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p5))
    x = v128.load(v + 6 * row)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p6))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p6))
    x = v128.load(v + 7 * row)
    a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), p7))
    b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), p7))
    const to = out + (<usize>d << 2)
    v128.store(to, f32x4.add(v128.load(to), f32x4.mul(f32x4.convert_i32x4_s(a), scale)))
    v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(f32x4.convert_i32x4_s(b), scale)), 16)
    v += 16
  }
}

// @ts-ignore: decorator
@inline
function rounded(weights: v128, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(weights, inverse)))
}
