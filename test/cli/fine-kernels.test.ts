// Fine kernels against the exact product: of every kind of matrix they lose a small part of what the kernels lose.

import { describe, expect, it } from 'vitest'
import { fineKernels } from '../../cli/lib/fine-kernels.ts'
import { TILE_ROWS, TILES, x1Bytes } from '../../src/kernels/layout.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { MemoryViews } from '../../src/kernels/reference/memory.ts'
import { BASE } from '../helpers/all-kernels.ts'
import { rng } from '../helpers/rng.ts'
import { randomMatrix } from '../helpers/weights.ts'

const [ROWS, COLS, TOKENS] = [TILE_ROWS, 192, 4]
const [SPARE, X, XQ, Y, W] = [32768, BASE, 2 * BASE, 3 * BASE, 4 * BASE]

describe.each(Object.keys(TILES) as (keyof typeof TILES)[])('%s', (kind) => {
  const memory = new WebAssembly.Memory({ initial: 16 })
  const views = new MemoryViews(memory.buffer)
  const own = referenceKernels(memory)
  const random = rng(7)
  for (let i = 0; i < TOKENS * COLS; i++) views.f32[X / 4 + i] = random.normal()
  randomMatrix(views, W, kind, ROWS, COLS, random)
  const weights = Array.from({ length: ROWS }, (_, row) => {
    own[`embed_${kind}`](Y, W, row, COLS)
    return views.f32.slice(Y / 4, Y / 4 + COLS)
  })
  const exact = Array.from({ length: TOKENS * ROWS }, (_, i) => {
    const x = X / 4 + Math.floor(i / ROWS) * COLS
    return weights[i % ROWS].reduce((sum, weight, col) => sum + weight * views.f32[x + col], 0)
  })
  const errorOf = (isFine: boolean, way: 'gemv' | 'gemm'): number => {
    const kernels = fineKernels(own, memory, { isFine: () => isFine, residueProducts: -1 })
    if (way === 'gemm') {
      kernels.quantize_x4(XQ, X, COLS * 4, TOKENS, COLS, SPARE)
      kernels[`gemm_${kind}_q8`](Y, ROWS * 4, W, XQ, ROWS, COLS, 1)
    }
    for (let token = 0; way === 'gemv' && token < TOKENS; token++) {
      const out = XQ + token * x1Bytes(COLS)
      kernels.quantize_x1(out, X + token * COLS * 4, COLS, SPARE)
      kernels[`gemv_${kind}_q8`](Y + token * ROWS * 4, W, out, ROWS, COLS)
    }
    return exact.reduce((sum, value, i) => sum + (views.f32[Y / 4 + i] - value) ** 2, 0)
  }

  it.each(['gemv', 'gemm'] as const)('%s', (way) => {
    const [fine, coarse] = [errorOf(true, way), errorOf(false, way)]
    expect(fine).toBeLessThan(coarse / 100)
  })
})
