// What keys depend on besides ids and positions: NTK's alpha at its edges, a prefix and what it goes by, and which keys may be shared.

import { describe, expect, it } from 'vitest'
import { ntkAlpha, PLAIN, planePosition, promptShape, sharedKeys } from '../../src/cache/prompt-shape.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'

const FULL = { window: undefined, sinks: 0 }

const NTK: ModelSpec = {
  ...MOCK_SPEC,
  attention: {
    ...MOCK_SPEC.attention,
    kinds: [
      { position: { kind: 'rope', base: 10000, rotaryDim: 32, scaling: { kind: 'ntk', trained: 32 } } },
    ],
  },
}
const PREFIX: ModelSpec = { ...MOCK_SPEC, prefix: { start: 80, gmask: 77, mask: 76 } }

const ids = (length: number): number[] => Array.from({ length }, (_, i) => i % 70)

describe('alpha of dynamic NTK', () => {
  it.each([1, 32, 2048, 8192])('steps at each doubling of %i positions, and nowhere else', (trained) => {
    expect(ntkAlpha(1, trained)).toBe(1)
    for (let k = 0; k < 8; k++) {
      const edge = trained * 2 ** k
      const [below, above] = [2 * 2 ** k - 1, 4 * 2 ** k - 1]
      expect([ntkAlpha(edge - 1, trained), ntkAlpha(edge, trained)]).toEqual([
        edge - 1 > trained * 2 ** (k - 1) ? below : Math.max(below - 2 ** k, 1),
        below,
      ])
      expect(ntkAlpha(edge + 1, trained)).toBe(above)
    }
  })

  it('is 1 up to the trained length and 3 from the next position on', () => {
    expect([1, 2, 16, 31, 32].map((n) => ntkAlpha(n, 32))).toEqual([1, 1, 1, 1, 1])
    expect([33, 63, 64].map((n) => ntkAlpha(n, 32))).toEqual([3, 3, 3])
    expect([65, 128, 129, 256, 257].map((n) => ntkAlpha(n, 32))).toEqual([7, 7, 15, 15, 31])
  })

  it('equals the formula of the original, away from its edges', () => {
    for (let n = 1; n < 3000; n += 7) {
      for (const trained of [32, 100, 2048]) {
        const exponent = Math.log2(n / trained) + 1
        if (Math.abs(exponent - Math.round(exponent)) < 1e-9) continue
        expect(ntkAlpha(n, trained)).toBe(Math.max(2 ** Math.ceil(exponent) - 1, 1))
      }
    }
  })
})

describe('the shape of a prompt', () => {
  it('is plain for most families', () => {
    expect(promptShape(MOCK_SPEC, ids(500), FULL)).toEqual(PLAIN)
  })

  it('with NTK goes by the length, as far as a window sees', () => {
    const alpha = (length: number, window: number | undefined, sinks = 0): number =>
      promptShape(NTK, ids(length), { window, sinks }).ntk
    expect([32, 33, 65].map((length) => alpha(length, undefined))).toEqual([1, 3, 7])
    expect([33, 65, 500].map((length) => alpha(length, 32))).toEqual([1, 1, 1])
    expect(
      [33, 65, 500].map((length) => alpha(length, 32, 1)),
      'sinks are seen too',
    ).toEqual([3, 3, 3])
    expect(alpha(33, 1000), 'a window that is not full').toBe(3)
  })

  it('with a prefix goes by <sop> and the mask', () => {
    const shape = (...prompt: number[]) => promptShape(PREFIX, prompt, FULL)
    expect(shape(1, 2, 77, 80)).toEqual({ ntk: 1, prefix: 3, mask: 2 })
    expect(shape(1, 76, 2, 80, 5, 6), 'an answer partly written').toEqual({ ntk: 1, prefix: 3, mask: 1 })
    expect(shape(76, 1, 77, 80), '[gMASK] before [MASK]').toMatchObject({ mask: 2 })
    expect(shape(77, 80, 80, 77), 'the first of each').toEqual({ ntk: 1, prefix: 1, mask: 0 })
    expect(shape(80, 77), 'nothing before <sop>').toEqual({ ntk: 1, prefix: 0, mask: 1 })
  })

  it.each([
    [[1, 2, 77], /no <sop> \(id 80\)/],
    [[1, 2, 80], /no \[gMASK\] \(id 77\) or \[MASK\] \(id 76\)/],
    [[], /no <sop>/],
  ])('a prompt of %j has no positions', (prompt, message) => {
    expect(() => promptShape(PREFIX, prompt, FULL)).toThrow(message)
    expect(() => promptShape(PREFIX, prompt, FULL)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'prompt' }),
    )
  })
})

describe('shared keys', () => {
  it('are all common ids of equal shapes', () => {
    expect(sharedKeys(PLAIN, PLAIN, 40)).toBe(40)
    expect(sharedKeys(PLAIN, PLAIN, 0)).toBe(0)
    expect(sharedKeys({ ...PLAIN, ntk: 3 }, { ...PLAIN, ntk: 3 }, 40)).toBe(40)
  })
  it('are none across alphas, prefixes and masks', () => {
    const shape = { ntk: 1, prefix: 10, mask: 9 }
    expect(sharedKeys({ ...shape, ntk: 3 }, shape, 40)).toBe(0)
    expect(sharedKeys({ ...shape, prefix: 11 }, shape, 40)).toBe(0)
    expect(sharedKeys({ ...shape, mask: 8 }, shape, 40)).toBe(0)
  })
  it('are the whole prefix or nothing of it', () => {
    const shape = { ntk: 1, prefix: 10, mask: 9 }
    expect([9, 10, 11, 40].map((common) => sharedKeys(shape, shape, common))).toEqual([0, 10, 11, 40])
  })
})

it('positions in two dimensions: the text, then the mask and a count from <sop> on', () => {
  const shape = { ntk: 1, prefix: 3, mask: 1 }
  expect([0, 1, 2, 3, 4, 9].map((position) => planePosition(shape, position))).toEqual([
    [0, 0],
    [1, 0],
    [2, 0],
    [1, 1],
    [1, 2],
    [1, 7],
  ])
})
