// The choice of a build, by what the host makes of a dot beyond its defined range.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { dotsByPairs, fastestKernels, multipliesRight } from '../../src/kernels/choose.ts'
import { hasRelaxedSimd, instantiateKernels, type KernelModules } from '../../src/kernels/wasm.ts'

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 })

/** The name of the module that was instantiated last. */
function chosen(modules: KernelModules): string | undefined {
  const taken: WebAssembly.Module[] = []
  const real = WebAssembly.Instance
  const spy = class extends real {
    constructor(module: WebAssembly.Module, imports: WebAssembly.Imports) {
      super(module, imports)
      taken.push(module)
    }
  }
  WebAssembly.Instance = spy
  try {
    fastestKernels(modules, memory)
  } finally {
    WebAssembly.Instance = real
  }
  return Object.entries(modules).find(([, module]) => module === taken.at(-1))?.[0]
}

describe('the build of the kernels', () => {
  it('by the results that hosts are known to give', () => {
    const host = (sum: number) => ({ dot_four: () => sum })
    expect(dotsByPairs(host(65534))).toBe(true) // pairs of 8-bit products, stopped at 32767
    expect(dotsByPairs(host(129540))).toBe(false) // AVX-VNNI
    expect(dotsByPairs(host(-508))).toBe(false) // Arm, or AVX-VNNI-INT8
  })

  it('by answers within the defined range, negative ones too', () => {
    const right = {
      dot_four: (x: number, w: number) => 4 * x * w,
      dot_pair: (x: number, w: number) => 2 * x * w,
      share_one: (v: number, fraction: number) => Math.floor((v * fraction) / 32768 + 0.5),
    }
    expect(multipliesRight(right)).toBe(true)
    // V8's baseline compiler without AVX, operands the other way round, and sums without a sign.
    for (const wrong of [
      { dot_pair: (_x: number, w: number) => (Math.imul(2 * w, w) << 16) >> 16 },
      { dot_pair: (x: number, w: number) => 2 * (x & 255) * w },
      { dot_four: (x: number, w: number) => 4 * Math.abs(x) * w },
      { share_one: (v: number) => v },
    ])
      expect(multipliesRight({ ...right, ...wrong })).toBe(false)
  })

  it.skipIf(!hasRelaxedSimd())('this host gives one of them, again and again', () => {
    const { quads } = nodeKernels(undefined)
    if (quads === undefined) throw new Error('a host with relaxed SIMD takes quads')
    const kernels = instantiateKernels(quads, memory)
    const sums = new Set(Array.from({ length: 100_000 }, () => kernels.dot_four(127, 255)))
    expect(sums.size).toBe(1)
    expect([65534, 129540, -508]).toContain([...sums][0])
  })

  it('is the one that there is, or the one for this host', () => {
    const { quads, relaxed, plain } = nodeKernels(undefined)
    expect(chosen({ quads: undefined, relaxed: undefined, plain })).toBe('plain')
    if (quads === undefined || relaxed === undefined) return
    expect(chosen({ quads, relaxed: undefined, plain })).toBe('quads')
    expect(chosen({ quads: undefined, relaxed, plain })).toBe('relaxed')
    const pairs = dotsByPairs(instantiateKernels(quads, memory))
    expect(chosen({ quads, relaxed, plain })).toBe(pairs ? 'relaxed' : 'quads')
  })
})
