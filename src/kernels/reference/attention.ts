// These plain twins do what the kernels of assembly/attention do. Page and query formats are described there
// and in kernels.ts.

import { PAGE_POSITIONS as P, storedDims } from '../layout.ts'
import type { Kernels } from '../kernels.ts'
import { expDownF32, roundTiesToEven } from '../../lib/math-f32.ts'
import { dotF32 } from './matmul.ts'
import { f, joinLanes, type MemoryViews } from './memory.ts'

type AttentionKernels = Pick<
  Kernels,
  | 'rope'
  | 'hadamard'
  | 'kv_write_q8'
  | 'kv_write_f32'
  | 'quantize_query'
  | 'score_q8'
  | 'score_f32'
  | 'softmax'
  | 'values_q8'
  | 'values_f32'
  | 'scale_heads'
  | 'alibi'
>

const HIDDEN_SCORE = f(-3.0e38)
const TINY = f(1e-30)

/**
 * Where position `slot`'s code for dimension d lies in one head's keys, and in its values: behind 64 bytes of
 * scales.
 */
const keyAt = (slot: number, d: number): number => 4 * P + (d >> 2) * 64 + slot * 4 + (d & 3)
const valueAt = (slot: number, d: number): number =>
  4 * P + (d >> 3) * 128 + (slot >> 2) * 32 + (d & 7) * 4 + (slot & 3)

export function attentionReference(memory: MemoryViews): AttentionKernels {
  const { f32, i32, i8, u8, u32 } = memory
  const headBytes = (headDim: number): number => P * (storedDims(headDim) + 4)
  const queryBytes = (headDim: number): number => 16 + storedDims(headDim)

  function rope(out: number, x: number, heads: number, headDim: number, half: number, table: number): void {
    for (let head = 0; head < heads; head++) {
      const from = (x >> 2) + head * headDim
      const to = (out >> 2) + head * headDim
      for (let i = 0; i < half; i++) {
        const [a, b] = [f32[from + i], f32[from + half + i]]
        const [c, s] = [f32[(table >> 2) + i], f32[(table >> 2) + half + i]]
        f32[to + i] = f(f(a * c) - f(b * s))
        f32[to + half + i] = f(f(b * c) + f(a * s))
      }
      for (let d = 2 * half; d < headDim; d++) f32[to + d] = f32[from + d]
    }
  }

  function hadamard(x: number, heads: number, headDim: number): void {
    const run = headDim & -headDim
    const factor = f(1 / f(Math.sqrt(run)))
    const values = f32.subarray(x >> 2, (x >> 2) + heads * headDim)
    for (let far = 1; far < run; far *= 2) {
      for (let d = 0; d < values.length; d++) {
        if (d & far) continue
        const [a, b] = [values[d], values[d + far]]
        values[d] = f(a + b)
        values[d + far] = f(a - b)
      }
    }
    values.forEach((value, d) => (values[d] = f(value * factor)))
  }

  /** The largest magnitude, at most 3.4e38, NaN passed over. */
  const largest = (values: Float32Array): number =>
    Math.min(
      values.reduce((a, b) => (a < Math.abs(b) ? Math.abs(b) : a), 0),
      f(3.4e38),
    )

  /** Stores amax / top at `scale` and gives back the codes of n values. */
  function codesOf(scale: number, x: number, n: number, top: number): number[] {
    const values = f32.subarray(x >> 2, (x >> 2) + n)
    const amax = largest(values)
    const live = amax > TINY
    f32[scale >> 2] = live ? f(amax / top) : 0
    const inverse = live ? f(top / amax) : 0
    return Array.from(values, (v) => roundTiesToEven(f(v * inverse)))
  }

  function kv_write_q8(
    keys: number,
    values: number,
    slot: number,
    k: number,
    v: number,
    kvHeads: number,
    headDim: number,
  ): void {
    for (let head = 0; head < kvHeads; head++) {
      const at = head * headBytes(headDim)
      const offset = head * headDim * 4
      codesOf(keys + at + slot * 4, k + offset, headDim, 63).forEach(
        (code, d) => (u8[keys + at + keyAt(slot, d)] = 64 + code),
      )
      codesOf(values + at + slot * 4, v + offset, headDim, 127).forEach(
        (code, d) => (i8[values + at + valueAt(slot, d)] = code),
      )
    }
  }

  function kv_write_f32(
    keys: number,
    values: number,
    slot: number,
    k: number,
    v: number,
    kvHeads: number,
    headDim: number,
  ): void {
    for (let head = 0; head < kvHeads; head++) {
      const at = (head * P + slot) * headDim
      for (let d = 0; d < headDim; d++) {
        f32[(keys >> 2) + at + d] = f32[(k >> 2) + head * headDim + d]
        f32[(values >> 2) + at + d] = f32[(v >> 2) + head * headDim + d]
      }
    }
  }

  function quantize_query(out: number, q: number, heads: number, headDim: number, factor: number): void {
    for (let head = 0; head < heads; head++) {
      const values = f32.subarray((q >> 2) + head * headDim, (q >> 2) + (head + 1) * headDim)
      const amax = largest(values)
      const live = amax > TINY
      const inverse = live ? f(127 / amax) : 0
      const at = out + head * queryBytes(headDim)
      f32[at >> 2] = live ? f(f(amax / 127) * f(factor)) : 0
      values.forEach((v, d) => (i8[at + 16 + d] = roundTiesToEven(f(v * inverse))))
      const sum = i8.subarray(at + 16, at + 16 + headDim).reduce((a, b) => a + b, 0)
      i32[(at + 4) >> 2] = -64 * sum
    }
  }

  function score_q8(
    scores: number,
    stride: number,
    query: number,
    table: number,
    _offset: number,
    pages: number,
    low: number,
    high: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void {
    const group = heads / kvHeads
    for (let head = 0; head < heads; head++) {
      const q = query + head * queryBytes(headDim)
      for (let slot = 0; slot < pages * P; slot++) {
        const page = u32[(table >> 2) + Math.floor(slot / P)] + Math.floor(head / group) * headBytes(headDim)
        let dot = 0
        for (let d = 0; d < headDim; d++) dot += i8[q + 16 + d] * (u8[page + keyAt(slot % P, d)] - 64)
        const score = f(f(f(dot) * f32[(page >> 2) + (slot % P)]) * f32[q >> 2])
        f32[(scores >> 2) + head * stride + slot] = slot >= low && slot < high ? score : HIDDEN_SCORE
      }
    }
  }

  function score_f32(
    scores: number,
    stride: number,
    query: number,
    table: number,
    pages: number,
    low: number,
    high: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    factor: number,
  ): void {
    const group = heads / kvHeads
    for (let head = 0; head < heads; head++) {
      for (let slot = 0; slot < pages * P; slot++) {
        const kv = Math.floor(head / group) * P * headDim * 4
        const key = u32[(table >> 2) + Math.floor(slot / P)] + kv + (slot % P) * headDim * 4
        const seen = slot >= low && slot < high
        const score = seen
          ? f(dotF32(memory, query + head * headDim * 4, key, headDim) * f(factor))
          : HIDDEN_SCORE
        f32[(scores >> 2) + head * stride + slot] = score
      }
    }
  }

  function softmax(scores: number, stride: number, sums: number, n: number, heads: number): void {
    for (let head = 0; head < heads; head++) {
      const row = f32.subarray((scores >> 2) + head * stride, (scores >> 2) + head * stride + n)
      const highest = row.reduce((a, b) => Math.max(a, b), -Infinity)
      const lanes = new Float32Array(4)
      row.forEach((score, slot) => {
        row[slot] = expDownF32(f(score - highest))
        lanes[slot & 3] = lanes[slot & 3] + row[slot]
      })
      f32[(sums >> 2) + head] = joinLanes(lanes)
    }
  }

  function values_q8(
    out: number,
    weights: number,
    stride: number,
    table: number,
    offset: number,
    pages: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void {
    const group = heads / kvHeads
    for (let head = 0; head < heads; head++) {
      const pageOf = (slot: number): number =>
        u32[(table >> 2) + Math.floor(slot / P)] + offset + Math.floor(head / group) * headBytes(headDim)
      const row = (weights >> 2) + head * stride
      const slots = Array.from({ length: pages * P }, (_, slot) => slot)
      const scaled = slots.map((slot) => f(f32[row + slot] * f32[(pageOf(slot) >> 2) + (slot % P)]))
      const amax = scaled.reduce((a, b) => Math.max(a, b), 0)
      const live = amax > TINY
      let inverse = live ? f(16383 / amax) : 0
      let worth = live ? f(amax / 16383) : 0
      const lanes = new Float32Array(4)
      for (let slot = 0; slot < pages * P; slot += P) {
        for (let i = slot; i < slot + 4; i++) {
          const pairs = f(f(scaled[i] + scaled[i + 4]) + f(scaled[i + 8] + scaled[i + 12]))
          lanes[i & 3] = lanes[i & 3] + pairs
        }
      }
      // Codes are halved where a sum could pass 32 bits.
      const sum = joinLanes(lanes)
      for (let i = 0; i < 16 && f(f(sum * inverse) + 8 * pages) > 16850000; i++) {
        inverse = f(inverse * 0.5)
        worth = f(worth * 2)
      }
      const codes = scaled.map((w) => roundTiesToEven(f(w * inverse)))
      for (let d = 0; d < storedDims(headDim); d++) {
        let dot = 0
        codes.forEach((code, slot) => {
          dot += code * (d < headDim ? i8[pageOf(slot) + valueAt(slot % P, d)] : 0)
        })
        f32[(out >> 2) + head * headDim + d] = f(f(dot | 0) * worth)
      }
    }
  }

  function values_f32(
    out: number,
    weights: number,
    stride: number,
    table: number,
    offset: number,
    pages: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void {
    const group = heads / kvHeads
    for (let head = 0; head < heads; head++) {
      for (let slot = 0; slot < pages * P; slot++) {
        const weight = f32[(weights >> 2) + head * stride + slot]
        if (weight === 0) continue
        const page =
          u32[(table >> 2) + Math.floor(slot / P)] + offset + Math.floor(head / group) * P * headDim * 4
        const value = (page >> 2) + (slot % P) * headDim
        for (let d = 0; d < headDim; d++) {
          const to = (out >> 2) + head * headDim + d
          f32[to] = f(f32[to] + f(weight * f32[value + d]))
        }
      }
    }
  }

  function scale_heads(out: number, sums: number, heads: number, headDim: number): void {
    for (let head = 0; head < heads; head++) {
      const factor = f(1 / f32[(sums >> 2) + head])
      for (let d = 0; d < headDim; d++) {
        const at = (out >> 2) + head * headDim + d
        f32[at] = f(f32[at] * factor)
      }
    }
  }

  function alibi(
    scores: number,
    stride: number,
    slopes: number,
    distance: number,
    n: number,
    heads: number,
  ): void {
    for (let head = 0; head < heads; head++) {
      const row = (scores >> 2) + head * stride
      const slope = f32[(slopes >> 2) + head]
      for (let slot = 0; slot < n; slot++)
        f32[row + slot] = f(f32[row + slot] + f(slope * f(distance + slot)))
    }
  }

  return {
    rope,
    hadamard,
    kv_write_q8,
    kv_write_f32,
    quantize_query,
    score_q8,
    score_f32,
    softmax,
    values_q8,
    values_f32,
    scale_heads,
    alibi,
  }
}
