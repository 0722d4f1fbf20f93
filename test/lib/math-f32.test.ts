// expF32 and expDownF32 against the definition, spelled once more with other means, and against the true exponential.

import { expect, test } from 'vitest'
import { expDownF32, expF32, roundTiesToEven } from '../../src/lib/math-f32.ts'
import { rng } from '../helpers/rng.ts'

const f = Math.fround

function roundPlainly(x: number): number {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/** 2^n by multiplication, n looked up by plain rounding. */
function exp2Plainly(x: number): number {
  const n = roundPlainly(x)
  const r = f(x - n)
  const p = [0.0559064262, 0.2402409911, 0.6931241751, 1].reduce(
    (sum, coefficient) => f(f(sum * r) + f(coefficient)),
    f(0.0095828539),
  )
  return p * 2 ** n
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

test('both are the written sequence of roundings', () => {
  const { uniform } = rng(4)
  let different = 0
  for (let i = 0; i < 100_000; i++) {
    const x = f(uniform() * 200 - 100)
    const exponent = f(x * f(1.44269504))
    if (expF32(x) !== exp2Plainly(Math.min(Math.max(exponent, -126), 127))) different++
    if (x <= 0 && expDownF32(x) !== (exponent < -126 ? 0 : exp2Plainly(exponent))) different++
  }
  expect(different).toBe(0)
})

test('both are within 3.5e-6 of the exponential near 0, and 1.2e-5 far from it', () => {
  const { uniform } = rng(5)
  const most = { near: 0, far: 0 }
  for (let i = 0; i < 100_000; i++) {
    const x = f(uniform() * 174 - 87)
    const range = Math.abs(x) < 8 ? 'near' : 'far'
    for (const value of x <= 0 ? [expF32(x), expDownF32(x)] : [expF32(x)])
      most[range] = Math.max(most[range], Math.abs(value / Math.exp(x) - 1))
  }
  expect(most.near).toBeLessThan(3.5e-6)
  expect(most.far).toBeLessThan(1.2e-5)
})

test('at the ends of its range expF32 is flat, and expDownF32 is 0', () => {
  expect([0, -0].map((x) => expF32(x))).toEqual([1, 1])
  expect([-87.4, -1000, -Infinity, NaN].map((x) => expF32(f(x)))).toEqual([1, 1, 1, 1].map(() => 2 ** -126))
  expect([88.1, 1000, Infinity].map((x) => expF32(f(x)))).toEqual([1, 1, 1].map(() => 2 ** 127))
  expect([0, -0].map((x) => expDownF32(x))).toEqual([1, 1])
  expect([-87.4, -1000, -3e38, -Infinity, NaN].map((x) => expDownF32(f(x)))).toEqual([0, 0, 0, 0, 0])
  expect(expDownF32(f(-87.33))).toBeGreaterThan(0)
})
