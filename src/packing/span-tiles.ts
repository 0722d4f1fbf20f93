// This file lays codes of q4, q4m and q4n out in tiles of two blocks. f16 constants become integers under a unit
// a row (kernels/layout.ts is the definition).

import { BLOCK, MOST_Q4M, rowGroupBytes, TILE_ROWS, TILES } from '../kernels/layout.ts'
import { f16ToF32 } from '../formats/f16.ts'
import type { Codes } from './codes.ts'
import type { NarrowConstants } from './narrow.ts'

/** The largest integer constant; one less than i16 holds, since a minimum is rounded after its scale was. */
const MOST = 32766

/**
 * The stored bytes of these rows: row groups one after the other, each its tiles by column and its rows'
 * exponents.
 */
export function spanTileBytes(codes: Codes, narrow?: NarrowConstants): Uint8Array {
  const { rows, blocks } = codes
  const kind = narrow === undefined ? codes.kind : 'q4n'
  const { bytes: tileBytes, units } = TILES[kind]
  const groupBytes = rowGroupBytes(kind, blocks * BLOCK)
  const out = new Uint8Array((rows / TILE_ROWS) * groupBytes)
  const view = new DataView(out.buffer)
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / TILE_ROWS) * groupBytes
    const r = row % TILE_ROWS
    const unitsAt = group + groupBytes - units
    const exponent = narrow === undefined ? exponentOf(codes, row) : 0
    if (narrow === undefined) out[unitsAt + r] = exponent + 127
    else view.setUint16(unitsAt + 2 * r, narrow.units[row], true)
    for (let block = 0; block < blocks; block++) {
      const tile = group + (block >> 1) * tileBytes
      nibbles(out, tile, codes, row, block)
      if (narrow === undefined) constants(view, tile, codes, row, block, 2 ** exponent)
      else narrowBytes(view, tile + TILES.q4n.constants, narrow, row * blocks + block, 2 * r + (block & 1))
    }
  }
  return out
}

/** Of one block: scale, minimum, and the minimum of codes about 8, in eighths: what is stored. */
function constantsOf({ scales, minimums, blocks }: Codes, row: number, block: number) {
  const index = row * blocks + block
  const scale = f16ToF32(scales[index])
  const minimum = minimums.length === 0 ? -8 * scale : f16ToF32(minimums[index])
  return { scale, minimum, eighth: minimum / 8 + scale }
}

/**
 * The smallest power of two under which the constants of a row fit; f16 is exact in it down to 1/8 of the
 * row's largest.
 */
function exponentOf(codes: Codes, row: number): number {
  let need = 0
  for (let block = 0; block < codes.blocks; block++) {
    const { scale, eighth } = constantsOf(codes, row, block)
    const [a, b] = [Math.abs(scale), Math.abs(eighth)]
    need = Math.max(need, a / MOST, b / MOST, (a + b) / MOST_Q4M)
  }
  let exponent = -64
  while (2 ** exponent < need) exponent++
  return exponent
}

/** i16 scale and minimum of one block of one row. */
function constants(
  view: DataView,
  tile: number,
  codes: Codes,
  row: number,
  block: number,
  unit: number,
): void {
  const r = row % TILE_ROWS
  const b = block & 1
  const at = tile + TILES[codes.kind].constants
  const { scale, minimum } = constantsOf(codes, row, block)
  const rounded = Math.round(scale / unit)
  if (codes.kind === 'q4') {
    view.setInt16(at + 4 * r + 2 * b, rounded, true)
    return
  }
  const vector = at + (r >> 2) * 32 + 4 * (r & 3) + 2 * b
  view.setInt16(vector, rounded, true)
  view.setInt16(vector + 16, Math.round(minimum / unit / 8 + rounded), true)
}

/** u8 scale of one block of one row, and its i8 minimum behind the scales of the tile. */
function narrowBytes(
  view: DataView,
  at: number,
  { scales, minimums }: NarrowConstants,
  index: number,
  place: number,
): void {
  view.setUint8(at + place, scales[index])
  view.setInt8(at + 2 * TILE_ROWS + place, minimums[index])
}

function nibbles(out: Uint8Array, tile: number, { codes, blocks }: Codes, row: number, block: number): void {
  const from = (row * blocks + block) * BLOCK
  const r = row % TILE_ROWS
  for (let g = 0; g < 4; g++) {
    const to = tile + (g * 8 + (r >> 1)) * 16 + 8 * (r & 1) + 4 * (block & 1)
    for (let c = 0; c < 4; c++)
      out[to + c] = (codes[from + 8 * g + c] & 15) | ((codes[from + 8 * g + 4 + c] & 15) << 4)
  }
}
