// Memory formats, the same as src/kernels/layout.ts, which describes every byte.

export const TILE_ROWS: i32 = 16
export const BLOCK: i32 = 32

export const Q4_TILE: usize = 288 // nibbles, f16 scale[16]
export const Q4M_TILE: usize = 320 // nibbles, (f16 scale, f16 minimum)[16]
export const Q6_TILE: usize = 448 // nibbles, pairs, (f16 scale, f16 minimum)[16]
export const Q8_TILE: usize = 544 // bytes, f16 scale[16]

export const X1: usize = 48 // activations of one token, one block
export const X4: usize = 192 // activations of four tokens, one block

export const PAGE_POSITIONS: i32 = 16

/** Slots that nobody may see score this: far below any real score, and finite. */
export const HIDDEN_SCORE: f32 = -3.0e38
