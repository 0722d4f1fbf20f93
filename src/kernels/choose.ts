// Which build of the kernels is the fastest on this host: measured, because nothing else tells whether the host turns a four-byte dot
// into one instruction (AVX-VNNI, or Arm's dot product) or into three. The choice changes speed and no bit.

import type { Kernels } from './kernels.ts'
import { tensorBytes, X4_BYTES } from './layout.ts'
import { instantiateKernels, type KernelModules } from './wasm.ts'

/** What is timed: matrix x matrix, where the builds differ most. Zeros will do: integer dots take as long for any operand. */
const ROWS = 64
const COLS = 512
const GROUPS = 4
const WEIGHT_BYTES = tensorBytes('q4m', ROWS, COLS)
const ACTIVATION_BYTES = GROUPS * (COLS / 32) * X4_BYTES

/** Bytes of zeros that the measurement reads and writes. */
export const PROBE_BYTES = WEIGHT_BYTES + ACTIVATION_BYTES + 4 * GROUPS * ROWS * 4

/** Calls of a run: some 5 ms, since deployed clocks move by a millisecond, and only while code waits. */
const CALLS = 700
/** The optimising compiler replaces a kernel after a few dozen calls. */
const WARM_UPS = 60

/**
 * The kernels to use on `memory`, of which PROBE_BYTES at `at` are zeros and free for the moment.
 * `pause` gives the host its turn, so that clocks move that stand still while code computes.
 */
export async function fastestKernels(
  modules: KernelModules,
  memory: WebAssembly.Memory,
  at: number,
  pause: () => Promise<void> = nextTask,
): Promise<Kernels> {
  const candidates = [modules.relaxed, modules.quads].filter((module) => module !== undefined)
  const kernels = candidates.map((module) => instantiateKernels(module, memory))
  if (kernels.length === 0) return instantiateKernels(modules.plain, memory)
  if (kernels.length === 1) return kernels[0]
  for (const each of kernels) for (let i = 0; i < WARM_UPS; i++) probe(each, at)
  const times: number[] = []
  for (const each of kernels) {
    await pause()
    const start = performance.now()
    for (let i = 0; i < CALLS; i++) probe(each, at)
    await pause()
    times.push(performance.now() - start)
  }
  return kernels[times[1] < times[0] ? 1 : 0]
}

function probe(kernels: Kernels, at: number): void {
  const x = at + WEIGHT_BYTES
  kernels.gemm_q4m_q8(x + ACTIVATION_BYTES, ROWS * 4, at, x, ROWS, COLS, GROUPS)
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}
