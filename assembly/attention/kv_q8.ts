// One position's keys and values -> INT8, into its slot of a KV page. A page holds 16 positions; per layer and KV head:
//
//   f32 key_scale[16], f32 value_scale[16]
//   i8  keys    [4 groups of positions][dims / 2][4 positions][2]       pairs of dimensions, four positions side by side
//   i8  values  [8 pairs of positions][dims][2]                         pairs of positions
//
// dims is headDim rounded up to a multiple of 8; what lies beyond headDim is never written and stays zero. So scores and sums of values come out of i32x4.dot_i16x8_s with no horizontal sums.

import { PAGE_POSITIONS } from '../layout'

/** Dimensions of a head as stored. */
// @ts-ignore: decorator
@inline
export function stored_dims(headDim: i32): i32 {
  return (headDim + 7) & ~7
}

/** Bytes of one KV head in one layer of a page. */
// @ts-ignore: decorator
@inline
export function head_bytes(dims: i32): usize {
  return <usize>(PAGE_POSITIONS * (2 * dims + 8))
}

/**
 * @param page the layer's part of the page; @param slot 0..15; @param k, v (kvHeads, headDim) f32
 */
export function kv_write_q8(page: usize, slot: i32, k: usize, v: usize, kvHeads: i32, headDim: i32): void {
  const dims = stored_dims(headDim)
  for (let head = 0; head < kvHeads; head++) {
    const keys = page + <usize>(8 * PAGE_POSITIONS)
    const values = keys + <usize>(PAGE_POSITIONS * dims)

    const key_inverse = store_scale(page + (<usize>slot << 2), k, headDim)
    let to = keys + <usize>((slot >> 2) * 4 * dims + ((slot & 3) << 1))
    for (let d = 0; d < headDim; d += 2) {
      store<i8>(to, code(k + (<usize>d << 2), key_inverse))
      store<i8>(to + 1, code(k + (<usize>d << 2) + 4, key_inverse))
      to += 8
    }

    const value_inverse = store_scale(page + <usize>(4 * PAGE_POSITIONS) + (<usize>slot << 2), v, headDim)
    to = values + <usize>((slot >> 1) * 2 * dims + (slot & 1))
    for (let d = 0; d < headDim; d++) {
      store<i8>(to, code(v + (<usize>d << 2), value_inverse))
      to += 2
    }

    page += head_bytes(dims)
    k += <usize>headDim << 2
    v += <usize>headDim << 2
  }
}

// Stores amax / 127 and returns 127 / amax (0 for a row of zeros).
function store_scale(scale: usize, x: usize, n: i32): f32 {
  let amax: f32 = 0
  for (let i = 0; i < n; i++) amax = max(amax, abs(load<f32>(x + (<usize>i << 2))))
  const live = amax > 1e-30
  store<f32>(scale, live ? amax / 127 : 0)
  return live ? 127 / amax : 0
}

// @ts-ignore: decorator
@inline
function code(x: usize, inverse: f32): i8 {
  return <i8>(<i32>nearest<f32>(load<f32>(x) * inverse))
}
