// This file finds the fastest build of the kernels for this host. The choice changes speed and no bit.

import type { Kernels } from './kernels.ts'
import { instantiateKernels, type KernelModules } from './wasm.ts'

/**
 * Four products of 127 and 255. Without an instruction for four-byte dots, x86 hosts add products in pairs
 * that stop at 32767, which makes this the sum; with one, AVX-VNNI's or Arm's, nothing stops, and it is
 * 129540 or (255 being read as -1) -508.
 */
const SUM_OF_STOPPED_PAIRS = 2 * 32767

type Probes = Pick<Kernels, 'dot_four' | 'dot_pair' | 'share_one'>

/** True where the host does a four-byte dot in several instructions, as far as results tell. */
export function dotsByPairs(quads: Pick<Kernels, 'dot_four'>): boolean {
  return quads.dot_four(127, 255) === SUM_OF_STOPPED_PAIRS
}

/** Signed activations, and weights of seven bits: operands that a compiler mixes up give other products. */
const ACTIVATIONS = [-128, -3, 5, 127]
const WEIGHTS = [1, 100, 127]

/**
 * True where relaxed instructions mean within their defined range what they must. Without AVX, V8's baseline
 * compiler writes one operand of a pair dot over the other, which makes (w, w) of (x, w).
 */
export function multipliesRight(kernels: Probes): boolean {
  return ACTIVATIONS.every((x) =>
    WEIGHTS.every(
      (w) =>
        kernels.dot_pair(x, w) === 2 * x * w &&
        kernels.dot_four(x, w) === 4 * x * w &&
        kernels.share_one(256 * x, 256 * w) === 2 * x * w,
    ),
  )
}

/**
 * The kernels to use on `memory`. Quads are for hosts that do a four-byte dot in one instruction, which no
 * feature test of WebAssembly tells, but results of the relaxed dot beyond its defined range do.
 */
export function fastestKernels(
  { quads, relaxed, plain }: KernelModules,
  memory: WebAssembly.Memory,
): Kernels {
  for (const module of [quads, relaxed]) {
    if (module === undefined) continue
    const kernels = instantiateKernels(module, memory)
    if (module === quads && relaxed !== undefined && dotsByPairs(kernels)) continue
    if (multipliesRight(kernels)) return kernels
  }
  return instantiateKernels(plain, memory)
}
