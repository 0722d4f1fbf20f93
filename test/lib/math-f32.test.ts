// expF32 against the definition, spelled once more with other means, and against the true exponential.

import { expect, test } from 'vitest'
import { expF32, roundTiesToEven } from '../../src/lib/math-f32.ts'
import { rng } from '../helpers/rng.ts'

const f = Math.fround

function roundPlainly(x: number): number {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/** 2^n by multiplication, n looked up by plain rounding. */
function expPlainly(x: number): number {
  if (x < f(-87.33654)) return 0
  const clamped = Math.min(x, f(88.02))
  const n = roundPlainly(f(clamped * f(1.44269504)))
  const r = f(f(clamped - f(n * 0.693359375)) - f(n * f(-2.1219444e-4)))
  const p = [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1].reduce(
    (sum, coefficient) => f(f(sum * r) + f(coefficient)),
    f(1.98756915e-4),
  )
  return f(f(f(p * f(r * r)) + r) + 1) * 2 ** n
}

test('roundTiesToEven rounds halves to the even neighbour', () => {
  const halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.49, 3.51, -3.49, -3.51, 126.5, 127.5]
  expect(halves.map(roundTiesToEven)).toEqual([-2, -2, 0, 0, 2, 2, 3, 4, -3, -4, 126, 128])
  const { uniform } = rng(3)
  for (let i = 0; i < 10_000; i++) {
    const x = (uniform() - 0.5) * 300
    expect(roundTiesToEven(x)).toBe(roundPlainly(x) + 0)
  }
})

test('expF32 is the written sequence of roundings', () => {
  const { uniform } = rng(4)
  let different = 0
  for (let i = 0; i < 100_000; i++) {
    const x = f(uniform() * 178 - 89)
    if (expF32(x) !== expPlainly(x)) different++
  }
  expect(different).toBe(0)
})

test('expF32 is within 1.2e-7 of the exponential', () => {
  const { uniform } = rng(5)
  let most = 0
  for (let i = 0; i < 100_000; i++) {
    const x = f(uniform() * 175.3 - 87.3)
    most = Math.max(most, Math.abs(expF32(x) / Math.exp(x) - 1))
  }
  expect(most).toBeLessThan(1.2e-7)
})

test('expF32 is 0 below its range and flat above', () => {
  expect([0, -0, NaN, -Infinity, -87.3366, -1000].map((x) => expF32(f(x)))).toEqual([1, 1, 0, 0, 0, 0])
  expect(expF32(f(-87.33654))).toBeCloseTo(Math.exp(-87.33654), 44)
  expect(expF32(f(-87.33654))).toBeGreaterThanOrEqual(2 ** -126)
  expect(expF32(Infinity)).toBe(expF32(f(88.02)))
})
