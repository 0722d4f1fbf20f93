// This kernel writes one position's keys and values to its slot of an INT8 page. A page holds 16 positions;
// per layer and KV head:
//
//   keys    f32 scale[16], u8 [dims / 4][16 positions][4]                 code 1..127 = key / scale + 64, transformed by hadamard before
//   values  f32 scale[16], i8 [dims / 8][4 groups of positions][8][4 positions]
//
// dims is headDim rounded up to a multiple of 8; what lies beyond headDim is never written and stays zero.
// Seven bits make a key the unsigned operand of the dot as it stands; the transform wins back what the eighth
// bit was worth (docs/decisions/0010).

import { PAGE_POSITIONS } from '../layout'
import { larger, max_f32x4, rounded, store_i8x4 } from '../simd/lanes'

/** Dimensions of a head as stored. */
// @ts-ignore: decorator
@inline
export function stored_dims(headDim: i32): i32 {
  return (headDim + 7) & ~7
}

/** Bytes of the keys, and of the values, of one KV head in one layer of a page. */
// @ts-ignore: decorator
@inline
export function head_bytes(dims: i32): usize {
  return <usize>(PAGE_POSITIONS * (dims + 4))
}

/** No scale may be infinite: 0 x infinity would reach whoever has the page next. */
const FINITE: f32 = 3.4e38

/** The largest magnitude of n floats, at most 3.4e38. */
// @ts-ignore: decorator
@inline
export function largest(x: usize, n: i32): f32 {
  let top = f32x4.splat(0)
  let i = 0
  for (; i + 4 <= n; i += 4) top = larger(top, f32x4.abs(v128.load(x + (<usize>i << 2))))
  let amax = max_f32x4(top)
  for (; i < n; i++) amax = max(amax, abs(load<f32>(x + (<usize>i << 2))))
  return min(amax, FINITE)
}

/**
 * @param keys, values the layer's parts of the page; @param slot 0..15; @param k, v (kvHeads, headDim) f32, k
 * transformed
 */
export function kv_write_q8(keys: usize, values: usize, slot: i32, k: usize, v: usize, kvHeads: i32, headDim: i32): void {
  const dims = stored_dims(headDim)
  for (let head = 0; head < kvHeads; head++) {
    write_key(keys, slot, k, headDim)
    write_value(values, slot, v, headDim)
    keys += head_bytes(dims)
    values += head_bytes(dims)
    k += <usize>headDim << 2
    v += <usize>headDim << 2
  }
}

// @ts-ignore: decorator
@inline
function write_key(keys: usize, slot: i32, k: usize, headDim: i32): void {
  const inverse = store_scale(keys + (<usize>slot << 2), largest(k, headDim), 63)
  const factor = f32x4.splat(inverse)
  let to = keys + <usize>(4 * PAGE_POSITIONS + (slot << 2))
  let d = 0
  for (; d + 4 <= headDim; d += 4) {
    store_i8x4(to, i32x4.add(rounded(f32x4.mul(v128.load(k + (<usize>d << 2)), factor)), i32x4.splat(64)))
    to += 64
  }
  for (; d < headDim; d++) store<u8>(to + <usize>(d & 3), <u8>(64 + code(k + (<usize>d << 2), inverse)))
}

// @ts-ignore: decorator
@inline
function write_value(values: usize, slot: i32, v: usize, headDim: i32): void {
  const inverse = store_scale(values + (<usize>slot << 2), largest(v, headDim), 127)
  const factor = f32x4.splat(inverse)
  const to = values + <usize>(4 * PAGE_POSITIONS + (slot >> 2) * 32 + (slot & 3))
  let d = 0
  for (; d + 4 <= headDim; d += 4) {
    const codes = rounded(f32x4.mul(v128.load(v + (<usize>d << 2)), factor))
    const at = to + <usize>((d >> 3) * 128 + ((d & 4) << 2))
    v128.store8_lane(at, codes, 0)
    v128.store8_lane(at, codes, 4, 4)
    v128.store8_lane(at, codes, 8, 8)
    v128.store8_lane(at, codes, 12, 12)
  }
  for (; d < headDim; d++) {
    store<i8>(to + <usize>((d >> 3) * 128 + ((d & 7) << 2)), <i8>code(v + (<usize>d << 2), inverse))
  }
}

// Stores amax / top and returns top / amax (0 for a row of zeros).
// @ts-ignore: decorator
@inline
function store_scale(scale: usize, amax: f32, top: f32): f32 {
  const live = amax > 1e-30
  store<f32>(scale, live ? amax / top : 0)
  return live ? top / amax : 0
}

// @ts-ignore: decorator
@inline
function code(x: usize, inverse: f32): i32 {
  return i32x4.extract_lane(rounded(f32x4.splat(load<f32>(x) * inverse)), 0)
}
