// Codes into the kernels' tile order (kernels/layout.ts is the definition).

import { BLOCK, ROW_SCALES_BYTES, TILE_BYTES, TILE_ROWS } from '../kernels/layout.ts'
import type { Codes } from './codes.ts'

/** The stored bytes of these rows: row groups one after the other, each its tiles by column. */
export function tileBytes(codes: Codes): Uint8Array {
  const { kind, rows, blocks } = codes
  const extra = kind === 'q8r' ? ROW_SCALES_BYTES : 0
  const out = new Uint8Array((rows / TILE_ROWS) * (blocks * TILE_BYTES[kind] + extra))
  const view = new DataView(out.buffer)
  let at = 0
  for (let row = 0; row < rows; row += TILE_ROWS) {
    if (kind === 'q8r') {
      for (let r = 0; r < TILE_ROWS; r++) view.setFloat32(at + 4 * r, codes.rowScales[row + r], true)
      at += ROW_SCALES_BYTES
    }
    for (let block = 0; block < blocks; block++) {
      at = halves(view, at, codes.scales, row, block, blocks)
      at = halves(view, at, codes.minimums, row, block, blocks)
      at =
        kind === 'q4' || kind === 'q4m'
          ? nibbles(out, at, codes, row, block)
          : bytes(out, at, codes, row, block)
    }
  }
  return out
}

/** f16 of 8 rows at one block; nothing where the kind has none. */
function halves(
  view: DataView,
  at: number,
  values: Uint16Array,
  row: number,
  block: number,
  blocks: number,
): number {
  if (values.length === 0) return at
  for (let r = 0; r < TILE_ROWS; r++) view.setUint16(at + 2 * r, values[(row + r) * blocks + block], true)
  return at + 2 * TILE_ROWS
}

function nibbles(out: Uint8Array, at: number, { codes, blocks }: Codes, row: number, block: number): number {
  for (let r = 0; r < TILE_ROWS; r++) {
    const from = ((row + r) * blocks + block) * BLOCK
    for (let g = 0; g < 4; g++) {
      const to = at + (g * 2 + (r >> 2)) * 16 + 4 * (r & 3)
      for (let c = 0; c < 4; c++) out[to + c] = codes[from + 8 * g + c] | (codes[from + 8 * g + 4 + c] << 4)
    }
  }
  return at + 128
}

function bytes(out: Uint8Array, at: number, { codes, blocks }: Codes, row: number, block: number): number {
  for (let r = 0; r < TILE_ROWS; r++) {
    const from = ((row + r) * blocks + block) * BLOCK
    for (let g = 0; g < 8; g++) {
      const to = at + (g * 2 + (r >> 2)) * 16 + 4 * (r & 3)
      for (let c = 0; c < 4; c++) out[to + c] = codes[from + 4 * g + c]
    }
  }
  return at + 256
}
