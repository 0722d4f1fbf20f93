// Decode multiplies one token with 5-bit weights, y = W x: Q5_0 as its files have it. Tile: 16 rows x 1 token.
//
// A code is 16 * bit + nibble, 0..31: the nibbles lie as in q6, and one load of bits serves sixteen rows x eight
// columns. Sums start at -16 times the activations' own, so that a code counts from 16. Columns are written out, and
// masks come from memory. Order of float operations, block by block: acc + (dot * x.scale) * w.scale. Measured:
// 0.92 ms for 49152 x 576, by pairs 1.07; every shape: docs/performance.md, Kernels.

import { BLOCK, Q5_TILE, TILE_ROWS, X1, X1_BLOCK_SCALES, X1_CODES, X1_HEADER, X1_STARTS } from '../layout'
import { dot_two } from '../simd/dot'
import { high_half, low_half } from '../simd/f16'
import { fifth_mask, high_codes, low_codes, nibble_mask } from '../simd/lanes'
import { scaled, store_rows } from './sums'

/** y = W x, w = scale * (code - 16), an f16 scale of either sign per row and block. */
export function gemv_q5_q8(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const blocks = (cols + BLOCK - 1) / BLOCK
  const mask = nibble_mask()
  const fifth = fifth_mask()
  for (let row = 0; row < rows; row += TILE_ROWS) {
    let acc0 = f32x4.splat(0)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    let xb = x + X1_HEADER
    for (let block = 0; block < blocks; block++) {
      let sum0 = i32x4.shl(v128.load32_splat(xb, X1_STARTS), 1)
      let sum1 = sum0
      let sum2 = sum0
      let sum3 = sum0
      let x_low = v128.load32_splat(xb + (X1_CODES + 0))
      let x_high = v128.load32_splat(xb + (X1_CODES + 8))
      let bits = v128.load(w + 256)
      let nibbles = v128.load(w + 0)
      sum0 = dot_two(sum0, x_low, low_codes(nibbles, i16x8.shl(bits, 4), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 3), mask, fifth))
      nibbles = v128.load(w + 16)
      sum1 = dot_two(sum1, x_low, low_codes(nibbles, i16x8.shl(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 1), mask, fifth))
      nibbles = v128.load(w + 32)
      sum2 = dot_two(sum2, x_low, low_codes(nibbles, bits, mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 1), mask, fifth))
      nibbles = v128.load(w + 48)
      sum3 = dot_two(sum3, x_low, low_codes(nibbles, i16x8.shr_u(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 3), mask, fifth))
      x_low = v128.load32_splat(xb + (X1_CODES + 16))
      x_high = v128.load32_splat(xb + (X1_CODES + 24))
      bits = v128.load(w + 272)
      nibbles = v128.load(w + 64)
      sum0 = dot_two(sum0, x_low, low_codes(nibbles, i16x8.shl(bits, 4), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 3), mask, fifth))
      nibbles = v128.load(w + 80)
      sum1 = dot_two(sum1, x_low, low_codes(nibbles, i16x8.shl(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 1), mask, fifth))
      nibbles = v128.load(w + 96)
      sum2 = dot_two(sum2, x_low, low_codes(nibbles, bits, mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 1), mask, fifth))
      nibbles = v128.load(w + 112)
      sum3 = dot_two(sum3, x_low, low_codes(nibbles, i16x8.shr_u(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 3), mask, fifth))
      x_low = v128.load32_splat(xb + (X1_CODES + 32))
      x_high = v128.load32_splat(xb + (X1_CODES + 40))
      bits = v128.load(w + 288)
      nibbles = v128.load(w + 128)
      sum0 = dot_two(sum0, x_low, low_codes(nibbles, i16x8.shl(bits, 4), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 3), mask, fifth))
      nibbles = v128.load(w + 144)
      sum1 = dot_two(sum1, x_low, low_codes(nibbles, i16x8.shl(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 1), mask, fifth))
      nibbles = v128.load(w + 160)
      sum2 = dot_two(sum2, x_low, low_codes(nibbles, bits, mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 1), mask, fifth))
      nibbles = v128.load(w + 176)
      sum3 = dot_two(sum3, x_low, low_codes(nibbles, i16x8.shr_u(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 3), mask, fifth))
      x_low = v128.load32_splat(xb + (X1_CODES + 48))
      x_high = v128.load32_splat(xb + (X1_CODES + 56))
      bits = v128.load(w + 304)
      nibbles = v128.load(w + 192)
      sum0 = dot_two(sum0, x_low, low_codes(nibbles, i16x8.shl(bits, 4), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 3), mask, fifth))
      nibbles = v128.load(w + 208)
      sum1 = dot_two(sum1, x_low, low_codes(nibbles, i16x8.shl(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shl(bits, 1), mask, fifth))
      nibbles = v128.load(w + 224)
      sum2 = dot_two(sum2, x_low, low_codes(nibbles, bits, mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 1), mask, fifth))
      nibbles = v128.load(w + 240)
      sum3 = dot_two(sum3, x_low, low_codes(nibbles, i16x8.shr_u(bits, 2), mask, fifth), x_high, high_codes(nibbles, i16x8.shr_u(bits, 3), mask, fifth))
      const x_scale = v128.load32_splat(xb, X1_BLOCK_SCALES)
      let scales = v128.load(w, 320)
      acc0 = f32x4.add(acc0, scaled(sum0, x_scale, low_half(scales)))
      acc1 = f32x4.add(acc1, scaled(sum1, x_scale, high_half(scales)))
      scales = v128.load(w, 336)
      acc2 = f32x4.add(acc2, scaled(sum2, x_scale, low_half(scales)))
      acc3 = f32x4.add(acc3, scaled(sum3, x_scale, high_half(scales)))
      xb += block & 1 ? X1 - 4 : 4 // from block to block within a span, then to the next
      w += Q5_TILE
    }
    store_rows(y, acc0)
    store_rows(y + 16, acc1)
    store_rows(y + 32, acc2)
    store_rows(y + 48, acc3)
    y += <usize>TILE_ROWS << 2
  }
}
