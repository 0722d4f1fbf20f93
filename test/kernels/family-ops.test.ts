// LayerNorm, GELU, factors and ALiBi against their plain twins, bit for bit on all builds, and against float64.

import { describe, expect, it } from 'vitest'
import type { MemoryViews } from '../../src/kernels/reference/memory.ts'
import { allKernels, BASE } from '../helpers/all-kernels.ts'
import { rng } from '../helpers/rng.ts'

const X = BASE
const W = X + 65536
const B = W + 65536
const OUT = B + 65536

/** No multiple of a vector but some; the hidden sizes of real models among them. */
const SIZES = [1, 3, 4, 5, 13, 40, 64, 255, 576, 4096]
/** Where an exponential ends, where a float32 square does, and the largest float32. */
const FAR = [0, -0, 1e-40, -1e-40, 88, -88, 1e10, -1e10, 1e19, -1e19, 1e20, -1e20, 3.4e38]

function normals(count: number, seed: number, middle = 0): Float32Array {
  const random = rng(seed)
  return new Float32Array(count).map(() => middle + random.normal() * 3)
}

/** Puts arrays at addresses. */
const put =
  (...parts: [number, ArrayLike<number>][]) =>
  (v: MemoryViews): void =>
    parts.forEach(([at, values]) => v.f32.set(values, at >> 2))

const result = (v: MemoryViews, at: number, count: number): Float32Array =>
  v.f32.slice(at >> 2, (at >> 2) + count)

/** GELU by tanh, in float64. */
function gelu64(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
}

/** LayerNorm in float64. */
function layerNorm64(x: Float32Array, w: Float32Array, b: Float32Array, eps: number): Float64Array {
  const mean = x.reduce((a, v) => a + v, 0) / x.length
  const variance = x.reduce((a, v) => a + (v - mean) ** 2, 0) / x.length
  return Float64Array.from(x, (v, i) => ((v - mean) / Math.sqrt(variance + eps)) * w[i] + b[i])
}

function expectClose(got: Float32Array, wanted: ArrayLike<number>, tolerance: number): void {
  got.forEach((value, i) => {
    const room = tolerance * Math.max(1, Math.abs(wanted[i]))
    expect(Math.abs(value - wanted[i]), `value ${i}: ${value}, exact ${wanted[i]}`).toBeLessThanOrEqual(room)
  })
}

const { run } = allKernels()

describe('layer_norm', () => {
  it.each(SIZES)('of %i, out of place and in place', (n) => {
    const [x, w, b] = [normals(n, 1), normals(n, 2), normals(n, 3)]
    const fill = put([X, x], [W, w], [B, b])
    const apart = result(
      run(fill, (k) => k.layer_norm(OUT, X, W, B, n, 1e-5)),
      OUT,
      n,
    )
    const inPlace = result(
      run(fill, (k) => k.layer_norm(X, X, W, B, n, 1e-5)),
      X,
      n,
    )
    expect(inPlace).toEqual(apart)
    expectClose(apart, layerNorm64(x, w, b, 1e-5), 1e-5)
  })

  it('takes the variance around the mean: a large mean costs no more than its own rounding', () => {
    const [x, w, b] = [normals(253, 4, 1000), normals(253, 5), normals(253, 6)]
    const out = result(
      run(put([X, x], [W, w], [B, b]), (k) => k.layer_norm(OUT, X, W, B, 253, 1e-5)),
      OUT,
      253,
    )
    // Half an ulp of 1000 is 3e-5, in a row whose deviation is 3; weights reach 9.
    expectClose(out, layerNorm64(x, w, b, 1e-5), 3e-4)
  })

  it('of equal values is the bias', () => {
    const b = normals(12, 7)
    const fill = put([X, new Float32Array(12).fill(3)], [W, normals(12, 8)], [B, b])
    expect(
      result(
        run(fill, (k) => k.layer_norm(OUT, X, W, B, 12, 1e-5)),
        OUT,
        12,
      ),
    ).toEqual(b)
  })
})

describe('gelu', () => {
  it.each(SIZES)('of %i', (n) => {
    const x = normals(n, 9)
    const out = result(
      run(put([X, x]), (k) => k.gelu(OUT, X, n)),
      OUT,
      n,
    )
    expectClose(out, Float64Array.from(x, gelu64), 1e-6)
  })

  it('is exact over the range in which it bends', () => {
    const x = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 250)
    const out = result(
      run(put([X, x]), (k) => k.gelu(X, X, 4001)),
      X,
      4001,
    )
    expectClose(out, Float64Array.from(x, gelu64), 1e-6)
  })

  it('far out is x or 0, and never NaN', () => {
    const x = Float32Array.from(FAR)
    const out = result(
      run(put([X, x]), (k) => k.gelu(OUT, X, FAR.length)),
      OUT,
      FAR.length,
    )
    expect(out.every((value) => !Number.isNaN(value))).toBe(true)
    x.forEach((value, i) => {
      if (value > 80) expect(out[i]).toBe(value)
      else expect(Math.abs(out[i])).toBeLessThanOrEqual(1e-17)
    })
  })

  it('in place gives the same bits', () => {
    const x = normals(57, 10)
    const apart = result(
      run(put([X, x]), (k) => k.gelu(OUT, X, 57)),
      OUT,
      57,
    )
    expect(
      result(
        run(put([X, x]), (k) => k.gelu(X, X, 57)),
        X,
        57,
      ),
    ).toEqual(apart)
  })
})

describe('gelu_mul', () => {
  it.each(SIZES)('of %i is gelu, then a product, in place too', (n) => {
    const [gate, up] = [normals(n, 11), normals(n, 12)]
    const apart = result(
      run(put([X, gate], [W, up]), (k) => k.gelu_mul(OUT, X, W, n)),
      OUT,
      n,
    )
    const inPlace = result(
      run(put([X, gate], [W, up]), (k) => k.gelu_mul(X, X, W, n)),
      X,
      n,
    )
    const inTwo = result(
      run(put([X, gate], [W, up]), (k) => {
        k.gelu(X, X, n)
        k.mul(X, W, n)
      }),
      X,
      n,
    )
    expect(inPlace).toEqual(apart)
    expect(inTwo).toEqual(apart)
    expectClose(
      apart,
      Float64Array.from(gate, (g, i) => gelu64(g) * up[i]),
      3e-6,
    )
  })

  it('far out is never NaN', () => {
    const fill = put([X, FAR], [W, new Float32Array(FAR.length).fill(0.5)])
    const out = result(
      run(fill, (k) => k.gelu_mul(OUT, X, W, FAR.length)),
      OUT,
      FAR.length,
    )
    expect(out.every((value) => !Number.isNaN(value))).toBe(true)
    FAR.forEach((value, i) => {
      if (value > 80) expect(out[i]).toBe(Math.fround(Math.fround(value) * 0.5))
    })
  })
})

describe('factors', () => {
  it.each(SIZES)('mul and scale of %i round each product once', (n) => {
    const [x, y] = [normals(n, 13), normals(n, 14)]
    const multiplied = result(
      run(put([X, x], [W, y]), (k) => k.mul(X, W, n)),
      X,
      n,
    )
    expect(multiplied).toEqual(x.map((value, i) => Math.fround(value * y[i])))
    // A double as the engine brings it (sqrt(56)): rounded to float32 first, on every side.
    const factor = Math.sqrt(56)
    const scaled = result(
      run(put([X, x]), (k) => k.scale(X, n, factor)),
      X,
      n,
    )
    expect(scaled).toEqual(x.map((value) => Math.fround(value * Math.fround(factor))))
  })
})

describe('alibi', () => {
  const HIDDEN = -3.0e38
  it.each([
    { heads: 1, n: 16, stride: 16, distance: 0 },
    { heads: 3, n: 48, stride: 64, distance: -47 },
    { heads: 5, n: 32, stride: 48, distance: -20_000 },
    { heads: 40, n: 16, stride: 80, distance: -(2 ** 24) - 3 }, // past what a float32 holds exactly
  ])('$heads heads, $n slots from $distance', ({ heads, n, stride, distance }) => {
    const scores = normals(heads * stride, 15)
    for (let head = 0; head < heads; head++) scores[head * stride + n - 1] = HIDDEN
    const slopes = Float32Array.from({ length: heads }, (_, i) => 2 ** ((-8 * (i + 1)) / heads))
    const out = result(
      run(put([X, scores], [W, slopes]), (k) => k.alibi(X, stride, W, distance, n, heads)),
      X,
      heads * stride,
    )
    for (let head = 0; head < heads; head++) {
      for (let slot = 0; slot < stride; slot++) {
        const at = head * stride + slot
        if (slot >= n) {
          expect(out[at], 'slots behind stay').toBe(scores[at])
          continue
        }
        const exact = scores[at] + slopes[head] * (distance + slot)
        expect(Math.abs(out[at] - exact)).toBeLessThanOrEqual(2e-7 * Math.abs(exact) + 1e-6)
        if (slot === n - 1) expect(out[at], 'hidden slots stay hidden').toBeLessThanOrEqual(HIDDEN)
      }
    }
  })
})
