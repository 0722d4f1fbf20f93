// Reads packed matrices back to float32, value by value, from the words of kernels/layout.ts and nothing else.

import { f16ToF32 } from '../../src/formats/f16.ts'
import { BLOCK, rowGroupBytes, TILES } from '../../src/kernels/layout.ts'
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
  if (kind === 'f16') return f16ToF32(view.getUint16(2 * (row * cols + col), true))
  const group = Math.floor(row / 16) * rowGroupBytes(kind, cols)
  const r = row % 16
  const column = col % BLOCK
  const far = column % 8 >= 4
  const units = group + rowGroupBytes(kind, cols) - TILES[kind].units
  const bf16 = (at: number): number => {
    const word = new DataView(new ArrayBuffer(4))
    word.setUint16(0, view.getUint16(at, true))
    return word.getFloat32(0)
  }
  if (kind === 'q4' || kind === 'q4m' || kind === 'q4n') {
    const tile = group + Math.floor(col / 64) * TILES[kind].bytes
    const b = Math.floor(col / BLOCK) % 2
    const byte =
      bytes[tile + (Math.floor(column / 8) * 8 + Math.floor(r / 2)) * 16 + 8 * (r % 2) + 4 * b + (column % 4)]
    const code = (far ? byte >> 4 : byte & 15) - 8
    if (kind === 'q4n') {
      const at = tile + 512 + 2 * r + b
      return bf16(units + 2 * r) * (2 * view.getUint8(at) * code + 8 * view.getInt8(at + 32))
    }
    const unit = 2 ** (bytes[units + r] - 127)
    if (kind === 'q4') return unit * view.getInt16(tile + 512 + 4 * r + 2 * b, true) * code
    const at = tile + 512 + Math.floor(r / 4) * 32 + 4 * (r % 4) + 2 * b
    return unit * (view.getInt16(at, true) * code + 8 * view.getInt16(at + 16, true))
  }
  const tile = group + Math.floor(col / BLOCK) * TILES[kind].bytes
  const [v, i] = [Math.floor(r / 4), r % 4]
  const half = (at: number): number => f16ToF32(view.getUint16(at, true))
  if (kind === 'q8') {
    const byte = bytes[tile + (Math.floor(column / 4) * 4 + v) * 16 + 4 * i + (column % 4)]
    // Of sixteen scales alone, rows 8j + i and 8j + 4 + i are neighbours.
    return half(tile + 512 + 2 * (8 * Math.floor(r / 8) + 2 * i + (v % 2))) * (byte - 128)
  }
  const byte = bytes[tile + (Math.floor(column / 8) * 4 + v) * 16 + 4 * i + (column % 4)]
  const nibble = far ? byte >> 4 : byte & 15
  if (kind === 'q5') {
    const bits = bytes[tile + 256 + Math.floor(column / 8) * 16 + 4 * i + (column % 4)]
    const bit = (bits >> (2 * v + (far ? 1 : 0))) & 1
    return half(tile + 320 + 2 * (8 * Math.floor(r / 8) + 2 * i + (v % 2))) * (16 * bit + nibble - 16)
  }
  const shared = tile + 256 + Math.floor(column / 8) * 32 + Math.floor(r / 8) * 16 + 4 * i + (column % 4)
  const pair = (bytes[shared] >> ((v % 2) * 4 + (far ? 2 : 0))) & 3
  const [scale, minimum] = [view.getUint8(tile + 384 + 2 * r), view.getInt8(tile + 385 + 2 * r)]
  return bf16(units + 2 * r) * (scale * (16 * pair + nibble - 32) + 32 * minimum)
}
