// float32 functions spelled step by step with Math.fround: the plain twins of the vector kernels in assembly/ops/math.ts.

const f = Math.fround

/** Round half to even, as f32x4.nearest. */
export function roundTiesToEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

const LOWEST = f(-87.33654)
const HIGHEST = f(88.02)
const LOG2_E = f(1.44269504)
const LN2_HIGH = f(0.693359375)
const LN2_LOW = f(-2.1219444e-4)
/** Cephes expf (Moshier), from the highest power down. */
const POLYNOMIAL = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1].map(f)

const bits = new Int32Array(1)
const float = new Float32Array(bits.buffer)

/** exp in float32 from add, multiply and shifts alone; below -87.33654 exactly 0, above 88.02 as at 88.02. */
export function expF32(value: number): number {
  if (!(value >= LOWEST)) return 0
  const x = Math.min(value, HIGHEST)
  const n = roundTiesToEven(f(x * LOG2_E))
  const r = f(f(x - f(n * LN2_HIGH)) - f(n * LN2_LOW))
  let p = POLYNOMIAL[0]
  for (let i = 1; i < POLYNOMIAL.length; i++) p = f(f(p * r) + POLYNOMIAL[i])
  float[0] = f(f(f(p * f(r * r)) + r) + 1)
  bits[0] += n << 23
  return float[0]
}
