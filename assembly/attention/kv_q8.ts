// One position's keys and values -> its slot of a KV page. A page holds 16 positions; per layer and KV head:
//
//   keys    f32 scale[16], u8 [dims / 4][16 positions][4]                 code 1..127 = key / scale + 64, transformed by hadamard before
//   values  f32 scale[16], i8 [dims / 8][4 groups of positions][8][4 positions]
//
// dims is headDim rounded up to a multiple of 8; what lies beyond headDim is never written and stays zero. Seven bits make a key the
// unsigned operand of the dot as it stands; the transform wins back what the eighth bit was worth (docs/decisions/0010).

import { PAGE_POSITIONS } from '../layout'

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

/** @param keys, values the layer's parts of the page; @param slot 0..15; @param k, v (kvHeads, headDim) f32, k transformed */
export function kv_write_q8(keys: usize, values: usize, slot: i32, k: usize, v: usize, kvHeads: i32, headDim: i32): void {
  const dims = stored_dims(headDim)
  for (let head = 0; head < kvHeads; head++) {
    const key_inverse = store_scale(keys + (<usize>slot << 2), k, headDim, 63)
    const key_codes = keys + <usize>(4 * PAGE_POSITIONS + (slot << 2))
    for (let d = 0; d < headDim; d++) {
      store<u8>(key_codes + <usize>((d >> 2) * 64 + (d & 3)), <u8>(64 + code(k + (<usize>d << 2), key_inverse)))
    }

    const value_inverse = store_scale(values + (<usize>slot << 2), v, headDim, 127)
    const value_codes = values + <usize>(4 * PAGE_POSITIONS + (slot >> 2) * 32 + (slot & 3))
    for (let d = 0; d < headDim; d++) {
      store<i8>(value_codes + <usize>((d >> 3) * 128 + ((d & 7) << 2)), <i8>code(v + (<usize>d << 2), value_inverse))
    }

    keys += head_bytes(dims)
    values += head_bytes(dims)
    k += <usize>headDim << 2
    v += <usize>headDim << 2
  }
}

// Stores amax / top and returns top / amax (0 for a row of zeros).
function store_scale(scale: usize, x: usize, n: i32, top: f32): f32 {
  let amax: f32 = 0
  for (let i = 0; i < n; i++) amax = max(amax, abs(load<f32>(x + (<usize>i << 2))))
  const live = amax > 1e-30
  store<f32>(scale, live ? amax / top : 0)
  return live ? top / amax : 0
}

// @ts-ignore: decorator
@inline
function code(x: usize, inverse: f32): i32 {
  return <i32>nearest<f32>(load<f32>(x) * inverse)
}
