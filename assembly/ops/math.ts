// Vector exp from add, multiply and shifts alone: the same bits on every host. Cephes' expf polynomial,
// within 1 ulp or so over its range; the plain twin is src/lib/math-f32.ts.

import { ROUNDER } from '../simd/lanes'

// @ts-ignore: decorator
@inline
const LOWEST: f32 = -87.33654
// @ts-ignore: decorator
@inline
const HIGHEST: f32 = 88.02

/** exp of four lanes; below -87.33654 exactly 0, above 88.02 as at 88.02. */
// @ts-ignore: decorator
@inline
export function exp_f32x4(value: v128): v128 {
  const x = f32x4.pmin(f32x4.pmax(f32x4.splat(LOWEST), value), f32x4.splat(HIGHEST))
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), f32x4.splat(ROUNDER))
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER))
  const r = f32x4.sub(
    f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))),
    f32x4.mul(n, f32x4.splat(-2.1219444e-4)),
  )
  let p = f32x4.splat(1.98756915e-4)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1))
  const y = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1))
  // The low nine bits of `shifted` are n: the rest leaves at the top.
  return v128.and(i32x4.add(y, i32x4.shl(shifted, 23)), f32x4.ge(value, f32x4.splat(LOWEST)))
}
