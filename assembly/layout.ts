// Memory formats, the same as src/kernels/layout.ts, which describes every byte.

export const TILE_ROWS: i32 = 8
export const BLOCK: i32 = 32

export const Q4_TILE: usize = 144 // f16 scale[8], nibbles
export const Q4M_TILE: usize = 160 // f16 scale[8], f16 minimum[8], nibbles
export const Q6_TILE: usize = 224 // f16 scale[8], f16 minimum[8], nibbles, pairs
export const Q8_TILE: usize = 272 // f16 scale[8], bytes

export const X1: usize = 48 // activations of one token, one block
export const X4: usize = 192 // activations of four tokens, one block

export const PAGE_POSITIONS: i32 = 16

/** Slots that nobody may see score this: far below any real score, and finite. */
export const HIDDEN_SCORE: f32 = -3.0e38
