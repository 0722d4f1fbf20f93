// This file decodes GGUF's super-blocks of 256 values to float32: Q2_K to Q6_K. Each has groups of 16 or 32
// values with a small integer scale each.
//
//   Q2_K   84 bytes: 16 scales (low nibble) and minimums (high), 64 of 2 bits, f16 d, f16 dmin
//   Q3_K  110 bytes: 32 of high bits, 64 of 2 bits, 12 of 6-bit scales, f16 d
//   Q4_K  144 bytes: f16 d, f16 dmin, 12 of 6-bit scales and minimums, 128 of nibbles
//   Q5_K  176 bytes: f16 d, f16 dmin, 12 of 6-bit scales and minimums, 32 of fifth bits, 128 of nibbles
//   Q6_K  210 bytes: 128 of nibbles, 64 of 2 bits, 16 signed scales, f16 d

import { f16ToF32 } from './f16.ts'

const fround = Math.fround

/** Q2_K to float32: w = (d * scale) * q - dmin * minimum, groups of 16. */
export function dequantizeQ2K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 84, o += 256) {
    const d = half(bytes, at + 80)
    const dmin = half(bytes, at + 82)
    for (let group = 0; group < 16; group++) {
      const scale = fround(d * (bytes[at + group] & 15))
      const minimum = fround(dmin * (bytes[at + group] >> 4))
      for (let j = 0; j < 16; j++) {
        out[o + group * 16 + j] = fround(scale * twoBits(bytes, at + 16, group * 16 + j)) - minimum
      }
    }
  }
}

/** Q3_K to float32: w = (d * scale) * q, q in -4..3, groups of 16. */
export function dequantizeQ3K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 110, o += 256) {
    const d = half(bytes, at + 108)
    for (let group = 0; group < 16; group++) {
      const scale = fround(d * (scaleQ3K(bytes, at + 96, group) - 32))
      for (let j = 0; j < 16; j++) {
        const i = group * 16 + j
        // Bit i / 32 of the mask byte i % 32: a clear bit takes 4 away.
        const high = (bytes[at + (i & 31)] >> (i >> 5)) & 1
        out[o + i] = scale * (twoBits(bytes, at + 32, i) - (high === 1 ? 0 : 4))
      }
    }
  }
}

/** Q4_K to float32: w = (d * scale) * q - dmin * minimum, groups of 32. */
export function dequantizeQ4K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 144, o += 256) {
    const d = half(bytes, at)
    const dmin = half(bytes, at + 2)
    for (let group = 0; group < 8; group++) {
      const scale = fround(d * scaleK(bytes, at + 4, group))
      const minimum = fround(dmin * minimumK(bytes, at + 4, group))
      for (let j = 0; j < 32; j++) {
        out[o + group * 32 + j] = fround(scale * nibbleK(bytes, at + 16, group, j)) - minimum
      }
    }
  }
}

/** Q5_K to float32: as Q4_K with a fifth bit. */
export function dequantizeQ5K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 176, o += 256) {
    const d = half(bytes, at)
    const dmin = half(bytes, at + 2)
    for (let group = 0; group < 8; group++) {
      const scale = fround(d * scaleK(bytes, at + 4, group))
      const minimum = fround(dmin * minimumK(bytes, at + 4, group))
      for (let j = 0; j < 32; j++) {
        const high = (bytes[at + 16 + j] >> group) & 1
        const q = nibbleK(bytes, at + 48, group, j) | (high << 4)
        out[o + group * 32 + j] = fround(scale * q) - minimum
      }
    }
  }
}

/** Q6_K to float32: w = (d * scale) * (q - 32), groups of 16. */
export function dequantizeQ6K(bytes: Uint8Array, out: Float32Array): void {
  for (let at = 0, o = 0; o < out.length; at += 210, o += 256) {
    const d = half(bytes, at + 208)
    for (let i = 0; i < 256; i++) {
      const scale = fround(d * ((bytes[at + 192 + (i >> 4)] << 24) >> 24))
      // Nibbles run in halves of 128 values over 64 bytes: first the low ones, then the high ones.
      const low = bytes[at + (i >> 7) * 64 + (i & 63)]
      const nibble = (i & 64) === 0 ? low & 15 : low >> 4
      out[o + i] = scale * ((nibble | (twoBits(bytes, at + 128, i) << 4)) - 32)
    }
  }
}

/** Scale of group 0..7 of Q4_K and Q5_K from its 12 packed bytes, 0..63. */
export function scaleK(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + group] & 63
  return (bytes[at + group + 4] & 15) | ((bytes[at + group - 4] >> 6) << 4)
}

/** Minimum of group 0..7 of Q4_K and Q5_K from its 12 packed bytes, 0..63. */
export function minimumK(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + group + 4] & 63
  return (bytes[at + group + 4] >> 4) | ((bytes[at + group] >> 6) << 4)
}

/** Nibble j of group 0..7 of Q4_K and Q5_K: 32 bytes hold two groups, the even one in the low nibbles. */
export function nibbleK(bytes: Uint8Array, at: number, group: number, j: number): number {
  const byte = bytes[at + (group >> 1) * 32 + j]
  return (group & 1) === 0 ? byte & 15 : byte >> 4
}

/** Scale of group 0..15 of Q3_K from its 12 packed bytes, 0..63, still with its offset of 32. */
function scaleQ3K(bytes: Uint8Array, at: number, group: number): number {
  const low = bytes[at + (group & 7)]
  const high = (bytes[at + 8 + (group & 3)] >> (2 * (group >> 2))) & 3
  return (group < 8 ? low & 15 : low >> 4) | (high << 4)
}

/** Two bits of value i, 0..255: 32 bytes hold 128 values, 32 to each pair of bits. */
function twoBits(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + (i >> 7) * 32 + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3
}

function half(bytes: Uint8Array, at: number): number {
  return f16ToF32(bytes[at] | (bytes[at + 1] << 8))
}
