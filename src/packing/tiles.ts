// This file lays codes out in the tile order of the kernels (kernels/layout.ts is the definition).

import { BLOCK, pairedHalf, rowGroupBytes, TILE_ROWS, TILES } from '../kernels/layout.ts'
import type { Codes } from './codes.ts'
import type { NarrowConstants } from './narrow.ts'
import { spanTileBytes } from './span-tiles.ts'

/** The stored bytes of these rows: row groups one after the other, each its tiles by column; `narrow`: constants of 8 bits in the place of the codes' own. */
export function tileBytes(codes: Codes, narrow?: NarrowConstants): Uint8Array {
  const { kind, rows, blocks } = codes
  if (kind === 'q4' || kind === 'q4m') return spanTileBytes(codes, narrow)
  const out = new Uint8Array((rows / TILE_ROWS) * rowGroupBytes(kind, blocks * BLOCK))
  const view = new DataView(out.buffer)
  let at = 0
  for (let row = 0; row < rows; row += TILE_ROWS) {
    for (let block = 0; block < blocks; block++) {
      if (kind === 'q8') bytes(out, at, codes, row, block)
      else nibbles(out, at, codes, row, block)
      if (kind === 'q5') fifthBits(out, at + 256, codes, row, block)
      if (kind === 'q6') pairs(out, at + 256, codes, row, block)
      if (narrow === undefined) constants(view, at + TILES[kind].constants, codes, row, block)
      else narrowBytes(view, at + TILES[kind].constants, narrow, blocks, row, block)
      at += TILES[kind].bytes
    }
    if (narrow !== undefined) at = unitBytes(view, at, narrow, row)
  }
  return out
}

/** f16 scales of 16 rows at one block: of rows 8j + i and 8j + 4 + i in pairs. */
function constants(view: DataView, at: number, { scales, blocks }: Codes, row: number, block: number): void {
  for (let r = 0; r < TILE_ROWS; r++)
    view.setUint16(at + 2 * pairedHalf(r), scales[(row + r) * blocks + block], true)
}

/** Scale beside minimum of 16 rows at one block. */
function narrowBytes(
  view: DataView,
  at: number,
  { scales, minimums }: NarrowConstants,
  blocks: number,
  row: number,
  block: number,
): void {
  for (let r = 0; r < TILE_ROWS; r++) {
    view.setUint8(at + 2 * r, scales[(row + r) * blocks + block])
    view.setInt8(at + 2 * r + 1, minimums[(row + r) * blocks + block])
  }
}

/** bf16 of a row group's units; where it ends. */
function unitBytes(view: DataView, at: number, { units }: NarrowConstants, row: number): number {
  for (let r = 0; r < TILE_ROWS; r++) view.setUint16(at + 2 * r, units[row + r], true)
  return at + 2 * TILE_ROWS
}

function nibbles(out: Uint8Array, at: number, { codes, blocks }: Codes, row: number, block: number): void {
  for (let r = 0; r < TILE_ROWS; r++) {
    const from = ((row + r) * blocks + block) * BLOCK
    for (let g = 0; g < 4; g++) {
      const to = at + (g * 4 + (r >> 2)) * 16 + 4 * (r & 3)
      for (let c = 0; c < 4; c++)
        out[to + c] = (codes[from + 8 * g + c] & 15) | ((codes[from + 8 * g + 4 + c] & 15) << 4)
    }
  }
}

/** Bit 4 of 5-bit codes: all sixteen rows share the bytes of eight columns. */
function fifthBits(out: Uint8Array, at: number, { codes, blocks }: Codes, row: number, block: number): void {
  for (let r = 0; r < TILE_ROWS; r++) {
    const from = ((row + r) * blocks + block) * BLOCK
    for (let c = 0; c < BLOCK; c++) {
      const place = 2 * (r >> 2) + ((c & 4) >> 2)
      out[at + (c >> 3) * 16 + 4 * (r & 3) + (c & 3)] |= (codes[from + c] >> 4) << place
    }
  }
}

/** Bits 4 and 5 of 6-bit codes: rows 8j + i and 8j + 4 + i share a byte. */
function pairs(out: Uint8Array, at: number, { codes, blocks }: Codes, row: number, block: number): void {
  for (let r = 0; r < TILE_ROWS; r++) {
    const from = ((row + r) * blocks + block) * BLOCK
    for (let c = 0; c < BLOCK; c++) {
      const shift = ((r >> 2) & 1) * 4 + (c & 4) / 2
      out[at + (c >> 3) * 32 + (r >> 3) * 16 + 4 * (r & 3) + (c & 3)] |= (codes[from + c] >> 4) << shift
    }
  }
}

function bytes(out: Uint8Array, at: number, { codes, blocks }: Codes, row: number, block: number): void {
  for (let r = 0; r < TILE_ROWS; r++) {
    const from = ((row + r) * blocks + block) * BLOCK
    for (let g = 0; g < 8; g++) {
      const to = at + (g * 4 + (r >> 2)) * 16 + 4 * (r & 3)
      for (let c = 0; c < 4; c++) out[to + c] = codes[from + 4 * g + c]
    }
  }
}
