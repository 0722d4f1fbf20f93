// f32 activations -> INT8 blocks of 32 columns, rounded half to even, with the constants the dot kernels need.
// Formats x1 and x4: src/kernels/layout.ts. Columns past `cols` count as zero. Scales and sums carry 2^56 (simd/f16.ts).

import { BLOCK, X1, X4 } from '../layout'
import { HALF_BIAS } from '../simd/f16'
import { larger, max_f32x4, rounded, sum_i32x4 } from '../simd/lanes'

/** Below this a block is all zeros: 127 / amax would overflow. */
const TINY: f32 = 1e-30

// Copies a ragged last block into 128 zeroed bytes so that the loop below never reads past the row.
// @ts-ignore: decorator
@inline
function padded(x: usize, left: i32, spare: usize): usize {
  if (left >= BLOCK) return x
  memory.fill(spare, 0, BLOCK << 2)
  memory.copy(spare, x, <usize>left << 2)
  return spare
}

// @ts-ignore: decorator
@inline
function block_amax(x: usize): f32 {
  const a = larger(f32x4.abs(v128.load(x)), f32x4.abs(v128.load(x, 16)))
  const b = larger(f32x4.abs(v128.load(x, 32)), f32x4.abs(v128.load(x, 48)))
  const c = larger(f32x4.abs(v128.load(x, 64)), f32x4.abs(v128.load(x, 80)))
  const d = larger(f32x4.abs(v128.load(x, 96)), f32x4.abs(v128.load(x, 112)))
  return max_f32x4(larger(larger(a, b), larger(c, d)))
}

/** Eight codes as i16x8. */
// @ts-ignore: decorator
@inline
function codes(x: usize, inverse: v128): v128 {
  return i16x8.narrow_i32x4_s(rounded(f32x4.mul(v128.load(x), inverse)), rounded(f32x4.mul(v128.load(x, 16), inverse)))
}

/**
 * One token's activations.
 * @param out x1 blocks, ceil(cols / 32) * 48 bytes
 * @param x (cols) f32
 * @param spare 128 bytes for a ragged last block
 */
export function quantize_x1(out: usize, x: usize, cols: i32, spare: usize): void {
  for (let col = 0; col < cols; col += BLOCK) {
    const from = padded(x, cols - col, spare)
    const amax = block_amax(from)
    const inverse = f32x4.splat(inverse_of(amax))
    const low = i8x16.narrow_i16x8_s(codes(from, inverse), codes(from + 32, inverse))
    const high = i8x16.narrow_i16x8_s(codes(from + 64, inverse), codes(from + 96, inverse))
    constants(low, high, amax, out, out + 4, out + 8, out + 12)
    v128.store(out, low, 16)
    v128.store(out, high, 32)
    x += <usize>BLOCK << 2
    out += X1
  }
}

/**
 * Up to four tokens' activations, interleaved; missing tokens become zeros.
 * @param out x4 blocks, ceil(cols / 32) * 192 bytes
 * @param x (tokens, cols) f32, `stride` bytes from token to token
 */
export function quantize_x4(out: usize, x: usize, stride: usize, tokens: i32, cols: i32, spare: usize): void {
  for (let col = 0; col < cols; col += BLOCK) {
    for (let t: usize = 0; t < 4; t++) {
      const at = out + (t << 2)
      let low = i64x2.splat(0)
      let high = low
      let amax: f32 = 0
      if (<i32>t < tokens) {
        const from = padded(x + t * stride, cols - col, spare)
        amax = block_amax(from)
        const inverse = f32x4.splat(inverse_of(amax))
        low = i8x16.narrow_i16x8_s(codes(from, inverse), codes(from + 32, inverse))
        high = i8x16.narrow_i16x8_s(codes(from + 64, inverse), codes(from + 96, inverse))
      }
      constants(low, high, amax, at, at + 16, at + 32, at + 48)
      v128.store_lane<i32>(at, low, 0, 64)
      v128.store_lane<i32>(at, low, 1, 80)
      v128.store_lane<i32>(at, low, 2, 96)
      v128.store_lane<i32>(at, low, 3, 112)
      v128.store_lane<i32>(at, high, 0, 128)
      v128.store_lane<i32>(at, high, 1, 144)
      v128.store_lane<i32>(at, high, 2, 160)
      v128.store_lane<i32>(at, high, 3, 176)
    }
    x += <usize>BLOCK << 2
    out += X4
  }
}

// @ts-ignore: decorator
@inline
function inverse_of(amax: f32): f32 {
  return amax > TINY ? 127 / amax : 0
}

/** Scale, scale x sum, and what the sums of symmetric weights start at: as a pair of i16 and as one i32. */
// @ts-ignore: decorator
@inline
function constants(low: v128, high: v128, amax: f32, scale: usize, sum: usize, pair: usize, start: usize): void {
  // Even i16 lanes belong to columns 0, 1 mod 4, odd lanes to 2, 3 mod 4. At most 16 * 127 each.
  const sums = i16x8.add(i16x8.extadd_pairwise_i8x16_s(low), i16x8.extadd_pairwise_i8x16_s(high))
  const even = sum_i32x4(i32x4.shr_s(i32x4.shl(sums, 16), 16))
  const odd = sum_i32x4(i32x4.shr_s(sums, 16))
  const s: f32 = amax > TINY ? (amax / 127) * HALF_BIAS : 0
  store<f32>(scale, s)
  store<f32>(sum, s * <f32>(even + odd))
  store<i16>(pair, <i16>(-8 * even))
  store<i16>(pair + 2, <i16>(-8 * odd))
  store<i32>(start, -8 * (even + odd))
}
