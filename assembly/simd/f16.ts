// This file converts f16 to f32 by shifts and masks. The exponent's bias is left as it is, so vectors come
// out as 2^-112 of their value, exactly; the activations' scales carry 2^56 and the finished sums are
// multiplied by 2^56 once. Powers of two round nothing.

import { fixed } from './lanes'

// @ts-ignore: decorator
@inline
const SIGNED: i32 = 0x8fffe000

// What a half leaves of 32 bits.
const HALVES = memory.data<i32>([0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000], 16)

// @ts-ignore: decorator
@inline
export const REBIAS: f32 = 5.192296858534828e33 // 2^112

/** What activations' scales and sums are multiplied by, and the sums of the rows at their end: 2^56. */
// @ts-ignore: decorator
@inline
export const HALF_BIAS: f32 = 72057594037927936.0

/** The low f16 of each 32-bit lane. */
// @ts-ignore: decorator
@inline
export function low_half(v: v128): v128 {
  return v128.and(i32x4.shr_s(i32x4.shl(v, 16), 3), fixed(HALVES, 0))
}

/** The high f16 of each 32-bit lane. */
// @ts-ignore: decorator
@inline
export function high_half(v: v128): v128 {
  return v128.and(i32x4.shr_s(v, 3), fixed(HALVES, 0))
}

/** One f16 at its true value. */
// @ts-ignore: decorator
@inline
export function f16_at(pointer: usize): f32 {
  return reinterpret<f32>((<i32>load<i16>(pointer) << 13) & SIGNED) * REBIAS
}
