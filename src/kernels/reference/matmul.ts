// Plain twins of assembly/matmul: slow and obviously right. Every f32 step is rounded by Math.fround.

import { BLOCK, CONSTANTS_AT, pairedHalf, TILE_BYTES, TILE_ROWS, X1_BYTES, X4_BYTES } from '../layout.ts'
import type { Kernels } from '../kernels.ts'
import { roundTiesToEven } from '../../lib/math-f32.ts'
import { f, f16, joinLanes, type MemoryViews } from './memory.ts'

type Kind = 'q4' | 'q4m' | 'q8' | 'q6'
type MatmulKernels = Pick<
  Kernels,
  | 'quantize_x1'
  | 'quantize_x4'
  | 'matmul_f32'
  | 'gemv_q4_q8'
  | 'gemv_q4m_q8'
  | 'gemv_q8_q8'
  | 'gemv_q6_q8'
  | 'gemm_q4_q8'
  | 'gemm_q4m_q8'
  | 'gemm_q8_q8'
  | 'gemm_q6_q8'
  | 'embed_q4'
  | 'embed_q4m'
  | 'embed_q8'
  | 'embed_q6'
>

/** Activations' scales carry 2^56, weights' constants 2^-112, and a finished sum is multiplied by 2^56 (assembly/simd/f16.ts). */
const HALF_BIAS = 2 ** 56

/** One quantised block of activations: what a dot needs. */
type Activations = { scale: number; sum: number; codes: Int8Array }

/** A stored weight block: integer codes of 32 columns with their constants (minimum 0 where the kind has none). */
type WeightBlock = { scale: number; minimum: number; codes: Int16Array }

export function matmulReference(memory: MemoryViews): MatmulKernels {
  const { f32, i32, i16, i8, u16, u8 } = memory

  function blockOf(x: number, left: number): Activations & { start: [number, number] } {
    const values = new Float32Array(BLOCK)
    for (let c = 0; c < Math.min(BLOCK, left); c++) values[c] = f32[(x >> 2) + c]
    const amax = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
    const live = amax > f(1e-30)
    const scale = live ? f(f(amax / 127) * HALF_BIAS) : 0
    const inverse = live ? f(127 / amax) : 0
    const codes = Int8Array.from(values, (v) => roundTiesToEven(f(v * inverse)))
    let even = 0
    let odd = 0
    codes.forEach((code, c) => ((c & 2) === 0 ? (even += code) : (odd += code)))
    return { scale, sum: f(scale * f(even + odd)), codes, start: [-8 * even, -8 * odd] }
  }

  function quantize_x1(out: number, x: number, cols: number): void {
    for (let col = 0; col < cols; col += BLOCK) {
      const block = blockOf(x + col * 4, cols - col)
      f32[out >> 2] = block.scale
      f32[(out + 4) >> 2] = block.sum
      i16.set(block.start, (out + 8) >> 1)
      i32[(out + 12) >> 2] = block.start[0] + block.start[1]
      i8.set(block.codes, out + 16)
      out += X1_BYTES
    }
  }

  function quantize_x4(out: number, x: number, stride: number, tokens: number, cols: number): void {
    for (let col = 0; col < cols; col += BLOCK) {
      for (let t = 0; t < 4; t++) {
        const block = blockOf(x + t * stride + col * 4, t < tokens ? cols - col : 0)
        f32[(out >> 2) + t] = block.scale
        f32[((out + 16) >> 2) + t] = block.sum
        i16.set(block.start, ((out + 32) >> 1) + 2 * t)
        i32[((out + 48) >> 2) + t] = block.start[0] + block.start[1]
        block.codes.forEach((code, c) => (i8[out + 64 + (c >> 2) * 16 + t * 4 + (c & 3)] = code))
      }
      out += X4_BYTES
    }
  }

  function activationsX1(x: number, block: number): Activations {
    const at = x + block * X1_BYTES
    return { scale: f32[at >> 2], sum: f32[(at + 4) >> 2], codes: i8.subarray(at + 16, at + 48) }
  }

  function activationsX4(x: number, block: number, t: number): Activations {
    const at = x + block * X4_BYTES
    const codes = Int8Array.from({ length: BLOCK }, (_, c) => i8[at + 64 + (c >> 2) * 16 + t * 4 + (c & 3)])
    return { scale: f32[(at >> 2) + t], sum: f32[((at + 16) >> 2) + t], codes }
  }

  /** Block `block` of row `row` in a stored matrix. */
  function weights(kind: Kind, w: number, row: number, block: number, blocks: number): WeightBlock {
    const tile = w + (Math.floor(row / TILE_ROWS) * blocks + block) * TILE_BYTES[kind]
    const r = row % TILE_ROWS
    const constants = (tile + CONSTANTS_AT[kind]) >> 1
    const hasMinimum = kind === 'q4m' || kind === 'q6'
    const scale = hasMinimum ? f16(u16[constants + 2 * r]) : f16(u16[constants + pairedHalf(r)])
    const minimum = hasMinimum ? f16(u16[constants + 2 * r + 1]) : 0
    const codes = Int16Array.from({ length: BLOCK }, (_, c) => {
      const g = kind === 'q8' ? c >> 2 : c >> 3
      const byte = u8[tile + (g * 4 + (r >> 2)) * 16 + (r & 3) * 4 + (c & 3)]
      if (kind === 'q8') return byte - 128
      const nibble = c & 4 ? byte >> 4 : byte & 15
      if (kind === 'q4') return nibble - 8
      if (kind === 'q4m') return nibble
      const pairs = u8[tile + 256 + g * 32 + (r >> 3) * 16 + (r & 3) * 4 + (c & 3)]
      return nibble + 16 * ((pairs >> (((r >> 2) & 1) * 4 + (c & 4) / 2)) & 3)
    })
    return { scale, minimum, codes }
  }

  function dotRow(
    kind: Kind,
    w: number,
    row: number,
    blocks: number,
    x: (block: number) => Activations,
  ): number {
    let acc = 0
    for (let block = 0; block < blocks; block++) {
      const weight = weights(kind, w, row, block, blocks)
      const activation = x(block)
      let dot = 0
      for (let c = 0; c < BLOCK; c++) dot += weight.codes[c] * activation.codes[c]
      acc = f(acc + f(f(dot * activation.scale) * f(weight.scale * 2 ** -112)))
      if (kind === 'q4m' || kind === 'q6') acc = f(acc + f(f(weight.minimum * 2 ** -112) * activation.sum))
    }
    return f(acc * HALF_BIAS)
  }

  const gemv =
    (kind: Kind) =>
    (y: number, w: number, x: number, rows: number, cols: number): void => {
      const blocks = Math.ceil(cols / BLOCK)
      const padded = Math.ceil(rows / TILE_ROWS) * TILE_ROWS
      for (let row = 0; row < padded; row++) {
        f32[(y >> 2) + row] = dotRow(kind, w, row, blocks, (block) => activationsX1(x, block))
      }
    }

  const gemm =
    (kind: Kind) =>
    (y: number, stride: number, w: number, x: number, rows: number, cols: number, groups: number): void => {
      const blocks = Math.ceil(cols / BLOCK)
      const padded = Math.ceil(rows / TILE_ROWS) * TILE_ROWS
      for (let token = 0; token < 4 * groups; token++) {
        const xg = x + (token >> 2) * blocks * X4_BYTES
        for (let row = 0; row < padded; row++) {
          const value = dotRow(kind, w, row, blocks, (block) => activationsX4(xg, block, token & 3))
          f32[((y + token * stride) >> 2) + row] = value
        }
      }
    }

  const embed =
    (kind: Kind) =>
    (out: number, w: number, row: number, cols: number): void => {
      const blocks = Math.ceil(cols / BLOCK)
      for (let c = 0; c < cols; c++) {
        const { scale, minimum, codes } = weights(kind, w, row, Math.floor(c / BLOCK), blocks)
        const value = f(scale * codes[c % BLOCK])
        f32[(out >> 2) + c] = kind === 'q4m' || kind === 'q6' ? f(value + minimum) : value
      }
    }

  function matmul_f32(
    y: number,
    yStride: number,
    w: number,
    x: number,
    xStride: number,
    rows: number,
    cols: number,
    tokens: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      for (let t = 0; t < tokens; t++) {
        f32[((y + t * yStride) >> 2) + row] = dotF32(memory, w + row * cols * 4, x + t * xStride, cols)
      }
    }
  }

  return {
    quantize_x1,
    quantize_x4,
    matmul_f32,
    gemv_q4_q8: gemv('q4'),
    gemv_q4m_q8: gemv('q4m'),
    gemv_q8_q8: gemv('q8'),
    gemv_q6_q8: gemv('q6'),
    gemm_q4_q8: gemm('q4'),
    gemm_q4m_q8: gemm('q4m'),
    gemm_q8_q8: gemm('q8'),
    gemm_q6_q8: gemm('q6'),
    embed_q4: embed('q4'),
    embed_q4m: embed('q4m'),
    embed_q8: embed('q8'),
    embed_q6: embed('q6'),
  }
}

/** Dot of two f32 vectors in the kernels' lane order. */
export function dotF32({ f32 }: MemoryViews, a: number, b: number, n: number): number {
  const lanes = new Float32Array(4)
  const whole = n & ~3
  for (let i = 0; i < whole; i++) lanes[i & 3] = lanes[i & 3] + f(f32[(a >> 2) + i] * f32[(b >> 2) + i])
  let sum = joinLanes(lanes)
  for (let i = whole; i < n; i++) sum = f(sum + f(f32[(a >> 2) + i] * f32[(b >> 2) + i]))
  return sum
}
