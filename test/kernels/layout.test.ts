// The two halves of the ABI agree: memory formats in assembly/ and src/, and the list of kernels in all three places.

import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { BLOCK, PAGE_POSITIONS, SPAN, TILE_ROWS, TILES, X1, X4 } from '../../src/kernels/layout.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { instantiateKernels } from '../../src/kernels/wasm.ts'

it('assembly/layout.ts has the sizes of src/kernels/layout.ts', () => {
  const source = readFileSync(new URL('../../assembly/layout.ts', import.meta.url), 'utf8')
  const constants = Object.fromEntries(
    [...source.matchAll(/export const (\w+): (?:i32|usize) = (\d+)/g)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  )
  /** X1.startPairs is X1_START_PAIRS there; the size of a span has the name alone. */
  const offsets = (name: string, span: Record<string, number>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(span).map(([key, value]) => [
        key === 'bytes' ? name : `${name}_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`,
        value,
      ]),
    )
  expect(constants).toEqual({
    TILE_ROWS,
    BLOCK,
    SPAN,
    Q4_TILE: TILES.q4.bytes,
    Q4M_TILE: TILES.q4m.bytes,
    Q4N_TILE: TILES.q4n.bytes,
    ROW_UNITS: TILES.q4.units,
    ROW_UNITS_BF16: TILES.q6.units,
    Q5_TILE: TILES.q5.bytes,
    Q6_TILE: TILES.q6.bytes,
    Q8_TILE: TILES.q8.bytes,
    ...offsets('X1', X1),
    ...offsets('X4', X4),
    PAGE_POSITIONS,
  })
})

it('every exported kernel has a plain twin, in every build, and a test that calls it', () => {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 })
  const names = Object.keys(referenceKernels(memory)).sort()
  for (const module of Object.values(nodeKernels())) {
    if (module === undefined) continue
    expect(
      Object.entries(instantiateKernels(module, memory))
        .filter(([, value]) => typeof value === 'function')
        .map(([name]) => name)
        .sort(),
    ).toEqual(names)
  }
  const folder = new URL('.', import.meta.url)
  const tests = readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n')
  // Kernels of several kinds are called by a name put together from the kind.
  const called = (name: string): boolean =>
    tests.includes(`.${name}(`) ||
    [...tests.matchAll(/\[`(\w*)\$\{\w+\}(\w*)`\]/g)].some(
      ([, a, b]) => name.startsWith(a) && name.endsWith(b),
    )
  expect(names.filter((name) => !called(name))).toEqual([])
})
