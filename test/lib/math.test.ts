// Our float64 functions against the host's own, which are within an ulp of the truth themselves, and their exact bits.

import { describe, expect, test } from 'vitest'
import { exp, log, pow, sinCos } from '../../src/lib/math.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { rng } from '../helpers/rng.ts'

const CASES = 20_000

const float = new Float64Array(1)
const word = new BigInt64Array(float.buffer)

/** Distance in representable numbers; both of one sign. */
function ulps(a: number, b: number): number {
  const orderOf = (x: number): bigint => {
    float[0] = x
    return word[0]
  }
  return Math.abs(Number(orderOf(a) - orderOf(b)))
}

function worst(distance: (uniform: () => number) => number): number {
  const { uniform } = rng(7)
  let most = 0
  for (let i = 0; i < CASES; i++) most = Math.max(most, distance(uniform))
  return most
}

describe('exp', () => {
  test('is within an ulp of the host', () => {
    const error = (x: number): number => ulps(exp(x), Math.exp(x))
    expect(worst((uniform) => error((2 * uniform() - 1) * 740))).toBeLessThanOrEqual(1)
    expect(worst((uniform) => error(2 * uniform() - 1))).toBeLessThanOrEqual(1)
    expect(worst((uniform) => error(-700 - 45 * uniform()))).toBeLessThanOrEqual(1)
  })

  test('has the right edges', () => {
    expect([0, -0, -Infinity, Infinity, NaN].map(exp)).toEqual([1, 1, 0, Infinity, NaN])
    expect([709.782712893384, 709.7827128933841, 1e9].map(exp)).toEqual([
      1.7976931348622732e308,
      Infinity,
      Infinity,
    ])
    expect([-745.1332191019411, -745.1332191019412, -1e9].map(exp)).toEqual([5e-324, 0, 0])
  })
})

describe('log', () => {
  test('is within an ulp of the host', () => {
    const error = (x: number): number => ulps(log(x), Math.log(x))
    expect(worst((uniform) => error(Math.exp((2 * uniform() - 1) * 700)))).toBeLessThanOrEqual(1)
    expect(worst((uniform) => error(0.5 + uniform()))).toBeLessThanOrEqual(1)
    expect(worst((uniform) => error(uniform() * 2 ** -1030))).toBeLessThanOrEqual(1)
  })

  test('has the right edges', () => {
    expect([1, 0, -1, Infinity, NaN].map(log)).toEqual([0, -Infinity, NaN, Infinity, NaN])
    expect(log(5e-324)).toBe(-744.4400719213812)
    expect(log(2)).toBe(Math.LN2)
  })
})

describe('pow', () => {
  test('is within two ulps of the host, also where the exponent magnifies an error of the logarithm', () => {
    const error = (base: number, x: number): number => ulps(pow(base, x), Math.pow(base, x))
    expect(worst((uniform) => error(Math.exp(40 * uniform() - 20), 60 * uniform() - 30))).toBeLessThanOrEqual(
      2,
    )
    expect(worst((uniform) => error(10000, 2 * uniform() - 1))).toBeLessThanOrEqual(2)
  })

  test('is exact where the result is', () => {
    expect([
      pow(2, 10),
      pow(3, 4),
      pow(10000, 0.5),
      pow(10, 22),
      pow(5, -1),
      pow(7, 0),
      pow(1, 1e300),
    ]).toEqual([1024, 81, 100, 1e22, 0.2, 1, 1])
    expect([pow(10, 400), pow(10, -400), pow(0.5, 1e9)]).toEqual([Infinity, 0, 0])
  })

  test('refuses bases that are not positive', () => {
    for (const base of [0, -1, NaN, Infinity]) expect(() => pow(base, 2)).toThrow(RangeError)
  })
})

describe('sinCos', () => {
  const error = (angle: number): number => {
    const { sin, cos } = sinCos(angle)
    return Math.max(Math.abs(sin - Math.sin(angle)), Math.abs(cos - Math.cos(angle)))
  }

  test('is within 3e-16 of the host, up to the largest angle', () => {
    for (const range of [1, 1000, 1e6, 8e8]) {
      expect(worst((uniform) => error((2 * uniform() - 1) * range))).toBeLessThan(3e-16)
    }
  })

  test('keeps its accuracy beside multiples of a quarter turn', () => {
    let most = 0
    for (let n = -2000; n <= 2000; n++) {
      for (const nearby of [0, 1e-9, -1e-9, Math.PI / 4])
        most = Math.max(most, error(n * (Math.PI / 2) + nearby))
    }
    expect(most).toBeLessThan(3e-16)
    expect(sinCos(Math.PI).sin).toBeCloseTo(1.2246467991473532e-16, 29) // what pi lacks as a double
  })

  test('refuses what it cannot reduce', () => {
    for (const angle of [1e9, -1e9, Infinity, NaN]) expect(() => sinCos(angle)).toThrow(RangeError)
  })
})

test('gives the same bits everywhere', () => {
  const { uniform } = rng(11)
  const digest = sha256()
  for (let i = 0; i < 5000; i++) {
    const x = 2 * uniform() - 1
    const { sin, cos } = sinCos(x * 1e6)
    const values = [
      exp(x * 700),
      log(uniform() * 1e6),
      pow(10000, x),
      pow(uniform() * 9 + 1e-3, x * 40),
      sin,
      cos,
    ]
    digest.update(new Uint8Array(Float64Array.from(values).buffer))
  }
  expect(digest.hex()).toBe('04221bd257873eea0eff20fb7189e4804b8f180546c52e5bbbb0f5d0658d978e')
})
