// This file compiles the kernel modules in Node: it reads them from build/, which `npm run build` makes.

import { existsSync, readFileSync } from 'node:fs'
import { hasRelaxedSimd, type KernelModules } from '../../src/kernels/wasm.ts'
import { IsletError } from '../../src/lib/errors.ts'

// workers-types leave out the constructor that workerd forbids at run time; Node has it.
const { Module } = WebAssembly as unknown as { Module: new (bytes: Uint8Array) => WebAssembly.Module }

const BUILD = new URL('../../build/', import.meta.url)

function compiled(name: string): WebAssembly.Module {
  const file = new URL(name, BUILD)
  if (!existsSync(file)) throw new IsletError('internal_error', `${name} is not built: run npm run build`)
  return new Module(readFileSync(file))
}

/**
 * The builds that this Node takes. ISLET_SIMD (`quads`, `relaxed` or `plain`) leaves one alone, where it is
 * taken at all; without it the fastest is found by measurement.
 */
export function nodeKernels(simd = process.env['ISLET_SIMD']): KernelModules {
  const wanted = (name: string): boolean => simd === undefined || simd === name
  const relaxed = hasRelaxedSimd()
  return {
    quads: relaxed && wanted('quads') ? compiled('islet.quads.wasm') : undefined,
    relaxed: relaxed && wanted('relaxed') ? compiled('islet.relaxed.wasm') : undefined,
    plain: compiled('islet.plain.wasm'),
  }
}
