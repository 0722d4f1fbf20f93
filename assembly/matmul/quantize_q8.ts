// These kernels quantise f32 activations to INT8 blocks of 32 columns, rounded half to even. They add the
// constants that the dot kernels need; two blocks are a span. Formats x1 and x4: src/kernels/layout.ts.
// Columns past `cols` count as zero. A block's scale and sum carry 2^56 (simd/f16.ts).

import {
  BLOCK,
  SPAN,
  spans_of,
  X1,
  X1_BLOCK_SCALES,
  X1_BLOCK_SUMS,
  X1_CODES,
  X1_FRACTIONS,
  X1_HEADER,
  X1_START_PAIRS,
  X1_STARTS,
  X1_SUMS,
  X1_WORD_STARTS,
  X1_WORDS,
  X4,
  X4_BLOCK_SCALES,
  X4_BLOCK_SUMS,
  X4_CODES,
  X4_FRACTIONS,
  X4_HEADER,
  X4_START_PAIRS,
  X4_STARTS,
  X4_SUMS,
  X4_WORD_STARTS,
  X4_WORDS,
} from '../layout'
import { HALF_BIAS } from '../simd/f16'
import { larger, max_f32x4, rounded } from '../simd/lanes'

/** Below this a block is all zeros: 127 / amax would overflow. */
const TINY: f32 = 1e-30

// Copies a ragged last block, which may have no column at all, into 128 zeroed bytes so that nobody reads
// past the row.
// @ts-ignore: decorator
@inline
function padded(x: usize, left: i32, spare: usize): usize {
  if (left >= BLOCK) return x
  memory.fill(spare, 0, BLOCK << 2)
  if (left > 0) memory.copy(spare, x, <usize>left << 2)
  return spare
}

// By lane, the largest magnitudes of a block.
// @ts-ignore: decorator
@inline
function block_peaks(x: usize): v128 {
  const a = larger(f32x4.abs(v128.load(x)), f32x4.abs(v128.load(x, 16)))
  const b = larger(f32x4.abs(v128.load(x, 32)), f32x4.abs(v128.load(x, 48)))
  const c = larger(f32x4.abs(v128.load(x, 64)), f32x4.abs(v128.load(x, 80)))
  const d = larger(f32x4.abs(v128.load(x, 96)), f32x4.abs(v128.load(x, 112)))
  return larger(larger(a, b), larger(c, d))
}

/** Eight codes as i16x8. */
// @ts-ignore: decorator
@inline
function codes(x: usize, inverse: v128): v128 {
  return i16x8.narrow_i32x4_s(rounded(f32x4.mul(v128.load(x), inverse)), rounded(f32x4.mul(v128.load(x, 16), inverse)))
}

/**
 * One token's activations.
 * @param out x1: 16 bytes, then ceil(cols / 64) * 176
 * @param x (cols) f32
 * @param spare 128 bytes for a ragged last block
 */
export function quantize_x1(out: usize, x: usize, cols: i32, spare: usize): void {
  const amax = row_amax(x, cols, spare)
  store<f32>(out, scale_of(amax))
  const share_inverse: f32 = 32768 / amax
  out += X1_HEADER
  let first_low = i64x2.splat(0)
  let first_high = first_low
  for (let col = 0; col < spans_end(cols); col += BLOCK) {
    const block: usize = (col & BLOCK) >> 3 // 0 or 4, bytes
    const at = out + block
    const from = padded(x, cols - col, spare)
    const own = max_f32x4(block_peaks(from))
    const inverse = f32x4.splat(inverse_of(own))
    const low = i8x16.narrow_i16x8_s(codes(from, inverse), codes(from + 32, inverse))
    const high = i8x16.narrow_i16x8_s(codes(from + 64, inverse), codes(from + 96, inverse))
    const sums = halves_of(low, high)
    const even = i32x4.extract_lane(sums, 0)
    const odd = i32x4.extract_lane(sums, 2)
    constants(even, odd, own, share_inverse, out + X1_FRACTIONS + (block >> 1), out + X1_SUMS + (block >> 1), at + X1_STARTS, at + X1_START_PAIRS, out + X1_WORD_STARTS + (block >> 1))
    block_constants(even + odd, own, at + X1_BLOCK_SCALES, at + X1_BLOCK_SUMS)
    store_codes(low, high, at + X1_CODES, 8)
    x += <usize>BLOCK << 2
    if (block != 0) {
      store_words(first_low, first_high, low, high, out + X1_WORDS)
      out += X1
    }
    first_low = low
    first_high = high
  }
}

/**
 * Up to four tokens' activations, interleaved; missing tokens become zeros.
 * @param out x4: 64 bytes, then ceil(cols / 64) * 704
 * @param x (tokens, cols) f32, `stride` bytes from token to token
 */
export function quantize_x4(out: usize, x: usize, stride: usize, tokens: i32, cols: i32, spare: usize): void {
  for (let t: usize = 0; t < 4; t++) {
    let from = x + t * stride
    const there = <i32>t < tokens
    const amax: f32 = there ? row_amax(from, cols, spare) : 0
    store<f32>(out + (t << 2), scale_of(amax))
    const share_inverse: f32 = 32768 / amax
    let span = out + X4_HEADER
    let first_low = i64x2.splat(0)
    let first_high = first_low
    for (let col = 0; col < spans_end(cols); col += BLOCK) {
      const block: usize = (col & BLOCK) >> 3 // 0 or 4, bytes
      let low = i64x2.splat(0)
      let high = low
      let own: f32 = 0
      if (there) {
        const values = padded(from, cols - col, spare)
        own = max_f32x4(block_peaks(values))
        const inverse = f32x4.splat(inverse_of(own))
        low = i8x16.narrow_i16x8_s(codes(values, inverse), codes(values + 32, inverse))
        high = i8x16.narrow_i16x8_s(codes(values + 64, inverse), codes(values + 96, inverse))
      }
      const sums = halves_of(low, high)
      const even = i32x4.extract_lane(sums, 0)
      const odd = i32x4.extract_lane(sums, 2)
      const halves = span + (t << 2) + (block >> 1)
      const words = span + (t << 3) + block
      constants(even, odd, own, share_inverse, halves + X4_FRACTIONS, halves + X4_SUMS, words + X4_STARTS, words + X4_START_PAIRS, halves + X4_WORD_STARTS)
      block_constants(even + odd, own, words + X4_BLOCK_SCALES, words + X4_BLOCK_SUMS)
      store_codes(low, high, words + X4_CODES, 32)
      from += <usize>BLOCK << 2
      if (block != 0) {
        store_words(first_low, first_high, low, high, span + (t << 6) + X4_WORDS)
        span += X4
      }
      first_low = low
      first_high = high
    }
  }
}

// Columns up to the end of the last span.
// @ts-ignore: decorator
@inline
function spans_end(cols: i32): i32 {
  return <i32>spans_of(cols) * SPAN
}

// @ts-ignore: decorator
@inline
function row_amax(x: usize, cols: i32, spare: usize): f32 {
  let peaks = f32x4.splat(0)
  for (let col = 0; col < cols; col += BLOCK) {
    peaks = larger(peaks, block_peaks(padded(x + (<usize>col << 2), cols - col, spare)))
  }
  return max_f32x4(peaks)
}

// Eight groups of four codes, `step` bytes from one to the next.
// @ts-ignore: decorator
@inline
function store_codes(low: v128, high: v128, at: usize, step: usize): void {
  v128.store_lane<i32>(at, low, 0)
  v128.store_lane<i32>(at + step, low, 1)
  v128.store_lane<i32>(at + 2 * step, low, 2)
  v128.store_lane<i32>(at + 3 * step, low, 3)
  v128.store_lane<i32>(at + 4 * step, high, 0)
  v128.store_lane<i32>(at + 5 * step, high, 1)
  v128.store_lane<i32>(at + 6 * step, high, 2)
  v128.store_lane<i32>(at + 7 * step, high, 3)
}

// Both blocks of a span in words: two columns of the first, the same two of the second, and so on.
// @ts-ignore: decorator
@inline
function store_words(first_low: v128, first_high: v128, low: v128, high: v128, at: usize): void {
  v128.store(at, v128.shuffle<i16>(first_low, low, 0, 8, 1, 9, 2, 10, 3, 11))
  v128.store(at, v128.shuffle<i16>(first_low, low, 4, 12, 5, 13, 6, 14, 7, 15), 16)
  v128.store(at, v128.shuffle<i16>(first_high, high, 0, 8, 1, 9, 2, 10, 3, 11), 32)
  v128.store(at, v128.shuffle<i16>(first_high, high, 4, 12, 5, 13, 6, 14, 7, 15), 48)
}

// @ts-ignore: decorator
@inline
function scale_of(amax: f32): f32 {
  return amax > TINY ? amax / 127 : 0
}

// @ts-ignore: decorator
@inline
function inverse_of(amax: f32): f32 {
  return amax > TINY ? 127 / amax : 0
}

// Sums of a block's codes: of columns 0, 1 mod 4 in lanes 0 and 1, of columns 2, 3 mod 4 in lanes 2 and 3.
// @ts-ignore: decorator
@inline
function halves_of(low: v128, high: v128): v128 {
  const pairs = i16x8.add(i16x8.extadd_pairwise_i8x16_s(low), i16x8.extadd_pairwise_i8x16_s(high))
  const even = i32x4.shr_s(i32x4.shl(pairs, 16), 16)
  const odd = i32x4.shr_s(pairs, 16)
  const sums = i32x4.add(v128.shuffle<i32>(even, odd, 0, 1, 4, 5), v128.shuffle<i32>(even, odd, 2, 3, 6, 7))
  return i32x4.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2))
}

/**
 * The block's share of the token's scale in 1/32768, its sum of codes in an eighth of that scale, and what
 * the sums of 4-bit weights start at: as one i32, as a pair of i16 and as one i16. `inverse` is 32768 / the
 * token's largest magnitude.
 */
// @ts-ignore: decorator
@inline
function constants(even: i32, odd: i32, own: f32, inverse: f32, fraction: usize, sum: usize, start: usize, pair: usize, word: usize): void {
  const share = own > TINY ? min<i32>(<i32>nearest<f32>(own * inverse), 32767) : 0
  store<i16>(fraction, <i16>share)
  store<i16>(sum, <i16>(((even + odd) * share + 2048) >> 12))
  store<i32>(start, -8 * (even + odd))
  store<i32>(pair, ((-8 * even) & 0xffff) | ((-8 * odd) << 16))
  store<i16>(word, <i16>(-8 * (even + odd)))
}

/** The block's own scale, and scale x sum. */
// @ts-ignore: decorator
@inline
function block_constants(total: i32, own: f32, scale: usize, sum: usize): void {
  const s: f32 = scale_of(own) * HALF_BIAS
  store<f32>(scale, s)
  store<f32>(sum, s * <f32>total)
}
