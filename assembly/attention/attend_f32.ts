// These kernels compute attention over f32 pages, the reference precision. Per layer and KV head a page holds
// f32 keys[16][headDim], and elsewhere f32 values[16][headDim]. Scores, table and strides as in score_q8.ts
// and values_q8.ts; softmax and scale_heads are shared.

import { HIDDEN_SCORE, PAGE_POSITIONS } from '../layout'
import { dot_f32 } from '../matmul/matmul_f32'

// @ts-ignore: decorator
@inline
function head_bytes(headDim: i32): usize {
  return <usize>(PAGE_POSITIONS * headDim * 4)
}

/** k, v (kvHeads, headDim) f32 into slot 0..15 of the layer's parts of a page. */
export function kv_write_f32(keys: usize, values: usize, slot: i32, k: usize, v: usize, kvHeads: i32, headDim: i32): void {
  const row = <usize>headDim << 2
  for (let head = 0; head < kvHeads; head++) {
    memory.copy(keys + <usize>slot * row, k, row)
    memory.copy(values + <usize>slot * row, v, row)
    keys += head_bytes(headDim)
    values += head_bytes(headDim)
    k += row
    v += row
  }
}

/**
 * scores[head][slot] = (query . key) * factor; slots outside [low, high) get HIDDEN_SCORE. query (heads,
 * headDim) f32.
 */
export function score_f32(
  scores: usize, stride: usize, query: usize, table: usize, pages: i32, low: i32, high: i32,
  heads: i32, kvHeads: i32, headDim: i32, factor: f32,
): void {
  const group = heads / kvHeads
  const row = <usize>headDim << 2
  for (let head = 0; head < heads; head++) {
    const kv = <usize>(head / group) * head_bytes(headDim)
    for (let slot = 0; slot < pages * PAGE_POSITIONS; slot++) {
      let score: f32 = HIDDEN_SCORE
      if (slot >= low && slot < high) {
        const page = <usize>load<u32>(table + (<usize>(slot / PAGE_POSITIONS) << 2)) + kv
        score = dot_f32(query, page + <usize>(slot % PAGE_POSITIONS) * row, headDim) * factor
      }
      store<f32>(scores + (<usize>slot << 2), score)
    }
    scores += stride << 2
    query += row
  }
}

/** out[head] += sum over slots of weight x value, in order of slot; slots of zero weight are skipped. */
export function values_f32(
  out: usize, weights: usize, stride: usize, table: usize, offset: usize, pages: i32, heads: i32, kvHeads: i32, headDim: i32,
): void {
  const group = heads / kvHeads
  const row = <usize>headDim << 2
  for (let head = 0; head < heads; head++) {
    const kv = offset + <usize>(head / group) * head_bytes(headDim)
    for (let slot = 0; slot < pages * PAGE_POSITIONS; slot++) {
      const weight = load<f32>(weights + (<usize>slot << 2))
      if (weight == 0) continue
      const page = <usize>load<u32>(table + (<usize>(slot / PAGE_POSITIONS) << 2)) + kv
      const value = page + <usize>(slot % PAGE_POSITIONS) * row
      for (let at: usize = 0; at < row; at += 4) {
        store<f32>(out + at, load<f32>(out + at) + weight * load<f32>(value + at))
      }
    }
    weights += stride << 2
    out += row
  }
}
