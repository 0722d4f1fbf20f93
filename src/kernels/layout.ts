// Memory formats shared with assembly/layout.ts (test/kernels/layout.test.ts compares the two).
//
// Weight tile = 8 rows x 32 columns; block = one row's 32 columns of it. Row r of the tile is row 4h + i (h = r >> 2, i = r & 3).
//   q4   f16 scale[8], then 128 bytes of nibbles;               w = scale * (nibble - 8)
//   q4m  f16 scale[8], f16 minimum[8], then 128 bytes;          w = scale * nibble + minimum
//        nibbles: byte ((g * 2 + h) * 16 + 4 * i + c), g = 0..3, c = 0..3: low nibble = column 8g + c, high = column 8g + 4 + c
//   q6   f16 scale[8], f16 minimum[8], 128 bytes of nibbles, 64 bytes of pairs; w = scale * (16 * pair + nibble) + minimum
//        pairs: byte (16 * g + 4 * i + c) = columns 8g + c (bits 0, 1) and 8g + 4 + c (2, 3) of row i, of row 4 + i (4..7)
//   q8   f16 scale[8], then 256 bytes;                          w = scale * (byte - 128)
//        bytes: byte ((g * 2 + h) * 16 + 4 * i + c), g = 0..7, c = 0..3 = column 4g + c
//
// Activations, quantised per token and block of 32 columns: code = round(x * 127 / amax), scale = amax / 127,
// sum = scale * (sum of codes), start = i16 pair -8 * (sum of codes at columns 0, 1 mod 4), -8 * (... 2, 3 mod 4).
//   x1 (one token), 48 bytes a block: f32 scale, f32 sum, i16 start[2], 4 bytes unused, i8 codes[32]
//   x4 (four tokens), 192 bytes a block: f32 scale[4], f32 sum[4], i16 start[4][2], 16 bytes unused,
//                                       then 8 groups of 16 bytes: i8 code[token][4 columns]

import type { TensorKind } from '../weights/manifest.ts'

export const TILE_ROWS = 8
export const BLOCK = 32

/** Bytes of one 8 x 32 tile. */
export const TILE_BYTES = { q4: 144, q4m: 160, q6: 224, q8: 272 } as const

export const X1_BYTES = 48
export const X4_BYTES = 192

/** Bytes of a stored matrix (rows, cols). */
export function tensorBytes(kind: TensorKind, rows: number, cols: number): number {
  if (kind === 'f32') return rows * cols * 4
  return Math.ceil(rows / TILE_ROWS) * Math.ceil(cols / BLOCK) * TILE_BYTES[kind]
}

/** Dimensions of a head as INT8 pages and queries store it (assembly/attention/kv_q8.ts). */
export function storedDims(headDim: number): number {
  return Math.ceil(headDim / 8) * 8
}

/** Positions per KV page, and per tile of attention. */
export const PAGE_POSITIONS = 16
