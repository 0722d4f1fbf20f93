// Small helpers on vectors; all are inlined.

/** 32-bit lane 0 in all four lanes. */
// @ts-ignore: decorator
@inline
export function splat_0(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 0, 0, 0, 0)
}

/** 32-bit lane 1 in all four lanes. */
// @ts-ignore: decorator
@inline
export function splat_1(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 1, 1, 1, 1)
}

/** 32-bit lane 2 in all four lanes. */
// @ts-ignore: decorator
@inline
export function splat_2(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 2, 2, 2, 2)
}

/** 32-bit lane 3 in all four lanes. */
// @ts-ignore: decorator
@inline
export function splat_3(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 3, 3, 3, 3)
}

/** Low nibbles of 16 bytes. */
// @ts-ignore: decorator
@inline
export function low_nibbles(v: v128): v128 {
  return v128.and(v, i8x16.splat(0x0f))
}

/** High nibbles of 16 bytes; a 16-bit shift and a mask are cheaper than a byte shift. */
// @ts-ignore: decorator
@inline
export function high_nibbles(v: v128): v128 {
  return v128.and(i16x8.shr_u(v, 4), i8x16.splat(0x0f))
}

// 6-bit codes: bits 4 and 5 come from one of four 2-bit fields of `pairs`. Fields a, b go with the low and high nibbles
// of a tile's rows 0..3, c, d with those of rows 4..7. What a 16-bit shift carries across bytes falls outside the mask.

// @ts-ignore: decorator
@inline
export function sixth_a(nibbles: v128, pairs: v128): v128 {
  return v128.or(low_nibbles(nibbles), v128.and(i16x8.shl(pairs, 4), i8x16.splat(0x30)))
}

// @ts-ignore: decorator
@inline
export function sixth_b(nibbles: v128, pairs: v128): v128 {
  return v128.or(high_nibbles(nibbles), v128.and(i16x8.shl(pairs, 2), i8x16.splat(0x30)))
}

// @ts-ignore: decorator
@inline
export function sixth_c(nibbles: v128, pairs: v128): v128 {
  return v128.or(low_nibbles(nibbles), v128.and(pairs, i8x16.splat(0x30)))
}

// @ts-ignore: decorator
@inline
export function sixth_d(nibbles: v128, pairs: v128): v128 {
  return v128.or(high_nibbles(nibbles), v128.and(i16x8.shr_u(pairs, 2), i8x16.splat(0x30)))
}

/** (lane 0 + lane 1) + (lane 2 + lane 3). */
// @ts-ignore: decorator
@inline
export function sum_f32x4(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  )
}

// @ts-ignore: decorator
@inline
export function max_f32x4(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  )
}
