// The order of nibbles that each build multiplies by: what the file has, or words of two columns; and the way back.

import { describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { SPAN, TILES } from '../../src/kernels/layout.ts'
import { referenceKernels } from '../../src/kernels/reference/index.ts'
import { instantiateKernels } from '../../src/kernels/wasm.ts'
import { rng } from '../helpers/rng.ts'

const W = 65536
const ROWS = 16
const TILES_IN_A_ROW = 3

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 })
const bytes = new Uint8Array(memory.buffer)
const { quads, relaxed, plain } = nodeKernels()
const builds = Object.entries({ quads, relaxed, plain }).flatMap(([name, module]) =>
  module === undefined ? [] : [{ name, kernels: instantiateKernels(module, memory) }],
)
const all = [...builds, { name: 'twin', kernels: referenceKernels(memory) }]

/** Where the byte of a code lies in its tile: as src/kernels/layout.ts has it, and in words. */
function packedByte(row: number, column: number): number {
  const [block, c] = [Math.floor(column / 32), column % 32]
  return (Math.floor(c / 8) * 8 + (row >> 1)) * 16 + 8 * (row & 1) + 4 * block + (c % 4)
}
function wordByte(row: number, column: number): number {
  const [block, c] = [Math.floor(column / 32), column % 32]
  const vector = Math.floor(c / 8) * 8 + (row >> 2) * 2 + ((c >> 1) & 1)
  return vector * 16 + (row & 3) * 4 + block * 2 + (c & 1)
}

describe.each(['q4', 'q4m', 'q4n'] as const)('%s', (kind) => {
  const { bytes: tile } = TILES[kind]
  const random = rng(7)
  const packed = Uint8Array.from({ length: tile * TILES_IN_A_ROW }, () => random.int(256))

  it.each(builds)(
    '$name: two columns of a block of a row are side by side, where its dots are pairs',
    ({ name, kernels }) => {
      bytes.set(packed, W)
      kernels.arrange_nibbles(W, TILES_IN_A_ROW, tile)
      const wanted = packed.slice()
      for (let i = 0; i < TILES_IN_A_ROW; i++)
        for (let row = 0; row < ROWS; row++)
          for (let column = 0; column < SPAN; column++)
            if (name !== 'quads')
              wanted[i * tile + wordByte(row, column)] = packed[i * tile + packedByte(row, column)]
      expect(bytes.slice(W, W + packed.length)).toEqual(wanted)
    },
  )

  it.each(all)('$name: what was arranged is restored, and nothing behind it is touched', ({ kernels }) => {
    bytes.set(packed, W)
    const before = bytes.slice(W)
    kernels.arrange_nibbles(W, TILES_IN_A_ROW - 1, tile)
    kernels.restore_nibbles(W, TILES_IN_A_ROW - 1, tile)
    expect(bytes.slice(W)).toEqual(before)
  })
})

it.each(all)(
  '$name: a token alone is multiplied for itself, a group of more than four is not',
  ({ kernels }) => {
    expect([3, 4]).toContain(kernels.q4_vector_rows())
  },
)
