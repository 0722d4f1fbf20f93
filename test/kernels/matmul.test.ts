// Every matrix kernel against its plain twin, bit for bit, in every build; and matrix x matrix against matrix x vector.

import { describe, expect, it } from 'vitest'
import { Arrangement } from '../../src/graph/arrangement.ts'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { isBySpan, rowGroupBytes, TILE_ROWS, TILES, X1, X4, x4Bytes } from '../../src/kernels/layout.ts'
import { bf16, type MemoryViews } from '../../src/kernels/reference/memory.ts'
import { allKernels, BASE } from '../helpers/all-kernels.ts'
import { rng } from '../helpers/rng.ts'
import { randomMatrix } from '../helpers/weights.ts'

const KINDS = ['q4', 'q4m', 'q4n', 'q5', 'q6', 'q8'] as const
const SHAPES = [
  [8, 32],
  [24, 64],
  [13, 96], // rows that do not fill a tile
  [64, 50], // columns that do not fill a block
  [16, 192],
] as const

const SPARE = 32768 // scratch of the kernels alone: below what is compared
const X = BASE
const XQ = X + 65536
const Y = XQ + 65536
const W = Y + 262144

type Input = (random: ReturnType<typeof rng>, i: number) => number
const INPUTS: Record<string, Input> = {
  normal: (random) => random.normal(),
  'one outlier': (random, i) => (i === 7 ? 1000 : random.normal()),
  zeros: () => 0,
  'all at the top': () => 1,
  alternating: (_, i) => (i % 2 ? -1 : 1),
}

function fillX(views: MemoryViews, count: number, input: Input, seed: number): void {
  const random = rng(seed)
  for (let i = 0; i < count; i++) views.f32[(X >> 2) + i] = input(random, i)
}

describe('quantize', () => {
  const { run } = allKernels()
  for (const [name, input] of Object.entries(INPUTS)) {
    it(`x1 and x4 of ${name}`, () => {
      for (const cols of [32, 50, 96]) {
        const fill = (views: MemoryViews): void => fillX(views, cols * 4, input, cols)
        const at = XQ + X1.header + X1.codes
        const one = run(fill, (k) => k.quantize_x1(XQ, X, cols, SPARE)).i8.slice(at, at + 64)
        for (const tokens of [1, 3, 4]) {
          const four = run(fill, (k) => k.quantize_x4(XQ, X, cols * 4, tokens, cols, SPARE))
          const codes = XQ + X4.header + X4.codes
          const first = Array.from({ length: 64 }, (_, c) => four.i8[codes + (c >> 3) * 32 + (c & 7)])
          expect(first).toEqual(Array.from(one))
        }
      }
    })
  }

  it('rounds to the nearest code, halves to even', () => {
    const values = [127, 0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -126.6]
    const views = run(
      (v) => v.f32.set(values, X >> 2),
      (k) => k.quantize_x1(XQ, X, 32, SPARE),
    )
    const at = XQ + X1.header + X1.codes
    const codes = [0, 1].flatMap((g) => Array.from(views.i8.subarray(at + 8 * g, at + 8 * g + 4)))
    expect(codes).toEqual([127, 0, 2, 2, 0, -2, 0, -127])
  })
})

describe.each(KINDS)('%s matrices', (kind) => {
  const { run } = allKernels()
  const gemv: (k: Kernels) => Kernels['gemv_q4_q8'] = (k) => k[`gemv_${kind}_q8`]
  const gemm: (k: Kernels) => Kernels['gemm_q4_q8'] = (k) => k[`gemm_${kind}_q8`]

  /** Calls with the matrix at W in the order of the build, and leaves it as it was. */
  const arranged = (k: Kernels, rows: number, cols: number, call: () => void): void => {
    const arrangement = new Arrangement(k, [{ offset: 0, length: 1, kind, rows, cols }], W)
    arrangement.reach(1)
    call()
    arrangement.reach(0)
  }

  for (const [rows, cols] of SHAPES) {
    for (const [name, input] of Object.entries(INPUTS)) {
      it(`${rows} x ${cols}, ${name}: row i of gemm equals gemv`, () => {
        const tokens = 8
        const padded = Math.ceil(rows / TILE_ROWS) * TILE_ROWS
        const fill = (views: MemoryViews): void => {
          fillX(views, cols * tokens, input, rows)
          randomMatrix(views, W, kind, rows, cols, rng(rows * cols))
        }
        const many = run(fill, (k) => {
          const groupBytes = x4Bytes(cols)
          k.quantize_x4(XQ, X, cols * 4, 4, cols, SPARE)
          k.quantize_x4(XQ + groupBytes, X + 4 * cols * 4, cols * 4, 4, cols, SPARE)
          arranged(k, rows, cols, () => gemm(k)(Y, padded * 4, W, XQ, rows, cols, 2))
        }).f32.slice(Y >> 2, (Y >> 2) + padded * tokens)
        for (const token of [0, 3, 5]) {
          const one = run(fill, (k) => {
            k.quantize_x1(XQ, X + token * cols * 4, cols, SPARE)
            arranged(k, rows, cols, () => gemv(k)(Y, W, XQ, rows, cols))
          }).f32.subarray(Y >> 2, (Y >> 2) + padded)
          expect(one).toEqual(many.subarray(token * padded, (token + 1) * padded))
        }
      })
    }
  }

  it('comes within the activations rounding of the exact product', () => {
    const [rows, cols] = [16, 96]
    const views = run(
      (v) => {
        fillX(v, cols, INPUTS['normal'], 1)
        randomMatrix(v, W, kind, rows, cols, rng(5))
      },
      (k) => {
        k.quantize_x1(XQ, X, cols, SPARE)
        arranged(k, rows, cols, () => {
          gemv(k)(Y, W, XQ, rows, cols)
          for (let row = 0; row < rows; row++) k[`embed_${kind}`](Y + 4096 + row * cols * 4, W, row, cols)
        })
      },
    )
    for (let row = 0; row < rows; row++) {
      let exact = 0
      let budget = 1e-5
      for (let c = 0; c < cols; c++) {
        const weight = views.f32[((Y + 4096) >> 2) + row * cols + c]
        exact += weight * views.f32[(X >> 2) + c]
        const span = XQ + X1.header + Math.floor(c / 64) * X1.bytes
        const scale = views.f32[((span + X1.blockScales) >> 2) + (Math.floor(c / 32) % 2)] / 2 ** 56
        budget += Math.abs(weight) * scale * 0.5001 // half a step of each activation
      }
      // A block's dot and sum are rounded to whole steps of the token's scale, and so is its fraction: two steps of what constants may be.
      if (isBySpan(kind)) {
        const units = W + rowGroupBytes(kind, cols) - TILES[kind].units
        const [most, unit] =
          kind === 'q4n'
            ? [638, bf16(views.u16[(units >> 1) + row])]
            : [33000, 2 ** (views.u8[units + row] - 127)]
        budget += Math.ceil(cols / 32) * 2 * most * views.f32[XQ >> 2] * unit
      }
      expect(Math.abs(views.f32[(Y >> 2) + row] - exact)).toBeLessThanOrEqual(budget)
    }
  })
})

describe('the largest sums that a span of q4m can have', () => {
  const { run } = allKernels()
  const MOST = 33001 // MOST_Q4M, and what rounding adds
  it.each([
    [0, 32767, MOST - 32767],
    [0, MOST - 32767, 32767],
    [0, 16500, MOST - 16500],
    [15, 32767, MOST - 32767],
  ])('codes %i, scale %i, minimum %i: nothing wraps, in no build', (code, scale, minimum) => {
    const sign = code === 0 ? -1 : 1
    const views = run(
      (v) => {
        fillX(v, 64 * 4, INPUTS['all at the top'], 1)
        v.u8.fill(code * 17, W, W + 512)
        for (let i = 0; i < 64; i++) v.i16[((W + 512) >> 1) + i] = i % 16 < 8 ? scale : sign * minimum
        v.u8.fill(127, W + 640, W + 656)
      },
      (k) => {
        k.quantize_x1(XQ, X, 64, SPARE)
        k.gemv_q4m_q8(Y, W, XQ, 16, 64)
        k.quantize_x4(XQ, X, 64 * 4, 4, 64, SPARE)
        k.gemm_q4m_q8(Y + 1024, 64, W, XQ, 16, 64, 1)
      },
    )
    const exact = 64 * (scale * (code - 8) + 8 * sign * minimum)
    for (const at of [Y, Y + 1024, Y + 1024 + 3 * 64]) expect(views.f32[at >> 2] / exact).toBeCloseTo(1, 4)
  })
})

describe('f32 matrices', () => {
  const { run } = allKernels()
  it.each([
    [4, 8, 1],
    [7, 13, 3],
    [16, 64, 5],
  ])('%i x %i for %i tokens', (rows, cols, tokens) => {
    const random = rng(rows)
    const w = Array.from({ length: rows * cols }, () => random.normal())
    const views = run(
      (v) => {
        fillX(v, cols * tokens, INPUTS['normal'], 3)
        v.f32.set(w, W >> 2)
      },
      (k) => k.matmul_f32(Y, rows * 4, W, X, cols * 4, rows, cols, tokens),
    )
    for (let t = 0; t < tokens; t++) {
      for (let row = 0; row < rows; row++) {
        let exact = 0
        for (let c = 0; c < cols; c++)
          exact += Math.fround(w[row * cols + c]) * views.f32[(X >> 2) + t * cols + c]
        // Each of cols products and sums may round by 2^-24 of the largest partial sum.
        expect(views.f32[(Y >> 2) + t * rows + row]).toBeCloseTo(exact, 4)
      }
    }
  })
})
