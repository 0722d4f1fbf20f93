// This file computes exp, log, pow, sine and cosine in float64 with the same bits on every host. Engines
// round their own Math.exp and its kin differently; these use add, subtract, multiply, divide and bits alone.
// Errors are measured in test/lib/math.test.ts.

/** ln 2 in two parts: 41 bits, so that its product with any exponent is exact, and the rest. */
const LN2_HIGH = 0.6931471805592082
const LN2_LOW = 7.371002565167799e-13
const INVERSE_LN2 = 1.4426950408889634

/** pi / 2 in three parts, 24 bits, 24 bits and the rest: products with integers below 2^29 are exact. */
const HALF_PI_HIGH = 1.570796251296997
const HALF_PI_MIDDLE = 7.549789415861596e-8
const HALF_PI_LOW = 5.390302858158119e-15
const TWO_OVER_PI = 0.6366197723675814
const MAX_QUARTERS = 2 ** 29

const SQRT_HALF = 0.7071067811865476
const SMALLEST_NORMAL = 2 ** -1022

/** 1/13!, ..., 1/2!: the exponential's series leaves 4e-18 at ln 2 / 2. */
const EXP_SERIES = inverseFactorials(13, 2, 1, 1)
/** -1/3!, 1/5!, ..., 1/17! from the last: at pi / 4 the next term is 1e-19. */
const SIN_SERIES = inverseFactorials(17, 3, 2, -1)
/** 1/4!, -1/6!, ..., 1/16! from the last: at pi / 4 the next term is 2e-18. */
const COS_SERIES = inverseFactorials(16, 4, 2, -1)
/** 2/23, ..., 2/3: what atanh's series needs up to (sqrt 2 - 1) / (sqrt 2 + 1). */
const LOG_SERIES = Array.from({ length: 11 }, (_, i) => 2 / (23 - 2 * i))

const float = new Float64Array(1)
// Little endian, as linear memory is wherever WASM runs.
const words = new Int32Array(float.buffer)

/** e^x, at most 1 ulp off; 0 and Infinity past the range of float64. */
export function exp(x: number): number {
  return expOfSum(x, 0)
}

/** The natural logarithm, at most 1 ulp off; -Infinity at 0, NaN below. */
export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x > 0 ? x : NaN
  const { exponent, mantissa } = split(x)
  // ln(1 + f) = f - f^2/2 + s (f^2/2 + R), s = f / (2 + f), R = the terms of 2 atanh(s) / s behind the first.
  const f = mantissa - 1
  const s = f / (2 + f)
  const half = 0.5 * f * f
  const small = s * (half + atanhRest(s * s)) + exponent * LN2_LOW
  return exponent * LN2_HIGH - (half - small - f)
}

/** base^x for a positive finite base, at most 2 ulp off: the logarithm is carried in two doubles. */
export function pow(base: number, x: number): number {
  if (!(base > 0) || base === Infinity) throw new RangeError(`pow takes a positive finite base, not ${base}`)
  if (x === 0) return 1
  const { high, low } = logInTwo(base)
  const product = high * x
  if (!(Math.abs(product) < 1000)) return exp(product)
  return expOfSum(product, productError(high, x, product) + low * x)
}

export type SinCos = { sin: number; cos: number }

/**
 * Sine and cosine of an angle in radians, at most 2e-16 off for angles up to 8e8 (Cody and Waite's
 * reduction). Throws a RangeError beyond. A caller in a hurry brings the object that is filled.
 */
export function sinCos(angle: number, out: SinCos = { sin: 0, cos: 0 }): SinCos {
  const quarters = Math.floor(angle * TWO_OVER_PI + 0.5)
  if (!(Math.abs(quarters) < MAX_QUARTERS))
    throw new RangeError(`the angle ${angle} is too large to be reduced`)
  // Exact up to here: high + rest = angle - quarters * (HIGH + MIDDLE).
  const first = angle - quarters * HALF_PI_HIGH
  const middle = quarters * HALF_PI_MIDDLE
  const high = first - middle
  const rest = sumError(first, -middle, high) - quarters * HALF_PI_LOW
  const y = high + rest
  const tail = sumError(high, rest, y)

  const square = y * y
  const sin = y + (y * square * polynomial(SIN_SERIES, square) + tail * (1 - 0.5 * square))
  const half = 0.5 * square
  const head = 1 - half
  const cos = head + (1 - head - half + (square * square * polynomial(COS_SERIES, square) - y * tail))
  const quadrant = quarters & 3
  const isSwapped = (quadrant & 1) === 1
  out.sin = isSwapped ? cos : sin
  out.cos = isSwapped ? sin : cos
  if (quadrant >= 2) out.sin = -out.sin
  if (quadrant === 1 || quadrant === 2) out.cos = -out.cos
  return out
}

/** e^(x + tail) for a tail far smaller than x. */
function expOfSum(x: number, tail: number): number {
  if (!(x < 710)) return x >= 710 ? Infinity : NaN
  if (x < -746) return 0
  const n = Math.floor(x * INVERSE_LN2 + 0.5)
  const high = x - n * LN2_HIGH // exact
  const low = tail - n * LN2_LOW
  const r = high + low
  // What rounding r lost is added back at the end: e^r (1 + lost) is e^r + lost to well below an ulp.
  const lost = low - (r - high)
  return scale(1 + (r + (r * r * polynomial(EXP_SERIES, r) + lost)), n)
}

/** y 2^n; a subnormal result is rounded once. */
function scale(y: number, n: number): number {
  if (n > 1023) return y * 2 * powerOfTwo(n - 1)
  if (n < -1021) return y * powerOfTwo(n + 60) * 2 ** -60
  return y * powerOfTwo(n)
}

function powerOfTwo(n: number): number {
  words[0] = 0
  words[1] = (n + 1023) << 20
  return float[0]
}

/** x = mantissa 2^exponent with sqrt(1/2) <= mantissa < sqrt(2). */
function split(x: number): { exponent: number; mantissa: number } {
  const subnormal = x < SMALLEST_NORMAL
  float[0] = subnormal ? x * 2 ** 54 : x
  let exponent = (words[1] >>> 20) - 1022 - (subnormal ? 54 : 0)
  words[1] = (words[1] & 0xfffff) | 0x3fe00000 // now in [1/2, 1)
  let mantissa = float[0]
  if (mantissa < SQRT_HALF) {
    mantissa *= 2
    exponent -= 1
  }
  return { exponent, mantissa }
}

/** 2 s^2 / 3 + 2 s^4 / 5 + ... */
function atanhRest(square: number): number {
  return square * polynomial(LOG_SERIES, square)
}

/** ln x as the sum of two doubles, to about 60 bits. */
function logInTwo(x: number): { high: number; low: number } {
  const { exponent, mantissa } = split(x)
  const f = mantissa - 1
  const below = 2 + f
  const belowLow = f - (below - 2)
  const s = f / below
  const product = s * below
  const sLow = (f - product - productError(s, below, product) - s * belowLow) / below
  const whole = exponent * LN2_HIGH
  const first = whole + 2 * s
  const rest = sumError(whole, 2 * s, first) + (2 * sLow + s * atanhRest(s * s) + exponent * LN2_LOW)
  const high = first + rest
  return { high, low: sumError(first, rest, high) }
}

/** What rounding lost in sum = a + b, exactly (Knuth's two-sum). */
function sumError(a: number, b: number, sum: number): number {
  const bPart = sum - a
  return a - (sum - bPart) + (b - bPart)
}

/** What rounding lost in product = a b, exactly (Dekker's, with Veltkamp's halves). */
function productError(a: number, b: number, product: number): number {
  const aHigh = upperHalf(a)
  const bHigh = upperHalf(b)
  const aLow = a - aHigh
  const bLow = b - bHigh
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
}

function upperHalf(x: number): number {
  const shifted = x * 134217729 // 2^27 + 1
  return shifted - (shifted - x)
}

/** Horner's rule, coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = coefficients[0]
  for (let i = 1; i < coefficients.length; i++) sum = sum * x + coefficients[i]
  return sum
}

/**
 * 1/last!, ..., 1/first! by `step`, times sign^i counted so that 1/first! of the sine (cosine) has sign (1).
 */
function inverseFactorials(last: number, first: number, step: number, sign: 1 | -1): number[] {
  const out: number[] = []
  let factorial = 1
  for (let n = 2; n <= last; n++) {
    factorial *= n // exact up to 18!
    if (n < first || (n - first) % step !== 0) continue
    const negative = sign < 0 && ((n - (n % 2)) / 2) % 2 === 1
    out.unshift((negative ? -1 : 1) / factorial)
  }
  return out
}
