// Plain twins of assembly/attention. Page and query formats are described there and in kernels.ts.

import { PAGE_POSITIONS as P, storedDims } from '../layout.ts'
import type { Kernels } from '../kernels.ts'
import { expF32, roundTiesToEven } from '../../lib/math-f32.ts'
import { dotF32 } from './matmul.ts'
import { f, joinLanes, type MemoryViews } from './memory.ts'

type AttentionKernels = Pick<
  Kernels,
  | 'rope'
  | 'kv_write_q8'
  | 'kv_write_f32'
  | 'quantize_query'
  | 'score_q8'
  | 'score_f32'
  | 'softmax'
  | 'values_q8'
  | 'values_f32'
  | 'scale_heads'
>

const HIDDEN_SCORE = f(-3.0e38)
const TINY = f(1e-30)

/** Where position `slot`'s code for dimension d lies behind the 128 bytes of scales of one head. */
const keyAt = (slot: number, d: number, headDim: number): number =>
  8 * P + (slot >> 2) * 4 * storedDims(headDim) + (d >> 1) * 8 + (slot & 3) * 2 + (d & 1)
const valueAt = (slot: number, d: number, headDim: number): number =>
  8 * P + P * storedDims(headDim) + (slot >> 1) * 2 * storedDims(headDim) + d * 2 + (slot & 1)

export function attentionReference(memory: MemoryViews): AttentionKernels {
  const { f32, i8, i16, u32 } = memory
  const headBytes = (headDim: number): number => P * (2 * storedDims(headDim) + 8)
  const queryBytes = (headDim: number): number => 16 + 2 * storedDims(headDim)

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

  /** Stores amax / 127 at `scale` and gives back the codes of n values. */
  function codesOf(scale: number, x: number, n: number): number[] {
    const values = Array.from(f32.subarray(x >> 2, (x >> 2) + n))
    const amax = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
    const live = amax > TINY
    f32[scale >> 2] = live ? f(amax / 127) : 0
    const inverse = live ? f(127 / amax) : 0
    return values.map((v) => roundTiesToEven(f(v * inverse)))
  }

  function kv_write_q8(
    page: number,
    slot: number,
    k: number,
    v: number,
    kvHeads: number,
    headDim: number,
  ): void {
    for (let head = 0; head < kvHeads; head++) {
      const at = page + head * headBytes(headDim)
      const offset = head * headDim * 4
      codesOf(at + slot * 4, k + offset, headDim).forEach(
        (code, d) => (i8[at + keyAt(slot, d, headDim)] = code),
      )
      codesOf(at + 4 * P + slot * 4, v + offset, headDim).forEach(
        (code, d) => (i8[at + valueAt(slot, d, headDim)] = code),
      )
    }
  }

  function kv_write_f32(
    page: number,
    slot: number,
    k: number,
    v: number,
    kvHeads: number,
    headDim: number,
  ): void {
    for (let head = 0; head < kvHeads; head++) {
      const at = (page >> 2) + head * P * headDim * 2
      for (let d = 0; d < headDim; d++) {
        f32[at + slot * headDim + d] = f32[(k >> 2) + head * headDim + d]
        f32[at + (P + slot) * headDim + d] = f32[(v >> 2) + head * headDim + d]
      }
    }
  }

  function quantize_query(out: number, q: number, heads: number, headDim: number, factor: number): void {
    for (let head = 0; head < heads; head++) {
      const values = f32.subarray((q >> 2) + head * headDim, (q >> 2) + (head + 1) * headDim)
      const amax = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      const live = amax > TINY
      const inverse = live ? f(32767 / amax) : 0
      const at = out + head * queryBytes(headDim)
      f32[at >> 2] = live ? f(f(amax / 32767) * f(factor)) : 0
      values.forEach((v, d) => (i16[((at + 16) >> 1) + d] = roundTiesToEven(f(v * inverse))))
    }
  }

  function score_q8(
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
  ): void {
    const group = heads / kvHeads
    for (let head = 0; head < heads; head++) {
      const q = query + head * queryBytes(headDim)
      for (let slot = 0; slot < pages * P; slot++) {
        const page = u32[(table >> 2) + Math.floor(slot / P)] + Math.floor(head / group) * headBytes(headDim)
        let dot = 0
        for (let d = 0; d < headDim; d++)
          dot += i16[((q + 16) >> 1) + d] * i8[page + keyAt(slot % P, d, headDim)]
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
        const kv = Math.floor(head / group) * P * headDim * 8
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
        row[slot] = expF32(f(score - highest))
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
    pages: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void {
    const group = heads / kvHeads
    for (let head = 0; head < heads; head++) {
      for (let index = 0; index < pages; index++) {
        const page = u32[(table >> 2) + index] + Math.floor(head / group) * headBytes(headDim)
        const at = (weights >> 2) + head * stride + index * P
        const scaled = Array.from({ length: P }, (_, slot) => f(f32[at + slot] * f32[(page >> 2) + P + slot]))
        const amax = Math.max(...scaled)
        if (!(amax > TINY)) continue
        const codes = scaled.map((w) => roundTiesToEven(f(w * f(32767 / amax))))
        for (let d = 0; d < headDim; d++) {
          const sum = codes.reduce((acc, code, slot) => acc + code * i8[page + valueAt(slot, d, headDim)], 0)
          const to = (out >> 2) + head * headDim + d
          f32[to] = f(f32[to] + f(f(sum) * f(amax / 32767)))
        }
      }
    }
  }

  function values_f32(
    out: number,
    weights: number,
    stride: number,
    table: number,
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
        const page = u32[(table >> 2) + Math.floor(slot / P)] + Math.floor(head / group) * P * headDim * 8
        const value = (page >> 2) + (P + (slot % P)) * headDim
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

  return {
    rope,
    kv_write_q8,
    kv_write_f32,
    quantize_query,
    score_q8,
    score_f32,
    softmax,
    values_q8,
    values_f32,
    scale_heads,
  }
}
