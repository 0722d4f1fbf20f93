// These kernels compute attention over f32 pages, the reference precision. Per layer and KV head a page holds
// f32 keys[16][headDim], and elsewhere f32 values[16][headDim]. Scores, table and strides as in score_q8.ts
// and values_q8.ts; softmax and scale_heads are shared. Tiles: 4 slots, and 16 dimensions; each number is
// added up in the order of its dimensions or slots. Measured: 0.9 ms a token of a prompt of 256 for all layers of
// Gemma 3 270M, where one slot and one dimension at a time took 2.4.

import { HIDDEN_SCORE, PAGE_POSITIONS } from '../layout'
import { sum_f32x4 } from '../simd/lanes'

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
  const slots = pages * PAGE_POSITIONS
  for (let head = 0; head < heads; head++) {
    const kv = <usize>(head / group) * head_bytes(headDim)
    for (let slot = 0; slot < slots; slot += 4) {
      const page = <usize>load<u32>(table + (<usize>(slot / PAGE_POSITIONS) << 2)) + kv
      four_slots(scores + (<usize>slot << 2), query, page + <usize>(slot % PAGE_POSITIONS) * row, headDim, factor)
    }
    for (let slot = 0; slot < low; slot++) store<f32>(scores + (<usize>slot << 2), HIDDEN_SCORE)
    for (let slot = high; slot < slots; slot++) store<f32>(scores + (<usize>slot << 2), HIDDEN_SCORE)
    scores += stride << 2
    query += row
  }
}

// Four dots at a time: the sum of one waits for each addition. Order as in dot_f32.
function four_slots(out: usize, query: usize, key: usize, headDim: i32, factor: f32): void {
  const row = <usize>headDim << 2
  const whole = row & ~15
  let a = f32x4.splat(0)
  let b = a
  let c = a
  let d = a
  let at: usize = 0
  for (; at < whole; at += 16) {
    const q = v128.load(query + at)
    const k = key + at
    a = f32x4.add(a, f32x4.mul(q, v128.load(k)))
    b = f32x4.add(b, f32x4.mul(q, v128.load(k + row)))
    c = f32x4.add(c, f32x4.mul(q, v128.load(k + 2 * row)))
    d = f32x4.add(d, f32x4.mul(q, v128.load(k + 3 * row)))
  }
  rest(out, sum_f32x4(a), query, key, at, row, factor)
  rest(out + 4, sum_f32x4(b), query, key + row, at, row, factor)
  rest(out + 8, sum_f32x4(c), query, key + 2 * row, at, row, factor)
  rest(out + 12, sum_f32x4(d), query, key + 3 * row, at, row, factor)
}

function rest(out: usize, sum: f32, query: usize, key: usize, at: usize, row: usize, factor: f32): void {
  for (; at < row; at += 4) sum += load<f32>(query + at) * load<f32>(key + at)
  store<f32>(out, sum * factor)
}

/** out[head] += sum over slots of weight x value, in order of slot; slots of zero weight are skipped. */
export function values_f32(
  out: usize, weights: usize, stride: usize, table: usize, offset: usize, pages: i32, heads: i32, kvHeads: i32, headDim: i32,
): void {
  const group = heads / kvHeads
  const row = <usize>headDim << 2
  const whole = row & ~63
  for (let head = 0; head < heads; head++) {
    const kv = offset + <usize>(head / group) * head_bytes(headDim)
    let at: usize = 0
    for (; at < whole; at += 64) sixteen_dims(out + at, weights, table, pages, kv + at, row)
    for (; at < row; at += 4) one_dim(out + at, weights, table, pages, kv + at, row)
    weights += stride << 2
    out += row
  }
}

function sixteen_dims(out: usize, weights: usize, table: usize, pages: i32, values: usize, row: usize): void {
  let a = v128.load(out)
  let b = v128.load(out, 16)
  let c = v128.load(out, 32)
  let d = v128.load(out, 48)
  for (let page = 0; page < pages; page++) {
    let v = <usize>load<u32>(table + (<usize>page << 2)) + values
    for (const end = weights + 4 * PAGE_POSITIONS; weights < end; weights += 4) {
      const weight = load<f32>(weights)
      if (weight != 0) {
        const w = f32x4.splat(weight)
        a = f32x4.add(a, f32x4.mul(w, v128.load(v)))
        b = f32x4.add(b, f32x4.mul(w, v128.load(v + 16)))
        c = f32x4.add(c, f32x4.mul(w, v128.load(v + 32)))
        d = f32x4.add(d, f32x4.mul(w, v128.load(v + 48)))
      }
      v += row
    }
  }
  v128.store(out, a)
  v128.store(out, b, 16)
  v128.store(out, c, 32)
  v128.store(out, d, 48)
}

function one_dim(out: usize, weights: usize, table: usize, pages: i32, values: usize, row: usize): void {
  let sum = load<f32>(out)
  for (let page = 0; page < pages; page++) {
    let v = <usize>load<u32>(table + (<usize>page << 2)) + values
    for (const end = weights + 4 * PAGE_POSITIONS; weights < end; weights += 4) {
      const weight = load<f32>(weights)
      if (weight != 0) sum += weight * load<f32>(v)
      v += row
    }
  }
  store<f32>(out, sum)
}
