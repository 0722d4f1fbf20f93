// This file instantiates a compiled kernel module on a given memory, and knows which builds a host can run.

import { IsletError } from '../lib/errors.ts'
import type { Kernels } from './kernels.ts'

/**
 * The builds of assembly/ (assembly/simd/dot.ts): `relaxed` and `quads` where the host takes relaxed SIMD,
 * else `plain`. Their results are the same bit for bit; choose.ts finds out which is the fastest.
 */
export type KernelModules = {
  quads: WebAssembly.Module | undefined
  relaxed: WebAssembly.Module | undefined
  plain: WebAssembly.Module
}

/** (module (func (result v128) i32.const 0 i8x16.splat, twice, i16x8.relaxed_dot_i8x16_i7x16_s)) */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0,
  253, 15, 253, 146, 2, 11,
])

/** True where the host's WebAssembly takes relaxed SIMD (Node 22 and workerd do, Node 20 does not). */
export function hasRelaxedSimd(): boolean {
  const { validate } = WebAssembly as unknown as { validate(bytes: Uint8Array): boolean }
  return validate(RELAXED_PROBE)
}

/** Of all three builds, those that this host takes. */
export function usableModules(all: {
  quads: WebAssembly.Module
  relaxed: WebAssembly.Module
  plain: WebAssembly.Module
}): KernelModules {
  return hasRelaxedSimd() ? all : { quads: undefined, relaxed: undefined, plain: all.plain }
}

/** Instantiates one build on `memory` (which the module imports as env.memory). */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const abort = (): never => {
    throw new IsletError('engine_failure', 'a kernel aborted')
  }
  const instance = new WebAssembly.Instance(module, { env: { memory, abort } })
  return instance.exports as unknown as Kernels
}

/**
 * The words of assembly/signal.ts in an instance's memory; of kernels that are no instance, none: they are
 * never told anything.
 */
export class HostSignal {
  readonly #words: Int32Array
  readonly #signal: number | undefined
  readonly #terminated: number | undefined

  constructor(kernels: Kernels, memory: WebAssembly.Memory) {
    const { __instance_signal: signal, __instance_terminated: terminated } = kernels as Partial<
      Record<string, unknown>
    >
    this.#words = new Int32Array(memory.buffer)
    this.#signal = wordAt(signal)
    this.#terminated = wordAt(terminated)
  }

  /** What the host wrote last: 24 when CPU time is nearly used up, 0 = nothing. */
  get value(): number {
    return this.#signal === undefined ? 0 : this.#words[this.#signal]
  }

  clear(): void {
    if (this.#signal !== undefined) this.#words[this.#signal] = 0
  }

  /** Tells the host that nobody listens any more, so that it lets go of the memory. */
  end(): void {
    if (this.#terminated !== undefined) this.#words[this.#terminated] = 1
  }
}

function wordAt(address: unknown): number | undefined {
  return address instanceof WebAssembly.Global ? (address as { value: number }).value >>> 2 : undefined
}
