// Rotary angles of every scaling against formulas in float64, written here from the papers.

import { describe, expect, it } from 'vitest'
import { rotationTable } from '../../src/graph/rotation.ts'
import { PLAIN } from '../../src/cache/prompt-shape.ts'
import type { Position, RopeScaling } from '../../src/models/spec.ts'

/** Half an ulp of a float32 near 1, and what the host's own functions leave. */
const TOLERANCE = 4e-8
const POSITIONS = [0, 1, 7, 100, 4095, 33_000, 131_071]

const rope = (scaling: RopeScaling, rotaryDim = 64, base = 10000): Position => ({
  kind: 'rope',
  base,
  rotaryDim,
  scaling,
})

/** Each pair's cosine and sine are those of `angle(pair)`, times `magnitude`. */
function expectAngles(out: Float32Array, angle: (pair: number) => number, magnitude = 1): void {
  const half = out.length / 2
  // An ulp is twice as wide beyond 1.
  const tolerance = magnitude > 1 ? 2 * TOLERANCE : TOLERANCE
  for (let i = 0; i < half; i++) {
    expect(Math.abs(out[i] - magnitude * Math.cos(angle(i))), `cosine of pair ${i}`).toBeLessThan(tolerance)
    expect(Math.abs(out[half + i] - magnitude * Math.sin(angle(i))), `sine of pair ${i}`).toBeLessThan(
      tolerance,
    )
  }
}

function filled(position: Position, at: number, shape = PLAIN): Float32Array {
  const table = rotationTable(position)
  const out = new Float32Array(2 * table.half)
  table.fill(out, at, shape)
  return out
}

it('linear scaling divides positions (arXiv 2306.15595)', () => {
  for (const factor of [2, 8, 50]) {
    for (const at of POSITIONS)
      expectAngles(filled(rope({ kind: 'linear', factor }), at), (i) => (at / factor) * 10000 ** (-i / 32))
  }
})

describe('YaRN (arXiv 2309.00071)', () => {
  /**
   * Section 3.2 and equation 13: with r(d) = L / wavelength(d) turns in the trained length, pairs above `fast` stay, pairs below
   * `slow` are divided by s, and between them a ramp. The ramp runs over pairs, from the floor of the one that makes `fast` turns to
   * the ceiling of the one that makes `slow`, as all implementations have it.
   */
  function frequency(
    i: number,
    dims: number,
    base: number,
    s: number,
    trained: number,
    fast: number,
    slow: number,
  ): number {
    const theta = base ** ((-2 * i) / dims)
    const pairOf = (turns: number): number =>
      (dims / 2) * (Math.log(trained / (2 * Math.PI * turns)) / Math.log(base))
    const low = Math.max(Math.floor(pairOf(fast)), 0)
    const high = Math.min(Math.ceil(pairOf(slow)), dims - 1)
    const kept = i <= low ? 1 : i >= high ? 0 : 1 - (i - low) / (high - low)
    return kept * theta + (1 - kept) * (theta / s)
  }

  it.each([
    { dims: 64, base: 1e6, factor: 4, trained: 32768, fast: 32, slow: 1 }, // Qwen 2.5
    { dims: 128, base: 1e4, factor: 16, trained: 4096, fast: 32, slow: 1 }, // the paper's LLaMA 2
    { dims: 12, base: 1e4, factor: 4, trained: 64, fast: 32, slow: 1 },
    { dims: 64, base: 1e4, factor: 8, trained: 2048, fast: 16, slow: 2 },
  ])('$dims dims, base $base, factor $factor of $trained', ({ dims, base, factor, trained, fast, slow }) => {
    const magnitude = 0.1 * Math.log(factor) + 1
    const position = rope({ kind: 'yarn', factor, trained, fast, slow, magnitude }, dims, base)
    const of = (i: number): number => frequency(i, dims, base, factor, trained, fast, slow)
    for (const at of POSITIONS) expectAngles(filled(position, at), (i) => at * of(i), magnitude)
    // The case is of use: some pair turns slower than without YaRN, and the fastest does not.
    expect(of(dims / 2 - 1)).toBeLessThan(base ** (-(dims - 2) / dims))
    if (trained / (2 * Math.PI) > fast) expect(of(0)).toBe(1)
  })

  it('pairs that turn often in the trained length keep their angle, slow ones are stretched by the factor', () => {
    const settings = { kind: 'yarn', factor: 4, trained: 32768, fast: 32, slow: 1, magnitude: 1 } as const
    const [yarn, plain] = [rope(settings, 64, 1e6), rope({ kind: 'none' }, 64, 1e6)]
    const [a, b, far] = [filled(yarn, 1000), filled(plain, 1000), filled(yarn, 4000)]
    expect(a[0]).toBe(b[0])
    expect(far[31], 'four times as far').toBeCloseTo(b[31], 6)
    expect(a[31]).not.toBe(b[31])
  })
})

describe('dynamic NTK (arXiv 2309.16609)', () => {
  it.each([1, 3, 7, 15, 63])('alpha %i: the base grows by alpha^(d / (d - 2))', (ntk) => {
    for (const dims of [12, 64, 128]) {
      const base = 10000 * ntk ** (dims / (dims - 2))
      for (const at of POSITIONS) {
        const out = filled(rope({ kind: 'ntk', trained: 2048 }, dims), at, { ...PLAIN, ntk })
        expectAngles(out, (i) => at * base ** ((-2 * i) / dims))
      }
    }
  })
  it('one table serves prompts of every alpha', () => {
    const table = rotationTable(rope({ kind: 'ntk', trained: 32 }))
    const out = new Float32Array(64)
    const once = [1, 3, 7].map((ntk) => filled(rope({ kind: 'ntk', trained: 32 }), 99, { ...PLAIN, ntk }))
    for (const [i, ntk] of [7, 1, 3, 1, 7].entries()) {
      table.fill(out, 99, { ...PLAIN, ntk })
      expect(out, `turn ${i}`).toEqual(once[[1, 3, 7].indexOf(ntk)])
    }
    table.fill(out, 99)
    expect(out, 'no shape is alpha 1').toEqual(once[0])
  })
  it('the slowest pair turns alpha times slower, the fastest as before', () => {
    const [one, seven] = [1, 7].map((ntk) =>
      filled(rope({ kind: 'ntk', trained: 32 }, 8), 20, { ...PLAIN, ntk }),
    )
    expect(seven[0]).toBe(one[0])
    const slowest = Math.asin(one[7]) / Math.asin(seven[7])
    expect(slowest).toBeCloseTo(7, 3)
  })
})

describe('positions in two dimensions', () => {
  const position: Position = { kind: 'rope2d', base: 10000, rotaryDim: 32 }
  const shape = { ntk: 1, prefix: 20, mask: 18 }
  /** To 11 bits, half to even: a float16 without its subnormals. */
  function half(value: number): number {
    const unit = 2 ** (Math.floor(Math.log2(value)) - 10)
    const steps = value / unit
    const whole = Math.floor(steps)
    const up = steps - whole > 0.5 || (steps - whole === 0.5 && whole % 2 === 1)
    return (whole + (up ? 1 : 0)) * unit
  }
  it.each([
    { at: 0, text: 0, answer: 0 },
    { at: 19, text: 19, answer: 0 },
    { at: 20, text: 18, answer: 1 },
    { at: 75, text: 18, answer: 56 },
  ])('at $at the first half turns by $text, the other by $answer', ({ at, text, answer }) => {
    const angle = (i: number): number => (i < 8 ? text : answer) * half(10000 ** (-(i % 8) / 8))
    expectAngles(filled(position, at, shape), angle)
  })
})

it('ALiBi turns nothing', () => {
  const table = rotationTable({ kind: 'alibi', maxBias: 8 })
  expect(table.half).toBe(0)
  table.fill(new Float32Array(0), 5)
})
