// f16 -> f32 by integer shifts and one multiply (2^112 moves the exponent's bias); exact, subnormals included.

// @ts-ignore: decorator
@inline
const SIGN_AND_BITS: i32 = 0x8fffe000
// @ts-ignore: decorator
@inline
const REBIAS: f32 = 5.192296858534828e33 // 2^112

// @ts-ignore: decorator
@inline
function widen(v: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(v, 13), i32x4.splat(SIGN_AND_BITS)), f32x4.splat(REBIAS))
}

/** The first four of eight f16, as f32x4. */
// @ts-ignore: decorator
@inline
export function f16_low(v: v128): v128 {
  return widen(i32x4.extend_low_i16x8_s(v))
}

/** The last four of eight f16, as f32x4. */
// @ts-ignore: decorator
@inline
export function f16_high(v: v128): v128 {
  return widen(i32x4.extend_high_i16x8_s(v))
}

// @ts-ignore: decorator
@inline
export function f16_at(pointer: usize): f32 {
  return reinterpret<f32>((<i32>load<i16>(pointer) << 13) & SIGN_AND_BITS) * REBIAS
}
