// Rotary angles far out: a table for one position, as small and as exact at a million as at zero.

import { describe, expect, it } from 'vitest'
import { rotationTable } from '../../src/graph/rotation.ts'

const POSITION = {
  kind: 'rope',
  base: 10000,
  rotaryDim: 32,
  scaling: { kind: 'none' },
} as const
const HALF = POSITION.rotaryDim / 2
const FAR = [20_000, 32_768, 1_000_003]

describe('a rotation table', () => {
  it('does not depend on the positions before it', () => {
    const walked = rotationTable(POSITION)
    const out = new Float32Array(2 * HALF)
    for (let position = 0; position <= FAR[0]; position++) walked.fill(out, position)
    const fresh = new Float32Array(2 * HALF)
    rotationTable(POSITION).fill(fresh, FAR[0])
    expect(out).toEqual(fresh)
    expect(Object.keys(walked)).toEqual(['half', 'fill'])
  })

  it('writes one position and no more', () => {
    const out = new Float32Array(6 * HALF).fill(7)
    for (const position of FAR) rotationTable(POSITION).fill(out.subarray(2 * HALF, 4 * HALF), position)
    expect([...out.subarray(0, 2 * HALF), ...out.subarray(4 * HALF)].every((value) => value === 7)).toBe(true)
    expect(out.subarray(2 * HALF, 4 * HALF)).not.toContain(7)
  })

  it.each(FAR)('is exact at %i', (position) => {
    const out = new Float32Array(2 * HALF)
    rotationTable(POSITION).fill(out, position)
    for (let i = 0; i < HALF; i++) {
      const angle = position * POSITION.base ** (-i / HALF)
      // Half an ulp of a float32 near 1, and what the host's own pow and cos leave at such angles.
      expect(Math.abs(out[i] - Math.cos(angle))).toBeLessThan(3.1e-8)
      expect(Math.abs(out[HALF + i] - Math.sin(angle))).toBeLessThan(3.1e-8)
    }
  })
})
