// Codes are rows of a matrix as integers with their constants: encoders make them, tiles.ts lays them out.

import { BLOCK, TILE_ROWS } from '../kernels/layout.ts'

export type CodeKind = 'q4' | 'q4m' | 'q5' | 'q6' | 'q8'

/** Padded rows of one matrix. Codes are as stored (a nibble, five or six bits, or a byte with its offset of 128). */
export type Codes = {
  kind: CodeKind
  rows: number // a multiple of 16
  blocks: number // of 32 columns
  codes: Uint8Array // (rows, 32 * blocks)
  scales: Uint16Array // (rows, blocks) f16 bits
  minimums: Uint16Array // (rows, blocks) f16 bits; q4m and q6
}

/** The code that stands for 0, with a scale of 0 and no minimum in the rows that are padding. */
export const ZERO_CODE: Readonly<Record<CodeKind, number>> = { q4: 8, q4m: 0, q5: 16, q6: 0, q8: 128 }

/** Codes of `rows` x `cols` values, all zero, with the padding that tiles need. */
export function emptyCodes(kind: CodeKind, rows: number, cols: number): Codes {
  const paddedRows = Math.ceil(rows / TILE_ROWS) * TILE_ROWS
  const blocks = Math.ceil(cols / BLOCK)
  const perBlock = paddedRows * blocks
  return {
    kind,
    rows: paddedRows,
    blocks,
    codes: new Uint8Array(paddedRows * blocks * BLOCK).fill(ZERO_CODE[kind]),
    scales: new Uint16Array(perBlock),
    minimums: new Uint16Array(kind === 'q4m' || kind === 'q6' ? perBlock : 0),
  }
}
