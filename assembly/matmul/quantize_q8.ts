// f32 activations -> INT8 blocks of 32 columns, rounded half to even, with the constants the dot kernels need.
// Formats x1 and x4: src/kernels/layout.ts. Columns past `cols` count as zero.

import { BLOCK, X1, X4 } from '../layout'
import { max_f32x4 } from '../simd/lanes'

/** Below this a block is all zeros: 127 / amax would overflow. */
const TINY: f32 = 1e-30

// Codes of eight columns as i32x4 pairs, narrowed by the caller.
// @ts-ignore: decorator
@inline
function codes(x: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), inverse)))
}

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
  let m = f32x4.abs(v128.load(x))
  m = f32x4.max(m, f32x4.abs(v128.load(x, 16)))
  m = f32x4.max(m, f32x4.abs(v128.load(x, 32)))
  m = f32x4.max(m, f32x4.abs(v128.load(x, 48)))
  m = f32x4.max(m, f32x4.abs(v128.load(x, 64)))
  m = f32x4.max(m, f32x4.abs(v128.load(x, 80)))
  m = f32x4.max(m, f32x4.abs(v128.load(x, 96)))
  m = f32x4.max(m, f32x4.abs(v128.load(x, 112)))
  return max_f32x4(m)
}

/** Sums of the codes at columns 0, 1 mod 4 (low half of each pair) and 2, 3 mod 4, over 16 codes, as i32x4 lanes. */
// @ts-ignore: decorator
@inline
function pair_sums(c: v128): v128 {
  return i16x8.extadd_pairwise_i8x16_s(c)
}

/**
 * One token's activations.
 * @param out x1 blocks, ceil(cols / 32) * 48 bytes
 * @param x (cols) f32
 * @param spare 128 bytes for a ragged last block
 */
export function quantize_x1(out: usize, x: usize, cols: i32, spare: usize): void {
  for (let col = 0; col < cols; col += BLOCK) {
    quantize_block(padded(x, cols - col, spare), out, out + 4, out + 8, out + 16, 4)
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
      if (<i32>t < tokens) {
        const source = padded(x + t * stride, cols - col, spare)
        quantize_block(source, out + (t << 2), out + 16 + (t << 2), out + 32 + (t << 2), out + 64 + (t << 2), 16)
      } else {
        store<u32>(out + (t << 2), 0)
        store<u32>(out + 16 + (t << 2), 0)
        store<u32>(out + 32 + (t << 2), 0)
        for (let g: usize = 0; g < 8; g++) store<u32>(out + 64 + (g << 4) + (t << 2), 0)
      }
    }
    x += <usize>BLOCK << 2
    out += X4
  }
}

// Writes one block: scale, sum, start pair, and 8 groups of 4 codes `step` bytes apart.
// @ts-ignore: decorator
@inline
function quantize_block(x: usize, scale: usize, sum: usize, start: usize, to: usize, step: usize): void {
  const amax = block_amax(x)
  const live = amax > TINY
  const s: f32 = live ? amax / 127 : 0
  const inverse = f32x4.splat(live ? 127 / amax : 0)
  const a = i16x8.narrow_i32x4_s(codes(x, inverse), codes(x + 16, inverse))
  const b = i16x8.narrow_i32x4_s(codes(x + 32, inverse), codes(x + 48, inverse))
  const c = i16x8.narrow_i32x4_s(codes(x + 64, inverse), codes(x + 80, inverse))
  const d = i16x8.narrow_i32x4_s(codes(x + 96, inverse), codes(x + 112, inverse))
  const low = i8x16.narrow_i16x8_s(a, b)
  const high = i8x16.narrow_i16x8_s(c, d)
  store<u32>(to, i32x4.extract_lane(low, 0))
  store<u32>(to + step, i32x4.extract_lane(low, 1))
  store<u32>(to + 2 * step, i32x4.extract_lane(low, 2))
  store<u32>(to + 3 * step, i32x4.extract_lane(low, 3))
  store<u32>(to + 4 * step, i32x4.extract_lane(high, 0))
  store<u32>(to + 5 * step, i32x4.extract_lane(high, 1))
  store<u32>(to + 6 * step, i32x4.extract_lane(high, 2))
  store<u32>(to + 7 * step, i32x4.extract_lane(high, 3))
  // Even i16 lanes belong to columns 0, 1 mod 4, odd lanes to 2, 3 mod 4. At most 16 * 127 each.
  const sums = i16x8.add(pair_sums(low), pair_sums(high))
  const even = i32x4.shr_s(i32x4.shl(sums, 16), 16)
  const odd = i32x4.shr_s(sums, 16)
  const even_sum = lanes_sum(even)
  const odd_sum = lanes_sum(odd)
  store<f32>(scale, s)
  store<f32>(sum, s * <f32>(even_sum + odd_sum))
  store<i16>(start, <i16>(-8 * even_sum))
  store<i16>(start + 2, <i16>(-8 * odd_sum))
}

// @ts-ignore: decorator
@inline
function lanes_sum(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  )
}
