// These float32 functions are spelled step by step with Math.fround. They are the plain twins of the vector
// kernels in assembly/ops/math.ts.

const f = Math.fround

/** Adding and taking it away leaves no bits behind the point, rounded half to even; exact for |x| < 2^51. */
const ROUNDER = 1.5 * 2 ** 52

/** Round half to even, as f32x4.nearest; for |x| < 2^51, and without -0. */
export function roundTiesToEven(x: number): number {
  return x + ROUNDER - ROUNDER
}

const LOG2_E = f(1.44269504)
const LOWEST = -126
const HIGHEST = 127
/**
 * The minimax polynomial of 2^r, -0.5 <= r <= 0.5, that is exactly 1 at 0: the coefficient of r^4, ..., r.
 */
const C4 = f(0.0095828539)
const C3 = f(0.0559064262)
const C2 = f(0.2402409911)
const C1 = f(0.6931241751)

const bits = new Int32Array(1)
const float = new Float32Array(bits.buffer)

/** 2^x, -126 <= x <= 127, within 3e-6 of its value. */
function exp2F32(x: number): number {
  const n = roundTiesToEven(x)
  const r = f(x - n)
  let p = f(f(C4 * r) + C3)
  p = f(f(p * r) + C2)
  p = f(f(p * r) + C1)
  float[0] = f(f(p * r) + 1)
  bits[0] += n << 23
  return float[0]
}

/** exp of a float32: 2^(x * log2(e)), that exponent held in -126..127 (NaN as -126). */
export function expF32(x: number): number {
  const exponent = f(x * LOG2_E)
  return exp2F32(exponent > LOWEST ? Math.min(exponent, HIGHEST) : LOWEST)
}

/** exp of a float32 that is not above 0: exactly 0 where x * log2(e) is below -126, and for NaN. */
export function expDownF32(x: number): number {
  const exponent = f(x * LOG2_E)
  return exponent >= LOWEST ? exp2F32(exponent) : 0
}
