// Products of one input: whatever the kinds beside each other and the rows of a step, each row is what it is alone.

import { expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { Linear, type Product } from '../../src/graph/linear.ts'
import { TILE_ROWS, tensorBytes } from '../../src/kernels/layout.ts'
import { MemoryViews } from '../../src/kernels/reference/memory.ts'
import { instantiateKernels } from '../../src/kernels/wasm.ts'
import { rng } from '../helpers/rng.ts'
import { randomMatrix } from '../helpers/weights.ts'

const COLS = 192
const MOST_ROWS = 9
const [SPARE, FINE, X, QUANTISED, OUT, WEIGHTS] = [65536, 81920, 131072, 262144, 524288, 2097152]

const memory = new WebAssembly.Memory({ initial: 64, maximum: 64 })
const views = new MemoryViews(memory.buffer)
const linear = new Linear(
  instantiateKernels(nodeKernels('relaxed').relaxed!, memory),
  { activations: QUANTISED, spare: SPARE, fine: FINE },
  memory,
)

/** Matrices one behind the other, the last of each kind larger than what is multiplied at a time; results side by side. */
function products(
  kinds: readonly ('q4' | 'q4m' | 'q5' | 'q6' | 'q8')[],
  sizes: readonly number[],
): Product[] {
  const random = rng(3)
  const stride = sizes.reduce((sum, rows) => sum + Math.ceil(rows / TILE_ROWS) * TILE_ROWS * 4, 0)
  let at = WEIGHTS
  let out = OUT
  return kinds.map((kind, i) => {
    const product = { matrix: { at, kind, rows: sizes[i], cols: COLS }, out, stride }
    randomMatrix(views, at, kind, sizes[i], COLS, random)
    at += Math.ceil(tensorBytes(kind, sizes[i], COLS) / 64) * 64
    out += Math.ceil(sizes[i] / TILE_ROWS) * TILE_ROWS * 4
    return product
  })
}

it.each([
  [
    ['q4m', 'q8', 'q4m'],
    [48, 24, 2500],
  ],
  [
    ['q8', 'q4', 'q6'],
    [40, 2800, 16],
  ],
  [
    ['q5', 'q5', 'q8'],
    [32, 2000, 16],
  ],
  [
    ['q4m', 'q6', 'q8', 'q4'],
    [16, 1500, 100, 32],
  ],
] as const)('%j of %j rows', (kinds, sizes) => {
  const all = products(kinds, sizes)
  const random = rng(9)
  for (let i = 0; i < MOST_ROWS * COLS; i++) views.f32[(X >> 2) + i] = random.normal()
  const words = all[0].stride / 4
  const rowOf = (row: number): Float32Array =>
    views.f32.slice((OUT >> 2) + row * words, (OUT >> 2) + (row + 1) * words)
  const alone = Array.from({ length: MOST_ROWS }, (_, row) => {
    for (const product of all) linear.multiply(X + row * COLS * 4, COLS * 4, 1, [product])
    return rowOf(0)
  })
  for (let rows = 1; rows <= MOST_ROWS; rows++) {
    views.f32.fill(NaN, OUT >> 2, (OUT >> 2) + rows * words)
    linear.multiply(X, COLS * 4, rows, all)
    for (let row = 0; row < rows; row++) expect(rowOf(row), `row ${row} of ${rows}`).toEqual(alone[row])
  }
})
