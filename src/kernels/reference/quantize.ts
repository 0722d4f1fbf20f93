// These plain twins quantise activations as assembly/matmul/quantize_q8.ts does, and read them back by block.

import { BLOCK, SPAN, X1, X4 } from '../layout.ts'
import type { Kernels } from '../kernels.ts'
import { roundTiesToEven } from '../../lib/math-f32.ts'
import { f, type MemoryViews } from './memory.ts'

/** Below this a block is all zeros: 127 / amax would overflow. */
const TINY = f(1e-30)

/**
 * Own scales of blocks carry 2^56, f16 constants 2^-112, and a finished sum is multiplied by 2^56
 * (assembly/simd/f16.ts).
 */
export const HALF_BIAS = 2 ** 56

/** One quantised block of activations: what a dot needs. */
export type Activations = { fraction: number; share: number; scale: number; sum: number; codes: Int8Array }

type QuantizeReference = Pick<Kernels, 'quantize_x1' | 'quantize_x4'> & {
  activationsX1(x: number, block: number): Activations
  activationsX4(x: number, block: number, t: number): Activations
}

/** The two kernels, and the reading of a block (and token t) out of what they wrote at x. */
export function quantizeReference({ f32, i32, i16, i8 }: MemoryViews): QuantizeReference {
  const amaxOf = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
  const scaleOf = (amax: number): number => (amax > TINY ? f(amax / 127) : 0)

  function blockOf(values: Float32Array, rowAmax: number) {
    const amax = amaxOf(values)
    const inverse = amax > TINY ? f(127 / amax) : 0
    const codes = Int8Array.from(values, (v) => roundTiesToEven(f(v * inverse)))
    let even = 0
    let odd = 0
    codes.forEach((code, c) => ((c & 2) === 0 ? (even += code) : (odd += code)))
    const fraction = amax > TINY ? Math.min(roundTiesToEven(f(amax * f(32768 / rowAmax))), 32767) : 0
    const scale = f(scaleOf(amax) * HALF_BIAS)
    return {
      codes,
      fraction,
      share: ((even + odd) * fraction + 2048) >> 12,
      scale,
      sum: f(scale * f(even + odd)),
      start: [-8 * even, -8 * odd],
    }
  }

  /** One token's row as spans of two blocks, the columns past `cols` zero. */
  function quantized(x: number, cols: number) {
    const values = new Float32Array(Math.ceil(cols / SPAN) * SPAN)
    for (let c = 0; c < cols; c++) values[c] = f32[(x >> 2) + c]
    const amax = amaxOf(values)
    const blocks = Array.from({ length: values.length / BLOCK }, (_, b) =>
      blockOf(values.subarray(b * BLOCK, (b + 1) * BLOCK), amax),
    )
    return { scale: scaleOf(amax), blocks }
  }

  function quantize_x1(out: number, x: number, cols: number): void {
    const { scale, blocks } = quantized(x, cols)
    f32[out >> 2] = scale
    blocks.forEach((block, i) => {
      const span = out + X1.header + (i >> 1) * X1.bytes
      const b = i & 1
      i16[((span + X1.fractions) >> 1) + b] = block.fraction
      i16[((span + X1.sums) >> 1) + b] = block.share
      i32[((span + X1.starts) >> 2) + b] = block.start[0] + block.start[1]
      i16.set(block.start, ((span + X1.startPairs) >> 1) + 2 * b)
      i16[((span + X1.wordStarts) >> 1) + b] = block.start[0] + block.start[1]
      f32[((span + X1.blockScales) >> 2) + b] = block.scale
      f32[((span + X1.blockSums) >> 2) + b] = block.sum
      block.codes.forEach((code, c) => {
        i8[span + X1.codes + (c >> 2) * 8 + b * 4 + (c & 3)] = code
        i8[span + X1.words + (c >> 1) * 4 + b * 2 + (c & 1)] = code
      })
    })
  }

  function quantize_x4(out: number, x: number, stride: number, tokens: number, cols: number): void {
    for (let t = 0; t < 4; t++) {
      const { scale, blocks } = quantized(x + t * stride, cols)
      f32[(out >> 2) + t] = t < tokens ? scale : 0
      blocks.forEach((live, i) => {
        const block = t < tokens ? live : blockOf(new Float32Array(BLOCK), 0)
        const span = out + X4.header + (i >> 1) * X4.bytes
        const b = i & 1
        i16[((span + X4.fractions) >> 1) + 2 * t + b] = block.fraction
        i16[((span + X4.sums) >> 1) + 2 * t + b] = block.share
        i32[((span + X4.starts) >> 2) + 2 * t + b] = block.start[0] + block.start[1]
        i16.set(block.start, ((span + X4.startPairs) >> 1) + 4 * t + 2 * b)
        i16[((span + X4.wordStarts) >> 1) + 2 * t + b] = block.start[0] + block.start[1]
        f32[((span + X4.blockScales) >> 2) + 2 * t + b] = block.scale
        f32[((span + X4.blockSums) >> 2) + 2 * t + b] = block.sum
        block.codes.forEach((code, c) => {
          i8[span + X4.codes + (c >> 2) * 32 + t * 8 + b * 4 + (c & 3)] = code
          i8[span + X4.words + t * 64 + (c >> 1) * 4 + b * 2 + (c & 1)] = code
        })
      })
    }
  }

  function activationsX1(x: number, block: number): Activations {
    const span = x + X1.header + (block >> 1) * X1.bytes
    const b = block & 1
    return {
      fraction: i16[((span + X1.fractions) >> 1) + b],
      share: i16[((span + X1.sums) >> 1) + b],
      scale: f32[((span + X1.blockScales) >> 2) + b],
      sum: f32[((span + X1.blockSums) >> 2) + b],
      codes: Int8Array.from(
        { length: BLOCK },
        (_, c) => i8[span + X1.codes + (c >> 2) * 8 + b * 4 + (c & 3)],
      ),
    }
  }

  function activationsX4(x: number, block: number, t: number): Activations {
    const span = x + X4.header + (block >> 1) * X4.bytes
    const b = block & 1
    return {
      fraction: i16[((span + X4.fractions) >> 1) + 2 * t + b],
      share: i16[((span + X4.sums) >> 1) + 2 * t + b],
      scale: f32[((span + X4.blockScales) >> 2) + 2 * t + b],
      sum: f32[((span + X4.blockSums) >> 2) + 2 * t + b],
      codes: Int8Array.from(
        { length: BLOCK },
        (_, c) => i8[span + X4.codes + (c >> 2) * 32 + t * 8 + b * 4 + (c & 3)],
      ),
    }
  }

  return { quantize_x1, quantize_x4, activationsX1, activationsX4 }
}
