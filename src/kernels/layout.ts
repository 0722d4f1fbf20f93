// This file defines the memory formats that it shares with assembly/layout.ts. test/kernels/layout.test.ts
// compares the two.
//
// Block = one row's 32 columns; span = two blocks, 64 columns; row group = 16 rows, its tiles one after the
// other by column.
//
// q4, q4m, q4n: a tile has 16 rows x 64 columns: 512 bytes of nibbles, then constants. Behind the tiles of a row
// group are its rows' units, f32. q4, q4m: u8 exponent[16], the unit's bits are exponent << 23, a power of two. q4n, q6:
// u16 bits[16], the upper half of the unit's. b = block of the span (0, 1), r = row of the group, v = r >> 2.
//   nibbles: byte (g * 8 + (r >> 1)) * 16 + 8 * (r & 1) + 4 * b + c, g, c = 0..3: low nibble = column 8g + c of the block, high = 8g + 4 + c
//   q4   i16 scale[16][2];                                 w = unit * scale * (nibble - 8)
//   q4m  four times, v = 0..3: i16 scale[4][2], i16 minimum[4][2];   w = unit * (scale * (nibble - 8) + 8 * minimum)
//        scale >= 0, scale + |minimum| <= MOST_Q4M, so that a dot of a span fits 32 bits
//   q4n  u8 scale[16][2], i8 minimum[16][2];               w = unit * (2 * scale * (nibble - 8) + 8 * minimum)
//
// q5, q6, q8: a tile has 16 rows x 32 columns. Row r is row 4v + i (i = r & 3). Codes come first, then constants.
//   q5   nibbles as in q6, 64 bytes of fifth bits, then f16 scale[16] in pairs as in q8;   w = scale * (16 * bit + nibble - 16)
//        bits: byte 16 * g + 4 * i + c: bit 2v is that of column 8g + c, bit 2v + 1 that of column 8g + 4 + c
//   q6   256 bytes of nibbles, 128 of pairs, then (u8 scale, i8 minimum)[16];   w = unit * (scale * (16 * pair + nibble - 32) + 32 * minimum)
//        nibbles: byte (g * 4 + v) * 16 + 4 * i + c, g, c = 0..3: low nibble = column 8g + c, high = column 8g + 4 + c
//        pairs: byte 32 * g + 16 * j + 4 * i + c (j = r >> 3): columns 8g + c (bits 0, 1) and 8g + 4 + c (2, 3) of row 8j + i, then of 8j + 4 + i
//   q8   512 bytes, then f16 scale[16] in pairs;           w = scale * (byte - 128)
//        bytes: byte (g * 4 + v) * 16 + 4 * i + c, g = 0..7, c = 0..3 = column 4g + c
//        pairs of scales: f16 number 8j + 2i + e belongs to row 8j + 4e + i (j, e = 0, 1)
//
// Activations, quantised per token and block: code = round(x * 127 / amax). A token's scale is its largest
// amax / 127; a block's fraction is its share of that in 1/32768, at most 32767; sum = (sum of codes) *
// fraction / 4096, rounded, halves up; start = -8 * (sum of codes); pair = the same in two i16: columns 0, 1
// mod 4, and 2, 3 mod 4. A block's own scale is 2^56 * amax / 127, its own sum that scale x (sum of codes).
// Everything below is by span, [2] by block; codes: 8 groups, i8 [2][4 columns].
//   x1 (one token), a header of 16 bytes that begins with f32 scale, then 176 bytes a span:
//      i16 fraction[2], i16 sum[2], i32 start[2], codes, i16 pair[2][2], f32 own scale[2], f32 own sum[2], i16 start[2], 4 unused, words [pair of columns]
//   x4 (four tokens), a header of 64 bytes that begins with f32 scale[4], then 704 bytes a span:
//      words [token][pair of columns], i16 start[4][2], i16 fraction[4][2], i16 sum[4][2], i32 start[4][2], codes [group][token], i16 pair[4][2][2],
//      f32 own scale[4][2], own sum[4][2], 16 unused
//   words are the same codes for kinds of 4 bits where dots are made of pairs, i8 [2][2 columns] for each of 16 pairs of columns. Each of both
//   lies beside the constants that go with it, so that the first-level cache holds no more than before

/**
 * How a matrix is stored. Rows are padded with zeros to a multiple of 16, columns to a multiple of the
 * tile's; a row group is 16 rows, its tiles follow each other by column. `f32` is plain row-major without
 * padding (vectors too), `f16` a plain vector.
 */
export type TensorKind = 'f32' | 'q4' | 'q4m' | 'q4n' | 'q5' | 'q6' | 'q8'

/** How a matrix, or a vector that is added, is stored. */
export type StoredKind = TensorKind | 'f16'

export const TILE_ROWS = 16
export const BLOCK = 32

export const SPAN = 64

/** Columns and bytes of a tile, where its constants begin, and the bytes of units behind the tiles of a row group. */
export const TILES = {
  q4: { cols: SPAN, bytes: 576, constants: 512, units: TILE_ROWS },
  q4m: { cols: SPAN, bytes: 640, constants: 512, units: TILE_ROWS },
  q4n: { cols: SPAN, bytes: 576, constants: 512, units: 2 * TILE_ROWS },
  q5: { cols: BLOCK, bytes: 352, constants: 320, units: 0 },
  q6: { cols: BLOCK, bytes: 416, constants: 384, units: 2 * TILE_ROWS },
  q8: { cols: BLOCK, bytes: 544, constants: 512, units: 0 },
} as const

/**
 * What a scale and a minimum of q4m may be together: 2 * (32512 * scale + 32512 * |minimum|) stays below
 * 2^31.
 */
export const MOST_Q4M = 33000

/** Whether a kind's dots are taken to the scale of the token, a span at a time, or to each block's own. */
export function isBySpan(kind: TensorKind): boolean {
  return kind !== 'f32' && TILES[kind].cols === SPAN
}

/** Offsets in a span of activations. */
export const X1 = {
  header: 16,
  bytes: 176,
  fractions: 0,
  sums: 4,
  starts: 8,
  codes: 16,
  startPairs: 80,
  blockScales: 88,
  blockSums: 96,
  wordStarts: 104,
  words: 112,
} as const
export const X4 = {
  header: 64,
  bytes: 704,
  words: 0,
  wordStarts: 256,
  fractions: 272,
  sums: 288,
  starts: 304,
  codes: 336,
  startPairs: 592,
  blockScales: 624,
  blockSums: 656,
} as const

/** Bytes of `cols` quantised activations: of one token, and of four. */
export function x1Bytes(cols: number): number {
  return X1.header + Math.ceil(cols / SPAN) * X1.bytes
}
export function x4Bytes(cols: number): number {
  return X4.header + Math.ceil(cols / SPAN) * X4.bytes
}

/** Of sixteen f16 in pairs, the number of row r's. */
export function pairedHalf(r: number): number {
  return (r >> 3) * 8 + (r & 3) * 2 + ((r >> 2) & 1)
}

/** Bytes of one row group of `cols` columns. */
export function rowGroupBytes(kind: keyof typeof TILES, cols: number): number {
  const { bytes, units, ...tile } = TILES[kind]
  return Math.ceil(cols / tile.cols) * bytes + units
}

/** Bytes of a stored matrix (rows, cols). */
export function tensorBytes(kind: StoredKind, rows: number, cols: number): number {
  if (kind === 'f32') return rows * cols * 4
  if (kind === 'f16') return rows * cols * 2
  return Math.ceil(rows / TILE_ROWS) * rowGroupBytes(kind, cols)
}

/** Dimensions of a head as INT8 pages and queries store it (assembly/attention/kv_q8.ts). */
export function storedDims(headDim: number): number {
  return Math.ceil(headDim / 8) * 8
}

/** Positions per KV page, and per tile of attention. */
export const PAGE_POSITIONS = 16
