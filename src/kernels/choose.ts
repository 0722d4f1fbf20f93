// Which build of the kernels is the fastest on this host: measured, because nothing else tells whether the host turns a four-byte dot
// into one instruction (AVX-VNNI, or Arm's dot product) or into three. The choice changes speed and no bit.

import type { Kernels } from './kernels.ts'
import { BLOCK, tensorBytes, X4_BYTES } from './layout.ts'
import { instantiateKernels, type KernelModules } from './wasm.ts'

/** What is timed: matrix x matrix, where the builds differ most. Zeros will do: integer dots take as long for any operand. */
const ROWS = 64
const COLS = 512
const GROUPS = 4
const WEIGHT_BYTES = tensorBytes('q4m', ROWS, COLS)
const ACTIVATION_BYTES = GROUPS * (COLS / BLOCK) * X4_BYTES

/** Bytes of zeros that the measurement reads and writes. */
export const PROBE_BYTES = WEIGHT_BYTES + ACTIVATION_BYTES + 4 * GROUPS * ROWS * 4

/** The optimising compiler replaces a kernel after a few dozen calls. */
const WARM_UPS = 50
/** Calls between two looks at the clock. */
const BATCH = 8
/** How long each build is counted, from one move of the clock to another. */
const COUNTED_MS = 2
/** A clock that has not moved by now, some 3 ms, stands still while code computes, as deployed ones do. */
const MOST_BATCHES = 50

/**
 * The kernels to use on `memory`, of which PROBE_BYTES at `at` are zeros and free for the moment.
 * `pause` gives the host its turn, so that a clock moves that stands still while code computes.
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
  for (const each of kernels) probe(each, at, WARM_UPS)
  // Background compilation of the second must not be counted against it.
  await pause()
  const rates: number[] = []
  for (const each of kernels)
    rates.push(callsPerMs(each, at) ?? (await callsPerMsAcrossPauses(each, at, pause)))
  return kernels[rates[1] > rates[0] ? 1 : 0]
}

/** By a clock that moves while code computes; undefined where it does not. */
function callsPerMs(kernels: Kernels, at: number): number | undefined {
  const start = nextTick(kernels, at)
  if (start === undefined) return undefined
  let calls = 0
  let now = start
  for (let batch = 0; batch < 100 * MOST_BATCHES && now - start < COUNTED_MS; batch++) {
    probe(kernels, at, BATCH)
    calls += BATCH
    now = performance.now()
  }
  return now > start ? calls / (now - start) : undefined
}

function nextTick(kernels: Kernels, at: number): number | undefined {
  const before = performance.now()
  for (let batch = 0; batch < MOST_BATCHES; batch++) {
    probe(kernels, at, BATCH)
    const now = performance.now()
    if (now > before) return now
  }
  return undefined
}

/** By a clock that moves at pauses alone: long enough that its steps of a millisecond do not matter. */
async function callsPerMsAcrossPauses(
  kernels: Kernels,
  at: number,
  pause: () => Promise<void>,
): Promise<number> {
  const calls = 2 * MOST_BATCHES * BATCH
  await pause()
  const start = performance.now()
  probe(kernels, at, calls)
  await pause()
  return calls / Math.max(performance.now() - start, 1e-3)
}

function probe(kernels: Kernels, at: number, calls: number): void {
  const x = at + WEIGHT_BYTES
  for (let i = 0; i < calls; i++)
    kernels.gemm_q4m_q8(x + ACTIVATION_BYTES, ROWS * 4, at, x, ROWS, COLS, GROUPS)
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}
