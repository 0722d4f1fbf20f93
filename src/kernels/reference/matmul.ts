// These plain twins do what the kernels of assembly/matmul do: slow and obviously right. Every f32 step is
// rounded by Math.fround.

import { BLOCK, isBySpan, pairedHalf, rowGroupBytes, SPAN, TILE_ROWS, TILES, x4Bytes } from '../layout.ts'
import type { Kernels } from '../kernels.ts'
import { bf16, f, f16, joinLanes, type MemoryViews } from './memory.ts'
import { HALF_BIAS, quantizeReference, type Activations } from './quantize.ts'

type Kind = 'q4' | 'q4m' | 'q4n' | 'q8' | 'q5' | 'q6'
type MatmulKernels = Pick<
  Kernels,
  | 'quantize_x1'
  | 'quantize_x4'
  | 'arrange_nibbles'
  | 'restore_nibbles'
  | 'q4_vector_rows'
  | 'matmul_f32'
  | 'gemv_q4_q8'
  | 'gemv_q4m_q8'
  | 'gemv_q4n_q8'
  | 'gemv_q8_q8'
  | 'gemv_q5_q8'
  | 'gemv_q6_q8'
  | 'gemm_q4_q8'
  | 'gemm_q4m_q8'
  | 'gemm_q4n_q8'
  | 'gemm_q8_q8'
  | 'gemm_q5_q8'
  | 'gemm_q6_q8'
  | 'embed_q4'
  | 'embed_q4m'
  | 'embed_q4n'
  | 'embed_q8'
  | 'embed_q5'
  | 'embed_q6'
>

/**
 * A stored weight block: integer codes of 32 columns with their constants (minimum 0 where the kind has
 * none).
 */
type WeightBlock = { scale: number; minimum: number; codes: Int16Array }

export function matmulReference(memory: MemoryViews): MatmulKernels {
  const { f32, i16, u16, u8, i8 } = memory
  const { quantize_x1, quantize_x4, activationsX1, activationsX4 } = quantizeReference(memory)

  /** Where the row group of `row` lies. */
  function rowGroup(kind: Kind, w: number, row: number, cols: number): number {
    return w + Math.floor(row / TILE_ROWS) * rowGroupBytes(kind, cols)
  }

  /** What the finished sum of a row is multiplied by; of a kind without units 1. */
  function unitOf(kind: Kind, w: number, row: number, cols: number): number {
    const { units } = TILES[kind]
    const at = rowGroup(kind, w, row, cols) + rowGroupBytes(kind, cols) - units
    const r = row % TILE_ROWS
    if (units === 0) return 1
    return units === TILE_ROWS ? 2 ** (u8[at + r] - 127) : bf16(u16[(at >> 1) + r])
  }

  /** Block `block` of row `row` in a matrix that is stored by spans; codes about 8. */
  function spanBlock(kind: Kind, w: number, row: number, block: number, cols: number): WeightBlock {
    const tile = rowGroup(kind, w, row, cols) + (block >> 1) * TILES[kind].bytes
    const r = row % TILE_ROWS
    const b = block & 1
    const codes = Int16Array.from({ length: BLOCK }, (_, c) => {
      const byte = u8[tile + ((c >> 3) * 8 + (r >> 1)) * 16 + 8 * (r & 1) + 4 * b + (c & 3)]
      return (c & 4 ? byte >> 4 : byte & 15) - 8
    })
    const constants = (tile + TILES[kind].constants) >> 1
    if (kind === 'q4') return { scale: i16[constants + 2 * r + b], minimum: 0, codes }
    if (kind === 'q4n') {
      const narrow = tile + TILES.q4n.constants + 2 * r + b
      return { scale: 2 * u8[narrow], minimum: i8[narrow + 2 * TILE_ROWS], codes }
    }
    const at = constants + (r >> 2) * 16 + 2 * (r & 3) + b
    return { scale: i16[at], minimum: i16[at + 8], codes }
  }

  /** The same of a matrix that is stored by blocks: f16 constants, or integers under a unit. */
  function ownBlock(kind: Kind, w: number, row: number, block: number, cols: number): WeightBlock {
    const tile = rowGroup(kind, w, row, cols) + block * TILES[kind].bytes
    const r = row % TILE_ROWS
    const constants = (tile + TILES[kind].constants) >> 1
    const codes = Int16Array.from({ length: BLOCK }, (_, c) => {
      const g = kind === 'q8' ? c >> 2 : c >> 3
      const byte = u8[tile + (g * 4 + (r >> 2)) * 16 + (r & 3) * 4 + (c & 3)]
      if (kind === 'q8') return byte - 128
      const nibble = c & 4 ? byte >> 4 : byte & 15
      if (kind === 'q5') {
        const bits = u8[tile + 256 + g * 16 + (r & 3) * 4 + (c & 3)]
        return nibble + 16 * ((bits >> (2 * (r >> 2) + ((c & 4) >> 2))) & 1) - 16
      }
      const pairs = u8[tile + 256 + g * 32 + (r >> 3) * 16 + (r & 3) * 4 + (c & 3)]
      return nibble + 16 * ((pairs >> (((r >> 2) & 1) * 4 + (c & 4) / 2)) & 3)
    })
    if (kind !== 'q6') return { scale: f16(u16[constants + pairedHalf(r)]), minimum: 0, codes }
    const scale = u8[tile + TILES.q6.constants + 2 * r]
    return { scale, minimum: 32 * (i8[tile + TILES.q6.constants + 2 * r + 1] - scale), codes }
  }

  const dotOf = (a: Int16Array, b: Int8Array): number => a.reduce((sum, code, c) => sum + code * b[c], 0)

  /**
   * Of a span, in integers: round(dot * fraction / 32768) * scale + sum * minimum, both blocks; then one f32
   * sum.
   */
  function spanRow(
    kind: Kind,
    w: number,
    row: number,
    cols: number,
    x: (block: number) => Activations,
    scale: number,
  ): number {
    let acc = 0
    for (let block = 0; block < cols / SPAN; block++) {
      let sum = 0
      for (const half of [2 * block, 2 * block + 1]) {
        const weight = spanBlock(kind, w, row, half, cols)
        const activation = x(half)
        const dot = (dotOf(weight.codes, activation.codes) * activation.fraction + 16384) >> 15
        sum += dot * weight.scale + activation.share * weight.minimum
      }
      acc = f(acc + f(sum))
    }
    return f(f(acc * scale) * unitOf(kind, w, row, cols))
  }

  /** Of a block: (dot * scale) * scale, then + minimum * sum, all in f32. f16 constants come with their exponents' bias. */
  function blockRow(
    kind: Kind,
    w: number,
    row: number,
    cols: number,
    x: (block: number) => Activations,
  ): number {
    const bias = kind === 'q6' ? 1 : HALF_BIAS ** -2
    let acc = 0
    for (let block = 0; block < cols / BLOCK; block++) {
      const weight = ownBlock(kind, w, row, block, cols)
      const activation = x(block)
      const dot = dotOf(weight.codes, activation.codes)
      acc = f(acc + f(f(dot * activation.scale) * f(weight.scale * bias)))
      if (kind === 'q6') acc = f(acc + f(weight.minimum * activation.sum))
    }
    return f(acc * (kind === 'q6' ? f(unitOf(kind, w, row, cols) / HALF_BIAS) : HALF_BIAS))
  }

  function dotRow(
    kind: Kind,
    w: number,
    row: number,
    cols: number,
    x: (block: number) => Activations,
    scale: number,
  ): number {
    return isBySpan(kind) ? spanRow(kind, w, row, cols, x, scale) : blockRow(kind, w, row, cols, x)
  }

  const gemv =
    (kind: Kind) =>
    (y: number, w: number, x: number, rows: number, cols: number): void => {
      const padded = Math.ceil(rows / TILE_ROWS) * TILE_ROWS
      for (let row = 0; row < padded; row++) {
        const value = dotRow(kind, w, row, cols, (block) => activationsX1(x, block), f32[x >> 2])
        f32[(y >> 2) + row] = value
      }
    }

  const gemm =
    (kind: Kind) =>
    (y: number, stride: number, w: number, x: number, rows: number, cols: number, groups: number): void => {
      const padded = Math.ceil(rows / TILE_ROWS) * TILE_ROWS
      for (let token = 0; token < 4 * groups; token++) {
        const xg = x + (token >> 2) * x4Bytes(cols)
        const t = token & 3
        for (let row = 0; row < padded; row++) {
          const value = dotRow(kind, w, row, cols, (block) => activationsX4(xg, block, t), f32[(xg >> 2) + t])
          f32[((y + token * stride) >> 2) + row] = value
        }
      }
    }

  const embed =
    (kind: Kind) =>
    (out: number, w: number, row: number, cols: number): void => {
      for (let c = 0; c < cols; c++) {
        const block = Math.floor(c / BLOCK)
        const { scale, minimum, codes } = (isBySpan(kind) ? spanBlock : ownBlock)(kind, w, row, block, cols)
        const code = codes[c % BLOCK]
        const height = isBySpan(kind) ? 8 * minimum : minimum
        f32[(out >> 2) + c] =
          TILES[kind].units === 0 ? f(scale * code) : f((scale * code + height) * unitOf(kind, w, row, cols))
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
    // The twin multiplies by what the file has.
    arrange_nibbles: () => undefined,
    restore_nibbles: () => undefined,
    q4_vector_rows: () => 4,
    matmul_f32,
    gemv_q4_q8: gemv('q4'),
    gemv_q4m_q8: gemv('q4m'),
    gemv_q4n_q8: gemv('q4n'),
    gemv_q8_q8: gemv('q8'),
    gemv_q5_q8: gemv('q5'),
    gemv_q6_q8: gemv('q6'),
    gemm_q4_q8: gemm('q4'),
    gemm_q4m_q8: gemm('q4m'),
    gemm_q4n_q8: gemm('q4n'),
    gemm_q8_q8: gemm('q8'),
    gemm_q5_q8: gemm('q5'),
    gemm_q6_q8: gemm('q6'),
    embed_q4: embed('q4'),
    embed_q4m: embed('q4m'),
    embed_q4n: embed('q4n'),
    embed_q8: embed('q8'),
    embed_q5: embed('q5'),
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
