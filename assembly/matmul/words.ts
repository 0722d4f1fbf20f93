// These kernels put 4-bit weights of a loaded matrix into words, the order for dots that are made of pairs.
//
// A *word* is 16 bits: the codes of two columns of one block of one row. As packed, four columns of a block of a
// row share 32 bits, which is what a four-byte dot adds up. In words a vector holds two columns of 4 rows x 2 blocks:
// a pair of products is then one lane of a block's sum, and nothing has to be added across lanes (docs/decisions/0031).
// 32 bytes of nibbles, vectors of rows 0, 1 and 2, 3, become two vectors of four rows; nothing else moves.

import { QUADS } from '../simd/dot'

const NIBBLES: usize = 512 // of a tile; its constants follow

/** Brings `tiles` tiles of `tile` bytes, q4, q4m or q4n, that follow each other from the order of the file into this build's. */
export function arrange_nibbles(w: usize, tiles: i32, tile: i32): void {
  if (!QUADS) reorder(w, tiles, tile, false)
}

/** Takes back what `arrange_nibbles` did. */
export function restore_nibbles(w: usize, tiles: i32, tile: i32): void {
  if (!QUADS) reorder(w, tiles, tile, true)
}

// @ts-ignore: decorator
@inline
function reorder(w: usize, tiles: i32, tile: i32, back: bool): void {
  for (let i = 0; i < tiles; i++) {
    for (let at = w; at < w + NIBBLES; at += 32) {
      const a = v128.load(at)
      const b = v128.load(at, 16)
      v128.store(at, back ? v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11) : v128.shuffle<i16>(a, b, 0, 2, 4, 6, 8, 10, 12, 14))
      v128.store(at, back ? v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15) : v128.shuffle<i16>(a, b, 1, 3, 5, 7, 9, 11, 13, 15), 16)
    }
    w += <usize>tile
  }
}
