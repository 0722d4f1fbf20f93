// Memory formats shared with assembly/layout.ts (test/kernels/layout.test.ts compares the two).
//
// Weight tile = 16 rows x 32 columns; block = one row's 32 columns of it. Row r of the tile is row 4v + i (v = r >> 2, i = r & 3).
// Codes come first, then constants.
//   q4   256 bytes of nibbles, then f16 scale[16] in pairs;               w = scale * (nibble - 8)
//   q4m  256 bytes of nibbles, then (f16 scale, f16 minimum)[16];         w = scale * nibble + minimum, scale >= 0
//        nibbles: byte ((g * 4 + v) * 16 + 4 * i + c), g = 0..3, c = 0..3: low nibble = column 8g + c, high = column 8g + 4 + c
//        pairs of scales: f16 number 8j + 2i + e belongs to row 8j + 4e + i (j, e = 0, 1)
//   q6   256 bytes of nibbles, 128 bytes of pairs, then as q4m;           w = scale * (16 * pair + nibble) + minimum, scale >= 0
//        pairs: byte (32 * g + 16 * j + 4 * i + c) = columns 8g + c (bits 0, 1) and 8g + 4 + c (2, 3) of row 8j + i, then of 8j + 4 + i
//   q8   512 bytes, then f16 scale[16] in pairs;                          w = scale * (byte - 128)
//        bytes: byte ((g * 4 + v) * 16 + 4 * i + c), g = 0..7, c = 0..3 = column 4g + c
//
// Activations, quantised per token and block of 32 columns: code = round(x * 127 / amax), scale = 2^56 * amax / 127,
// sum = scale * (sum of codes), start = -8 * (sum of codes), pair = the same in two i16: columns 0, 1 mod 4, and 2, 3 mod 4.
//   x1 (one token), 48 bytes a block: f32 scale, f32 sum, i16 pair[2], i32 start, i8 codes[32]
//   x4 (four tokens), 192 bytes a block: f32 scale[4], f32 sum[4], i16 pair[4][2], i32 start[4],
//                                       then 8 groups of 16 bytes: i8 code[token][4 columns]

import type { TensorKind } from '../weights/manifest.ts'

export const TILE_ROWS = 16
export const BLOCK = 32

/** Bytes of one 16 x 32 tile. */
export const TILE_BYTES = { q4: 288, q4m: 320, q6: 448, q8: 544 } as const

export const X1_BYTES = 48
export const X4_BYTES = 192

/** Where a tile's constants begin. */
export const CONSTANTS_AT = { q4: 256, q4m: 256, q6: 384, q8: 512 } as const

/** Of sixteen f16 in pairs, the number of row r's. */
export function pairedHalf(r: number): number {
  return (r >> 3) * 8 + (r & 3) * 2 + ((r >> 2) & 1)
}

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
