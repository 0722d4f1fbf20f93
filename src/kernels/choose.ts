// This file finds the fastest build of the kernels for this host. The choice changes speed and no bit.

import type { Kernels } from './kernels.ts'
import { instantiateKernels, type KernelModules } from './wasm.ts'

/**
 * Four products of 127 and 255. Without an instruction for four-byte dots, x86 hosts add products in pairs
 * that stop at 32767, which makes this the sum; with one, AVX-VNNI's or Arm's, nothing stops, and it is
 * 129540 or (255 being read as -1) -508.
 */
const SUM_OF_STOPPED_PAIRS = 2 * 32767

/** True where the host does a four-byte dot in several instructions, as far as results tell. */
export function dotsByPairs(quads: Pick<Kernels, 'dot_four'>): boolean {
  return quads.dot_four(127, 255) === SUM_OF_STOPPED_PAIRS
}

/**
 * The kernels to use on `memory`. Quads are for hosts that do a four-byte dot in one instruction, which no
 * feature test of WebAssembly tells, but results of the relaxed dot beyond its defined range do.
 */
export function fastestKernels(
  { quads, relaxed, plain }: KernelModules,
  memory: WebAssembly.Memory,
): Kernels {
  if (quads !== undefined) {
    const kernels = instantiateKernels(quads, memory)
    if (relaxed === undefined || !dotsByPairs(kernels)) return kernels
  }
  return instantiateKernels(relaxed ?? plain, memory)
}
