// These memory formats are the same as those of src/kernels/layout.ts, which describes every byte.

export const TILE_ROWS: i32 = 16
export const BLOCK: i32 = 32
export const SPAN: i32 = 64 // columns: two blocks

export const Q4_TILE: usize = 576 // two blocks: nibbles, i16 scale[16][2]
export const Q4M_TILE: usize = 640 // the same, i16 minimum[16][2]
export const Q4N_TILE: usize = 576 // the same nibbles, u8 scale[16][2], i8 minimum[16][2]
export const ROW_UNITS: usize = 16 // behind a row group's tiles of q4 and q4m: a byte a row
export const ROW_UNITS_BF16: usize = 32 // behind those of q4n and q6: the upper half of a float a row
export const Q5_TILE: usize = 352 // nibbles, fifth bits, f16 scale[16]
export const Q6_TILE: usize = 416 // nibbles, pairs, (u8 scale, i8 minimum)[16]
export const Q8_TILE: usize = 544 // bytes, f16 scale[16]

// Activations of one token: its scale, then spans.
export const X1_HEADER: usize = 16
export const X1: usize = 176
export const X1_FRACTIONS: usize = 0
export const X1_SUMS: usize = 4
export const X1_STARTS: usize = 8
export const X1_CODES: usize = 16
export const X1_START_PAIRS: usize = 80
export const X1_BLOCK_SCALES: usize = 88
export const X1_BLOCK_SUMS: usize = 96
export const X1_WORD_STARTS: usize = 104
export const X1_WORDS: usize = 112

// Activations of four tokens: their scales, then spans.
export const X4_HEADER: usize = 64
export const X4: usize = 704
export const X4_WORDS: usize = 0
export const X4_WORD_STARTS: usize = 256
export const X4_FRACTIONS: usize = 272
export const X4_SUMS: usize = 288
export const X4_STARTS: usize = 304
export const X4_CODES: usize = 336
export const X4_START_PAIRS: usize = 592
export const X4_BLOCK_SCALES: usize = 624
export const X4_BLOCK_SUMS: usize = 656

// @ts-ignore: decorator
@inline
export function spans_of(cols: i32): usize {
  return (cols + SPAN - 1) / SPAN
}

/** Bytes of four tokens' activations. */
// @ts-ignore: decorator
@inline
export function x4_bytes(cols: i32): usize {
  return X4_HEADER + spans_of(cols) * X4
}

export const PAGE_POSITIONS: i32 = 16

/** Slots that nobody may see score this: far below any real score, and finite. */
export const HIDDEN_SCORE: f32 = -3.0e38
