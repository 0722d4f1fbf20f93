// Codes into the kernels' tile order (kernels/layout.ts is the definition).

import { BLOCK, TILE_BYTES, TILE_ROWS } from '../kernels/layout.ts'
import type { Codes } from './codes.ts'

/** The stored bytes of these rows: row groups one after the other, each its tiles by column. */
export function tileBytes(codes: Codes): Uint8Array {
  const { kind, rows, blocks } = codes
  const out = new Uint8Array((rows / TILE_ROWS) * blocks * TILE_BYTES[kind])
  const view = new DataView(out.buffer)
  let at = 0
  for (let row = 0; row < rows; row += TILE_ROWS) {
    for (let block = 0; block < blocks; block++) {
      at = halves(view, at, codes.scales, row, block, blocks)
      at = halves(view, at, codes.minimums, row, block, blocks)
      at = kind === 'q8' ? bytes(out, at, codes, row, block) : nibbles(out, at, codes, row, block)
      if (kind === 'q6') at = pairs(out, at, codes, row, block)
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
      for (let c = 0; c < 4; c++)
        out[to + c] = (codes[from + 8 * g + c] & 15) | ((codes[from + 8 * g + 4 + c] & 15) << 4)
    }
  }
  return at + 128
}

/** Bits 4 and 5 of 6-bit codes: rows i and 4 + i share a byte. */
function pairs(out: Uint8Array, at: number, { codes, blocks }: Codes, row: number, block: number): number {
  for (let r = 0; r < TILE_ROWS; r++) {
    const from = ((row + r) * blocks + block) * BLOCK
    for (let c = 0; c < BLOCK; c++) {
      const shift = (r >> 2) * 4 + (c & 4) / 2
      out[at + (c >> 3) * 16 + 4 * (r & 3) + (c & 3)] |= (codes[from + c] >> 4) << shift
    }
  }
  return at + 64
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
