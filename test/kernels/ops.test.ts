// Norm, activation, residual, checksum against their plain twins, bit for bit, and against float64.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { f16ToF32, isF16Special } from '../../src/formats/f16.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { instantiateKernels } from '../../src/kernels/wasm.ts'
import { allKernels, BASE } from '../helpers/all-kernels.ts'
import { rng } from '../helpers/rng.ts'

const X = BASE
const W = X + 65536
const OUT = W + 65536

function normals(count: number, seed: number): Float32Array {
  const random = rng(seed)
  return new Float32Array(count).map(() => random.normal() * 3)
}

describe('ops', () => {
  const { run } = allKernels()

  it.each([4, 13, 64, 576])('rms_norm of %i', (n) => {
    const [x, w] = [normals(n, 1), normals(n, 2)]
    const out = run(
      (v) => {
        v.f32.set(x, X >> 2)
        v.f32.set(w, W >> 2)
      },
      (k) => k.rms_norm(OUT, X, W, n, 1e-5),
    ).f32
    const mean = x.reduce((a, b) => a + b * b, 0) / n
    x.forEach((value, i) =>
      expect(out[(OUT >> 2) + i]).toBeCloseTo((value / Math.sqrt(mean + 1e-5)) * w[i], 4),
    )
  })

  it('silu_mul, far ends included', () => {
    const gate = Float32Array.from([0, 1, -1, 20, -20, 88, -88, -200, 200, 0.1, -0.1, 5])
    const up = normals(12, 3)
    const out = run(
      (v) => {
        v.f32.set(gate, X >> 2)
        v.f32.set(up, W >> 2)
      },
      (k) => k.silu_mul(OUT, X, W, 12),
    ).f32
    gate.forEach((g, i) => {
      const exact = (g / (1 + Math.exp(-g))) * up[i]
      expect(Math.abs(out[(OUT >> 2) + i] - exact)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(exact)))
    })
  })

  it('add', () => {
    const [x, y] = [normals(12, 4), normals(12, 5)]
    const out = run(
      (v) => {
        v.f32.set(x, X >> 2)
        v.f32.set(y, W >> 2)
      },
      (k) => k.add(X, W, 12),
    ).f32
    x.forEach((value, i) => expect(out[(X >> 2) + i]).toBe(Math.fround(value + y[i])))
  })

  it('add of 16-bit floats: every finite one, subnormals too', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, bits) => bits).filter(
      (bits) => !isF16Special(bits),
    )
    for (let from = 0; from < halves.length; from += 4096) {
      const y = halves.subarray(from, from + 4096)
      const x = normals(y.length, 6 + from)
      const out = run(
        (v) => {
          v.f32.set(x, X >> 2)
          v.u16.set(y, W >> 1)
        },
        (k) => k.add_half(X, W, y.length),
      ).f32
      const wrong = x.findIndex((value, i) => out[(X >> 2) + i] !== Math.fround(value + f16ToF32(y[i])))
      expect(wrong).toBe(-1)
    }
  })
})

describe('the checksum of shards', () => {
  const { run } = allKernels()

  it.each([0, 1, 2, 37])('%i blocks, from any offset', (blocks) => {
    for (const offset of [0, 1, 16, 60]) {
      const { int } = rng(blocks + offset)
      const bytes = new Uint8Array(8192).map(() => int(256))
      run(
        (v) => {
          v.u8.set(bytes, X)
          v.u8.set(bytes.subarray(0, 64), OUT)
        },
        (k) => {
          k.absorb_blocks(OUT, X + offset, blocks)
          k.absorb_blocks(OUT, X, 3)
        },
      )
    }
  })
})

describe('the probes', () => {
  const builds = Object.values(nodeKernels()).filter((module) => module !== undefined)
  const kernels = builds.map((module) =>
    instantiateKernels(module, new WebAssembly.Memory({ initial: 2, maximum: 2 })),
  )

  const twin = referenceKernels(new WebAssembly.Memory({ initial: 1, maximum: 1 }))

  it('sum two or four products with weights of seven bits', () => {
    for (const x of [-128, -127, -1, 0, 1, 127])
      for (const w of [0, 1, 15, 63, 127])
        for (const k of [...kernels, twin]) {
          expect(k.dot_four(x, w)).toBe((4 * x * w) | 0)
          expect(k.dot_pair(x, w)).toBe((2 * x * w) | 0)
        }
  })

  it('take a share of a number, halves up', () => {
    for (const v of [-32768, -3, -1, 0, 1, 3, 32767])
      for (const fraction of [0, 1, 16384, 32767])
        for (const k of [...kernels, twin])
          expect(k.share_one(v, fraction)).toBe(Math.floor((v * fraction) / 32768 + 0.5))
  })
})
