// The one multiply of all quantised kernels: signed 8-bit activations x unsigned 7-bit weights.

/**
 * Sixteen products, added in pairs: i16 lane j = a[2j] * b[2j] + a[2j+1] * b[2j+1].
 * With b in 0..127 the relaxed instruction has one meaning on every host, and the plain one the same.
 */
// @ts-ignore: decorator
@inline
export function dot_i8_u7(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(a, b)
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(a, b))
  const high = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(a, b))
  return i16x8.narrow_i32x4_s(low, high)
}
