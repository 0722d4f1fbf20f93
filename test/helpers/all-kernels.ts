// Runs one kernel call on every implementation over equal memories, and compares every byte afterwards.

import { expect } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { MemoryViews } from '../../src/kernels/reference/memory.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { instantiateKernels } from '../../src/kernels/wasm.ts'

const PAGES = 64 // 4 MiB

/** First byte a test may use; modules keep their constants below. */
export const BASE = 65536

type Side = { name: string; kernels: Kernels; views: MemoryViews }

function side(name: string, make: (memory: WebAssembly.Memory) => Kernels): Side {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES })
  return { name, kernels: make(memory), views: new MemoryViews(memory.buffer) }
}

export function allKernels(): {
  run(fill: (views: MemoryViews) => void, call: (kernels: Kernels) => void): MemoryViews
} {
  const modules = nodeKernels()
  const sides = [
    side('reference', referenceKernels),
    ...Object.entries(modules).flatMap(([name, module]) =>
      module === undefined ? [] : [side(name, (memory) => instantiateKernels(module, memory))],
    ),
  ]
  return {
    /** Fills, calls, compares bit for bit; returns the reference's memory. */
    run(fill, call) {
      for (const { kernels, views } of sides) {
        views.u8.fill(0, BASE)
        fill(views)
        call(kernels)
      }
      const [reference, ...others] = sides
      for (const other of others) {
        const at = firstDifference(reference.views.u32, other.views.u32)
        expect(
          at,
          `${other.name} differs from the reference at byte ${at === undefined ? '' : at * 4}`,
        ).toBeUndefined()
      }
      return reference.views
    },
  }
}

function firstDifference(a: Uint32Array, b: Uint32Array): number | undefined {
  for (let i = BASE / 4; i < a.length; i++) if (a[i] !== b[i]) return i
  return undefined
}
