// Philox against the known answers that its authors publish, and what we make of it.

import { expect, test } from 'vitest'
import { philox, uniform } from '../../src/sampling/random.ts'

test('philox gives the known answers of Random123', () => {
  const all = 0xffffffff
  expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  expect(philox([all, all, all, all], [all, all])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
  expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
    0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
  ])
})

test('uniform takes 53 bits, the first word on top', () => {
  const bits = ((0x6627e8d5n >> 5n) << 26n) | (0xe169c58dn >> 6n)
  expect(uniform(0, 0)).toBe(Number(bits) / 2 ** 53)
})

test('uniform depends on seed and position alone, past 32 bits too', () => {
  const draws = [0, 1, 2 ** 32 - 1].flatMap((seed) =>
    [0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52].map((at) => [seed, at]),
  )
  const values = draws.map(([seed, at]) => uniform(seed, at))
  expect(new Set(values).size).toBe(draws.length)
  expect(draws.map(([seed, at]) => uniform(seed, at))).toEqual(values)
})

test('uniform is even over [0, 1), along positions and along seeds', () => {
  const bins = 64
  for (const draw of [(i: number) => uniform(42, i), (i: number) => uniform(i, 42)]) {
    const counts = new Array<number>(bins).fill(0)
    const n = 64_000
    for (let i = 0; i < n; i++) counts[Math.floor(draw(i) * bins)]++
    const chiSquare = counts.reduce((sum, count) => sum + (count - n / bins) ** 2 / (n / bins), 0)
    expect(chiSquare).toBeLessThan(104) // 63 degrees of freedom: p = 0.001 at 103.4
    expect(chiSquare).toBeGreaterThan(34) // and not too even
  }
})

test('successive draws are not correlated', () => {
  const n = 50_000
  let sum = 0
  for (let i = 0; i < n; i++) sum += (uniform(5, i) - 0.5) * (uniform(5, i + 1) - 0.5)
  expect(Math.abs((12 * sum) / n)).toBeLessThan(4 / Math.sqrt(n))
})
