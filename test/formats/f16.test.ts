// Halves and bfloat16: every half survives the round trip, and rounding is to nearest, ties to even.

import { expect, it } from 'vitest'
import { bf16ToF32, f16ToF32, f32ToF16, isF16Special } from '../../src/formats/f16.ts'
import { roundTiesToEven } from '../../src/lib/math-f32.ts'

it('takes every finite half to float32 and back', () => {
  for (let half = 0; half < 65536; half++) {
    if (isF16Special(half)) continue
    expect(f32ToF16(f16ToF32(half))).toBe(half)
  }
})

it('rounds midpoints between neighbours to the even half', () => {
  for (let half = 0; half < 0x7bff; half++) {
    const middle = (f16ToF32(half) + f16ToF32(half + 1)) / 2
    const even = half % 2 === 0 ? half : half + 1
    if (f32ToF16(middle) !== even || f32ToF16(-middle) !== (even | 0x8000)) throw new Error(`at ${half}`)
  }
})

it('overflows to infinity from 65520 and keeps NaN', () => {
  expect(f32ToF16(65519)).toBe(0x7bff)
  expect(f32ToF16(65520)).toBe(0x7c00)
  expect(f32ToF16(-Infinity)).toBe(0xfc00)
  expect(f16ToF32(f32ToF16(NaN))).toBeNaN()
})

it('reads bfloat16 as the upper half of a float32', () => {
  expect(bf16ToF32(0x3f80)).toBe(1)
  expect(bf16ToF32(0xc2f7)).toBe(-123.5)
})

it('rounds halves to even', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundTiesToEven)).toEqual([0, 2, 2, 0, -2, 2, 3])
})
