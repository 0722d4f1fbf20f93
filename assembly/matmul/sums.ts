// Every matrix kernel scales a block's integer sums and joins the sums of its rows by these functions. So
// there is one order of float operations.

import { HALF_BIAS, high_half, low_half_positive } from '../simd/f16'
import { share, total } from '../simd/dot'

/** (f32(dot) * x.scale) * w.scale of four rows; `sum` is i32x4. */
// @ts-ignore: decorator
@inline
export function scaled(sum: v128, x_scale: v128, w_scale: v128): v128 {
  return f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum), x_scale), w_scale)
}

/** acc + (dot * x.scale) * scale, then + minimum * x.sum. */
// @ts-ignore: decorator
@inline
export function with_minimum(acc: v128, sum: v128, scale: v128, minimum: v128, x_scale: v128, x_sum: v128): v128 {
  return f32x4.add(f32x4.add(acc, scaled(sum, x_scale, scale)), f32x4.mul(minimum, x_sum))
}

/** The same for a block's constants as they are stored: scale and minimum of a row in 32 bits. */
// @ts-ignore: decorator
@inline
export function with_constants(acc: v128, sum: v128, constants: v128, x_scale: v128, x_sum: v128): v128 {
  return with_minimum(acc, sum, low_half_positive(constants), high_half(constants), x_scale, x_sum)
}

/** low + 16 * high of nibble sums, exact in i32 and in f32 (at most 32 * 128 * 127). */
// @ts-ignore: decorator
@inline
export function joined(low: v128, high: v128): v128 {
  return i32x4.add(total(low), i32x4.shl(total(high), 4))
}

/** Finished sums of four rows, rid of half of the exponents' bias (simd/f16.ts). */
// @ts-ignore: decorator
@inline
export function store_rows(y: usize, acc: v128): void {
  v128.store(y, f32x4.mul(acc, f32x4.splat(HALF_BIAS)))
}

/** The same for eight rows of a token: p = rows 0..3, q = rows 4..7. */
// @ts-ignore: decorator
@inline
export function store_token(y: usize, p: v128, q: v128): void {
  store_rows(y, p)
  store_rows(y + 16, q)
}

/**
 * Dots of two blocks x the blocks' integer scales, of four rows: a = rows 0, 1 and b = rows 2, 3, each i32
 * [row][block] of at most 32512; the blocks' fractions take both to the token's scale. i32x4: two products
 * below 2^30 each.
 */
// @ts-ignore: decorator
@inline
export function scaled_span(a: v128, b: v128, fractions: v128, scales: v128): v128 {
  return i32x4.dot_i16x8_s(share(i16x8.narrow_i32x4_s(a, b), fractions), scales)
}

/** The units of four rows, powers of two: a byte is the exponent of a float. */
// @ts-ignore: decorator
@inline
export function units(at: usize): v128 {
  return i32x4.shl(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))), 23)
}
