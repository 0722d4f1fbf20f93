// Vector exponentials use add, multiply and shifts alone, and so have the same bits on every host. 2^x is
// 2^round(x) times a polynomial for the rest, within 3e-6 of its value: what comes of it becomes codes of 8
// or 14 bits (docs/decisions/0015). Plain twins: src/lib/math-f32.ts.

import { fixed, rounder } from '../simd/lanes'

// The minimax polynomial of 2^r, -0.5 <= r <= 0.5, that is exactly 1 at 0.
const TABLE = memory.data<f32>(
  [
    0.0095828539, 0.0095828539, 0.0095828539, 0.0095828539, // of r^4
    0.0559064262, 0.0559064262, 0.0559064262, 0.0559064262,
    0.2402409911, 0.2402409911, 0.2402409911, 0.2402409911,
    0.6931241751, 0.6931241751, 0.6931241751, 0.6931241751, // of r
    1, 1, 1, 1,
    -126, -126, -126, -126, // the lowest x
    127, 127, 127, 127, // the highest
    1.44269504, 1.44269504, 1.44269504, 1.44269504, // log2(e)
  ],
  16,
)

/** 2^x of four lanes, -126 <= x <= 127. */
// @ts-ignore: decorator
@inline
function exp2_f32x4(x: v128): v128 {
  const shifted = f32x4.add(x, rounder())
  const r = f32x4.sub(x, f32x4.sub(shifted, rounder()))
  let p = f32x4.add(f32x4.mul(fixed(TABLE, 0), r), fixed(TABLE, 1))
  p = f32x4.add(f32x4.mul(p, r), fixed(TABLE, 2))
  p = f32x4.add(f32x4.mul(p, r), fixed(TABLE, 3))
  p = f32x4.add(f32x4.mul(p, r), fixed(TABLE, 4))
  // The low nine bits of `shifted` are round(x): the rest leaves at the top.
  return i32x4.add(p, i32x4.shl(shifted, 23))
}

/** exp of four lanes: 2^(value * log2(e)), that exponent held in -126..127. */
// @ts-ignore: decorator
@inline
export function exp_f32x4(value: v128): v128 {
  const x = f32x4.mul(value, fixed(TABLE, 7))
  return exp2_f32x4(f32x4.pmin(f32x4.pmax(fixed(TABLE, 5), x), fixed(TABLE, 6)))
}

/** exp of four lanes that are not above 0: exactly 0 where value * log2(e) is below -126, and for NaN. */
// @ts-ignore: decorator
@inline
export function exp_down_f32x4(value: v128): v128 {
  const x = f32x4.mul(value, fixed(TABLE, 7))
  return v128.and(exp2_f32x4(x), f32x4.ge(x, fixed(TABLE, 5)))
}
