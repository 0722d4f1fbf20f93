// float32 functions spelled step by step with Math.fround: the plain twins of the vector kernels in assembly/ops/math.ts.

const f = Math.fround

/** Adding and taking it away leaves no bits behind the point, rounded half to even; exact for |x| < 2^51. */
const ROUNDER = 1.5 * 2 ** 52

/** Round half to even, as f32x4.nearest; for |x| < 2^51, and without -0. */
export function roundTiesToEven(x: number): number {
  return x + ROUNDER - ROUNDER
}

// From LOWEST up the polynomial is at least 1, so adding n << 23 never reaches the subnormals; up to HIGHEST n is at most 127.
const LOWEST = f(-87.33654)
const HIGHEST = f(88.02)
const LOG2_E = f(1.44269504)
const LN2_HIGH = f(0.693359375)
const LN2_LOW = f(-2.1219444e-4)
/** Cephes expf (Moshier): the coefficient of r^7, ..., r^2. */
const C7 = f(1.98756915e-4)
const C6 = f(1.3981999507e-3)
const C5 = f(8.3334519073e-3)
const C4 = f(4.1665795894e-2)
const C3 = f(1.6666665459e-1)
const C2 = f(5.0000001201e-1)

const bits = new Int32Array(1)
const float = new Float32Array(bits.buffer)

/**
 * exp of a float32 in float32, from add, multiply and shifts alone, within 1 ulp;
 * below -87.33654 exactly 0 (as for NaN), above 88.02 as at 88.02.
 */
export function expF32(x: number): number {
  if (!(x >= LOWEST)) return 0
  if (x > HIGHEST) x = HIGHEST
  const n = roundTiesToEven(f(x * LOG2_E))
  const r = f(f(x - f(n * LN2_HIGH)) - f(n * LN2_LOW))
  let p = f(f(C7 * r) + C6)
  p = f(f(p * r) + C5)
  p = f(f(p * r) + C4)
  p = f(f(p * r) + C3)
  p = f(f(p * r) + C2)
  float[0] = f(f(f(p * f(r * r)) + r) + 1)
  bits[0] += n << 23
  return float[0]
}
