// Attention kernels against their plain twins, bit for bit, in every build, and the whole of attention against float64 arithmetic.

import { describe, expect, it } from 'vitest'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { PAGE_POSITIONS, storedDims } from '../../src/kernels/layout.ts'
import type { MemoryViews } from '../../src/kernels/reference/memory.ts'
import { allKernels, BASE } from '../helpers/all-kernels.ts'
import { rng } from '../helpers/rng.ts'

const Q = BASE
const K = Q + 16384
const V = K + 262144
const TABLE = V + 262144
const QUERY = TABLE + 1024
const SCORES = QUERY + 16384
const SUMS = SCORES + 65536
const OUT = SUMS + 1024
const POOL = OUT + 65536

const SHAPES = [
  { heads: 4, kvHeads: 2, headDim: 16 },
  { heads: 3, kvHeads: 1, headDim: 64 },
  { heads: 2, kvHeads: 2, headDim: 40 },
  { heads: 4, kvHeads: 2, headDim: 10 }, // no multiple of a vector: stored as 16
  { heads: 3, kvHeads: 3, headDim: 20 },
]
const SIGHTS = [
  { pages: 1, low: 0, high: 1 },
  { pages: 2, low: 0, high: 20 },
  { pages: 3, low: 5, high: 48 },
]

type Shape = (typeof SHAPES)[number]
type Sight = (typeof SIGHTS)[number]

function fill(views: MemoryViews, { heads, kvHeads, headDim }: Shape, pages: number): void {
  const random = rng(headDim)
  for (let i = 0; i < heads * headDim; i++) views.f32[(Q >> 2) + i] = random.normal()
  for (let i = 0; i < pages * PAGE_POSITIONS * kvHeads * headDim; i++) {
    views.f32[(K >> 2) + i] = random.normal()
    views.f32[(V >> 2) + i] = random.normal() * (i % 7 === 0 ? 10 : 1)
  }
}

function attend(k: Kernels, views: MemoryViews, kv: 'q8' | 'f32', shape: Shape, sight: Sight): void {
  const { heads, kvHeads, headDim } = shape
  const { pages, low, high } = sight
  const factor = Math.fround(1 / Math.sqrt(headDim))
  // Keys of all pages, then their values.
  const half = kvHeads * PAGE_POSITIONS * (kv === 'q8' ? storedDims(headDim) + 4 : 4 * headDim)
  const offset = pages * half
  const stride = pages * PAGE_POSITIONS
  for (let page = 0; page < pages; page++) views.u32[(TABLE >> 2) + page] = POOL + page * half
  for (let position = 0; position < stride; position++) {
    const at = POOL + Math.floor(position / PAGE_POSITIONS) * half
    const from = position * kvHeads * headDim * 4
    if (kv === 'q8') k.hadamard(K + from, kvHeads, headDim)
    k[`kv_write_${kv}`](at, at + offset, position % PAGE_POSITIONS, K + from, V + from, kvHeads, headDim)
  }
  if (kv === 'q8') {
    k.hadamard(Q, heads, headDim)
    k.quantize_query(QUERY, Q, heads, headDim, factor)
    k.score_q8(SCORES, stride, QUERY, TABLE, offset, pages, low, high, heads, kvHeads, headDim)
  } else {
    k.score_f32(SCORES, stride, Q, TABLE, pages, low, high, heads, kvHeads, headDim, factor)
  }
  k.softmax(SCORES, stride, SUMS, stride, heads)
  k[`values_${kv}`](OUT, SCORES, stride, TABLE, offset, pages, heads, kvHeads, headDim)
  // Where weights were, each build leaves codes of its own kind.
  if (kv === 'q8') views.u8.fill(0, SCORES, SCORES + heads * stride * 4)
  k.scale_heads(OUT, SUMS, heads, headDim)
}

/** Attention in float64, straight from the definition. */
function exact(views: MemoryViews, { heads, kvHeads, headDim }: Shape, { low, high }: Sight): number[] {
  const at = (base: number, position: number, head: number, d: number): number =>
    views.f32[(base >> 2) + (position * kvHeads + head) * headDim + d]
  return Array.from({ length: heads * headDim }, (_, i) => {
    const head = Math.floor(i / headDim)
    const kv = Math.floor(head / (heads / kvHeads))
    let sum = 0
    let weighted = 0
    for (let position = low; position < high; position++) {
      let score = 0
      for (let d = 0; d < headDim; d++)
        score += views.f32[(Q >> 2) + head * headDim + d] * at(K, position, kv, d)
      const weight = Math.exp(score / Math.sqrt(headDim))
      sum += weight
      weighted += weight * at(V, position, kv, i % headDim)
    }
    return weighted / sum
  })
}

describe.each(SHAPES)('attention, $heads heads over $kvHeads of $headDim', (shape) => {
  const { run } = allKernels()
  describe.each(['q8', 'f32'] as const)('%s pages', (kv) => {
    it.each(SIGHTS)('$pages pages, slots $low to $high', (sight) => {
      let views: MemoryViews
      const result = run(
        (v) => {
          fill(v, shape, sight.pages)
          views = v
        },
        (k) => attend(k, views, kv, shape, sight),
      )
      const expected = exact(result, shape, sight)
      const got = result.f32.subarray(OUT >> 2, (OUT >> 2) + expected.length)
      // INT8 keys and values: about 1 % of the largest value (30); floats: rounding.
      const tolerance = kv === 'q8' ? 0.3 : 1e-5
      expected.forEach((value, i) => expect(Math.abs(got[i] - value)).toBeLessThan(tolerance))
    })
  })

  it('gives the same bits whatever hidden slots hold', () => {
    const sight = { pages: 3, low: 5, high: 20 }
    const outputs = [0, 1].map((salt) => {
      let views: MemoryViews
      const result = run(
        (v) => {
          fill(v, shape, sight.pages)
          const hidden = 20 * shape.kvHeads * shape.headDim
          for (let i = hidden; i < 2 * hidden; i++) v.f32[(V >> 2) + i] += salt * 5
          views = v
        },
        (k) => attend(k, views, 'q8', shape, sight),
      )
      return result.f32.slice(OUT >> 2, (OUT >> 2) + shape.heads * shape.headDim)
    })
    expect(outputs[1]).toEqual(outputs[0])
  })
})

describe('score_q8', () => {
  const { run } = allKernels()
  it('gives the same scores whether it touches the values or not', () => {
    const { heads, kvHeads, headDim } = { heads: 4, kvHeads: 1, headDim: 16 } // three heads together, and one
    const stride = 2 * PAGE_POSITIONS
    const half = kvHeads * PAGE_POSITIONS * (headDim + 4)
    const scores = [2 * half, 0].map((offset) => {
      const result = run(
        (v) => {
          const random = rng(7)
          for (let i = 0; i < heads * headDim; i++) v.f32[(Q >> 2) + i] = random.normal()
          for (let i = 0; i < 2 * half; i++) v.u8[POOL + i] = 1 + (i % 127)
          for (let page = 0; page < 2; page++) {
            v.u32[(TABLE >> 2) + page] = POOL + page * half
            v.f32.fill(0.01, (POOL + page * half) >> 2, ((POOL + page * half) >> 2) + PAGE_POSITIONS)
          }
        },
        (k) => {
          k.quantize_query(QUERY, Q, heads, headDim, 0.25)
          k.score_q8(SCORES, stride, QUERY, TABLE, offset, 2, 0, stride, heads, kvHeads, headDim)
        },
      )
      return result.f32.slice(SCORES >> 2, (SCORES >> 2) + heads * stride)
    })
    expect(scores[1]).toEqual(scores[0])
    expect(new Set(scores[0]).size).toBeGreaterThan(heads)
  })
})

describe('values that overflowed', () => {
  const { run } = allKernels()
  it.each([Infinity, -Infinity, NaN])('%s in a hidden slot reaches nobody who has the page next', (bad) => {
    const shape = { heads: 3, kvHeads: 1, headDim: 16 }
    const sight = { pages: 1, low: 0, high: 5 }
    const count = shape.heads * shape.headDim
    const outputs = [0, bad].map((value) => {
      let views: MemoryViews
      const result = run(
        (v) => {
          fill(v, shape, sight.pages)
          v.f32[(V >> 2) + 9 * shape.headDim + 3] = value
          views = v
        },
        (k) => attend(k, views, 'q8', shape, sight),
      )
      return result.f32.slice(OUT >> 2, (OUT >> 2) + count)
    })
    expect(outputs[1]).toEqual(outputs[0])
  })
})

describe('values_q8', () => {
  const { run } = allKernels()
  // 1031 of the largest codes are the most whose sum with values of 127 fits 32 bits.
  it.each([64, 65, 90])('sums %i pages of even weights and largest values', (pages) => {
    const { heads, kvHeads, headDim } = { heads: 4, kvHeads: 1, headDim: 16 } // three heads together, and one
    const stride = pages * PAGE_POSITIONS
    const bytes = PAGE_POSITIONS * (headDim + 4)
    const result = run(
      (v) => {
        v.f32.fill(1, SCORES >> 2, (SCORES >> 2) + heads * stride)
        v.u8.fill(127, POOL, POOL + bytes)
        v.f32.fill(1 / 127, POOL >> 2, (POOL >> 2) + PAGE_POSITIONS)
        v.u32.fill(POOL, V >> 2, (V >> 2) + pages)
        views = v
      },
      (k) => {
        k.values_q8(OUT, SCORES, stride, V, 0, pages, heads, kvHeads, headDim)
        views.u8.fill(0, SCORES, SCORES + heads * stride * 4)
      },
    )
    for (const sum of result.f32.subarray(OUT >> 2, (OUT >> 2) + heads * headDim))
      expect(sum / stride).toBeCloseTo(1, 3)
  })
  let views: MemoryViews
})

describe('hadamard', () => {
  const { run } = allKernels()
  it.each([4, 6, 10, 16, 40, 64, 96])(
    'of heads of %i keeps lengths and dots, and undoes itself',
    (headDim) => {
      const random = rng(headDim)
      const source = new Float32Array(2 * headDim).map(() => random.normal())
      const fillQ = (v: MemoryViews): void => v.f32.set(source, Q >> 2)
      const once = run(fillQ, (k) => k.hadamard(Q, 2, headDim)).f32.slice(Q >> 2, (Q >> 2) + 2 * headDim)
      const twice = run(fillQ, (k) => {
        k.hadamard(Q, 2, headDim)
        k.hadamard(Q, 2, headDim)
      }).f32.subarray(Q >> 2)
      const dot = (x: Float32Array): number =>
        x.subarray(0, headDim).reduce((sum, value, d) => sum + value * x[headDim + d], 0)
      expect(dot(once)).toBeCloseTo(dot(source), 4)
      source.forEach((value, d) => expect(twice[d]).toBeCloseTo(value, 5))
    },
  )
})

describe('rope', () => {
  const { run } = allKernels()
  it.each([
    [16, 8],
    [20, 5], // pairs that do not fill a vector, and a rest that passes through
    [64, 16],
  ])('head of %i, %i pairs, in place and out of place', (headDim, half) => {
    const random = rng(half)
    const heads = 3
    const prepare = (v: MemoryViews): void => {
      for (let i = 0; i < heads * headDim; i++) v.f32[(Q >> 2) + i] = random.normal()
      for (let i = 0; i < half; i++) {
        v.f32[(TABLE >> 2) + i] = Math.cos(i + 1)
        v.f32[(TABLE >> 2) + half + i] = Math.sin(i + 1)
      }
    }
    const source = new Float32Array(heads * headDim).map(() => random.normal())
    const filled = (v: MemoryViews): void => {
      prepare(v)
      v.f32.set(source, Q >> 2)
    }
    const out = run(filled, (k) => k.rope(OUT, Q, heads, headDim, half, TABLE)).f32.slice(OUT >> 2)
    const inPlace = run(filled, (k) => k.rope(Q, Q, heads, headDim, half, TABLE)).f32
    for (let i = 0; i < heads * headDim; i++) expect(out[i]).toBe(inPlace[(Q >> 2) + i])
    // A rotation keeps each pair's length.
    for (let i = 0; i < half; i++) {
      expect(Math.hypot(out[i], out[half + i])).toBeCloseTo(Math.hypot(source[i], source[half + i]), 5)
    }
    expect(out[0]).toBeCloseTo(source[0] * Math.cos(1) - source[half] * Math.sin(1), 5)
  })
})
