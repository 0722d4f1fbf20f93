// This table holds the function that turns each tensor type into float32. The order of operations is the
// reference's (the `gguf` Python package), so results are equal bit for bit.

import { IsletError } from '../lib/errors.ts'
import { dequantizeQ2K, dequantizeQ3K, dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from './blocks-k.ts'
import {
  dequantizeQ4_0,
  dequantizeQ4_1,
  dequantizeQ5_0,
  dequantizeQ5_1,
  dequantizeQ8_0,
} from './blocks-32.ts'
import { BLOCKS, type TensorType } from './dtype.ts'
import { bf16ToF32, f16ToF32 } from './f16.ts'

/** Reads whole blocks from `bytes` into `out`; the number of blocks follows from out.length. */
export type Dequantize = (bytes: Uint8Array, out: Float32Array) => void

const READERS: Readonly<Record<TensorType, Dequantize>> = {
  F32: readF32,
  F16: readF16,
  BF16: readBf16,
  Q4_0: dequantizeQ4_0,
  Q4_1: dequantizeQ4_1,
  Q5_0: dequantizeQ5_0,
  Q5_1: dequantizeQ5_1,
  Q8_0: dequantizeQ8_0,
  Q2_K: dequantizeQ2K,
  Q3_K: dequantizeQ3K,
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
}

/**
 * Values of `bytes` as float32 into `out`. Both must hold the same whole number of blocks of `type`; anything
 * else is `invalid_file`.
 */
export function dequantize(type: TensorType, bytes: Uint8Array, out: Float32Array): void {
  const block = BLOCKS[type]
  if (out.length % block.values !== 0 || bytes.length !== (out.length / block.values) * block.bytes) {
    throw new IsletError(
      'invalid_file',
      `${bytes.length} bytes of ${type} are not ${out.length} values: blocks of ${block.values} take ${block.bytes} bytes`,
    )
  }
  READERS[type](bytes, out)
}

function readF32(bytes: Uint8Array, out: Float32Array): void {
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes)
}

function readF16(bytes: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = f16ToF32(bytes[2 * i] | (bytes[2 * i + 1] << 8))
}

function readBf16(bytes: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = bf16ToF32(bytes[2 * i] | (bytes[2 * i + 1] << 8))
}
