// This file converts IEEE half precision and bfloat16 by integer arithmetic alone, f16 both ways.

import { roundTiesToEven } from '../lib/math-f32.ts'

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** Every half to its float32 value, (65536) f32. */
const HALVES = halves()

/** The float32 value of a half given by its 16 bits; exact. */
export function f16ToF32(half: number): number {
  return HALVES[half & 0xffff]
}

/** The 16 bits of the half nearest to a float32 `value`, ties to even; from 65520 infinity, NaN stays NaN. */
export function f32ToF16(value: number): number {
  float[0] = value
  const sign = (bits[0] >>> 16) & 0x8000
  const magnitude = bits[0] & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // 65520: halfway past the largest half
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are multiples of 2^-24: scaling is exact, so the rounding below is the only one.
    return sign | roundTiesToEven(Math.abs(float[0]) * 2 ** 24)
  }
  const rest = magnitude & 0x1fff
  let half = (magnitude - 0x38000000) >>> 13
  if (rest > 0x1000 || (rest === 0x1000 && (half & 1) === 1)) half++
  return sign | half
}

/** The float32 value of a bfloat16 given by its 16 bits; exact. */
export function bf16ToF32(half: number): number {
  bits[0] = (half & 0xffff) << 16
  return float[0]
}

/** True when the half is infinite or not a number. */
export function isF16Special(half: number): boolean {
  return (half & 0x7c00) === 0x7c00
}

function halves(): Float32Array {
  const table = new Float32Array(65536)
  for (let half = 0; half < 65536; half++) {
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0) table[half] = sign * fraction * 2 ** -24
    else if (exponent === 31) table[half] = fraction === 0 ? sign * Infinity : NaN
    else table[half] = sign * (1024 + fraction) * 2 ** (exponent - 25)
  }
  return table
}
