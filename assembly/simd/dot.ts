// All quantised kernels share this multiply: signed 8-bit activations x unsigned 7-bit weights. Three builds,
// one result:
//
//   quads    i32x4.relaxed_dot_i8x16_i7x16_add_s: one instruction where the host has VNNI (asconfig: --use DOT_QUADS=1)
//   relaxed  i16x8.relaxed_dot_i8x16_i7x16_s: pairs in i16, widened once per block
//   plain    pairs of widened bytes in i32
//
// With the second operand in 0..127 the relaxed instructions have one meaning on every host, and every sum
// here is exact.

import { X1_START_PAIRS, X1_STARTS, X4_START_PAIRS, X4_STARTS } from '../layout'

// @ts-ignore: decorator
@inline
export const QUADS: bool = DOT_QUADS != 0

// Pairs of products: i16 lane j = a[2j] * b[2j] + a[2j+1] * b[2j+1].
// @ts-ignore: decorator
@inline
export function pairs(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(a, b)
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(a, b))
  // Not by extmul_high: without AVX, V8's baseline compiler writes over one of its operands.
  const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(a), i16x8.extend_high_i8x16_s(b))
  return i16x8.narrow_i32x4_s(low, high)
}

/**
 * Adds sixteen products to a block's sum. For weights up to 15: eight pair sums of at most 3810 fit 16 bits,
 * so a sum takes one block of 32 columns between `start` and `total`.
 */
// @ts-ignore: decorator
@inline
export function dot(sum: v128, x: v128, w: v128): v128 {
  if (QUADS) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, sum)
  return i16x8.add(sum, pairs(x, w))
}

/** Adds sixteen products to i16 sums that may wrap on the way. */
// @ts-ignore: decorator
@inline
export function dot_pairs(sum: v128, x: v128, w: v128): v128 {
  return i16x8.add(sum, pairs(x, w))
}

/** The four sums of a block as i32x4. */
// @ts-ignore: decorator
@inline
export function total(sum: v128): v128 {
  if (QUADS) return sum
  return i32x4.extadd_pairwise_i16x8_s(sum)
}

/** -8 x (a block's activations), what the sums of symmetric 4-bit weights start at: both blocks of an x1 span, alternating. */
// @ts-ignore: decorator
@inline
export function start(x: usize): v128 {
  return v128.load64_splat(x, X1_STARTS)
}

/** The same of one block of the span, in the lanes of this build: `x` is 4 bytes further for the second. */
// @ts-ignore: decorator
@inline
export function start_block(x: usize): v128 {
  if (QUADS) return v128.load32_splat(x, X1_STARTS)
  return v128.load32_splat(x, X1_START_PAIRS)
}

/** What both blocks of token `t` of an x4 span start at. */
// @ts-ignore: decorator
@inline
export function start_of(x: usize, t: usize): v128 {
  return v128.load64_splat(x + (t << 3), X4_STARTS)
}

/** The same of one block of the span: `x` is 4 bytes further for the second. */
// @ts-ignore: decorator
@inline
export function start_block_of(x: usize, t: usize): v128 {
  if (QUADS) return v128.load32_splat(x + (t << 3), X4_STARTS)
  return v128.load32_splat(x + (t << 3), X4_START_PAIRS)
}

/**
 * round(v * fraction / 32768) of i16x8, halves up. Fractions are 0..32767, so what is relaxed, -32768 x
 * -32768, never comes.
 */
// @ts-ignore: decorator
@inline
export function share(v: v128, fractions: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_q15mulr_s(v, fractions)
  return i16x8.q15mulr_sat_s(v, fractions)
}

/** i32x4 sum + sixteen products of weights up to 127. */
// @ts-ignore: decorator
@inline
export function dot_wide(sum: v128, x: v128, w: v128): v128 {
  if (QUADS) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, sum)
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs(x, w)))
}

/** i32x4 sum + two times sixteen products of weights up to 63: two pair sums of 16002 fit 16 bits. */
// @ts-ignore: decorator
@inline
export function dot_two(sum: v128, x0: v128, w0: v128, x1: v128, w1: v128): v128 {
  if (QUADS) return dot_wide(dot_wide(sum, x0, w0), x1, w1)
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.add(pairs(x0, w0), pairs(x1, w1))))
}
