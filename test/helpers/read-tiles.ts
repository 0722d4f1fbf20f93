// Reads packed matrices back to float32, value by value, from the words of kernels/layout.ts and nothing else.

import { f16ToF32 } from '../../src/formats/f16.ts'
import { BLOCK, TILE_BYTES } from '../../src/kernels/layout.ts'
import type { TensorEntry } from '../../src/weights/manifest.ts'

type Stored = Pick<TensorEntry, 'kind' | 'rows' | 'cols'>

/** (rows, cols) f32 of a stored matrix; arithmetic in float64, rounded once. */
export function readTiles(bytes: Uint8Array, stored: Stored): Float32Array {
  const { rows, cols } = stored
  const out = new Float32Array(rows * cols)
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) out[row * cols + col] = readValue(bytes, stored, row, col)
  }
  return out
}

/** One value of a stored matrix; rows and columns may lie in the padding. */
export function readValue(bytes: Uint8Array, { kind, cols }: Stored, row: number, col: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (kind === 'f32') return view.getFloat32(4 * (row * cols + col), true)
  const tiles = Math.ceil(cols / BLOCK)
  const tile = (Math.floor(row / 16) * tiles + Math.floor(col / BLOCK)) * TILE_BYTES[kind]
  const r = row % 16
  const [v, i] = [Math.floor(r / 4), r % 4]
  const half = (at: number): number => f16ToF32(view.getUint16(at, true))
  // Of sixteen scales alone, rows 8j + i and 8j + 4 + i are neighbours.
  const paired = 2 * (8 * Math.floor(r / 8) + 2 * i + (v % 2))
  const column = col % BLOCK
  if (kind === 'q8') {
    const byte = bytes[tile + (Math.floor(column / 4) * 4 + v) * 16 + 4 * i + (column % 4)]
    return half(tile + 512 + paired) * (byte - 128)
  }
  const byte = bytes[tile + (Math.floor(column / 8) * 4 + v) * 16 + 4 * i + (column % 4)]
  const far = column % 8 >= 4
  const nibble = far ? byte >> 4 : byte & 15
  if (kind === 'q4') return half(tile + 256 + paired) * (nibble - 8)
  const at = tile + (kind === 'q6' ? 384 : 256) + 4 * r
  const shared = tile + 256 + Math.floor(column / 8) * 32 + Math.floor(r / 8) * 16 + 4 * i + (column % 4)
  const pair = kind === 'q6' ? (bytes[shared] >> ((v % 2) * 4 + (far ? 2 : 0))) & 3 : 0
  return half(at) * (16 * pair + nibble) + half(at + 2)
}
