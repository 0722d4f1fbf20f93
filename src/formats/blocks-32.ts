// This file decodes GGUF's blocks of 32 values to float32: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
//
//   Q4_0  f16 d, 16 bytes of nibbles                  w = (q - 8) * d
//   Q4_1  f16 d, f16 m, 16 bytes of nibbles           w = q * d + m
//   Q5_0  f16 d, u32 fifth bits, 16 bytes             w = (q - 16) * d
//   Q5_1  f16 d, f16 m, u32 fifth bits, 16 bytes      w = q * d + m
//   Q8_0  f16 d, 32 signed bytes                      w = q * d
// Byte j holds value j in its low nibble and value j + 16 in its high one.

import { f16ToF32 } from './f16.ts'

const fround = Math.fround

/** Q4_0 to float32. */
export function dequantizeQ4_0(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 18, o += 32) {
    const d = half(bytes, at)
    for (let j = 0; j < 16; j++) {
      const byte = bytes[at + 2 + j]
      out[o + j] = ((byte & 15) - 8) * d
      out[o + j + 16] = ((byte >> 4) - 8) * d
    }
  }
}

/** Q4_1 to float32. */
export function dequantizeQ4_1(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 20, o += 32) {
    const d = half(bytes, at)
    const m = half(bytes, at + 2)
    for (let j = 0; j < 16; j++) {
      const byte = bytes[at + 4 + j]
      out[o + j] = fround((byte & 15) * d) + m
      out[o + j + 16] = fround((byte >> 4) * d) + m
    }
  }
}

/** Q5_0 to float32. */
export function dequantizeQ5_0(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 22, o += 32) {
    const d = half(bytes, at)
    for (let j = 0; j < 32; j++) out[o + j] = (fiveBits(bytes, at + 2, j) - 16) * d
  }
}

/** Q5_1 to float32. */
export function dequantizeQ5_1(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 24, o += 32) {
    const d = half(bytes, at)
    const m = half(bytes, at + 2)
    for (let j = 0; j < 32; j++) out[o + j] = fround(fiveBits(bytes, at + 4, j) * d) + m
  }
}

/** Q8_0 to float32. */
export function dequantizeQ8_0(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 34, o += 32) {
    const d = half(bytes, at)
    for (let j = 0; j < 32; j++) out[o + j] = ((bytes[at + 2 + j] << 24) >> 24) * d
  }
}

/** Value j, 0..31, of a block whose fifth bits start at `at`, its nibbles four bytes later. */
export function fiveBits(bytes: Uint8Array, at: number, j: number): number {
  const high = (bytes[at + (j >> 3)] >> (j & 7)) & 1
  const byte = bytes[at + 4 + (j & 15)]
  return (j < 16 ? byte & 15 : byte >> 4) | (high << 4)
}

function half(bytes: Uint8Array, at: number): number {
  return f16ToF32(bytes[at] | (bytes[at + 1] << 8))
}
