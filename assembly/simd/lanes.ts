// This file holds small helpers on vectors; all are inlined.

/**
 * The i-th vector of a table that the module brings along. A load from a fixed address below 64 KiB is one
 * instruction without a check, where a constant is built anew, in three, in every round of a loop.
 */
// @ts-ignore: decorator
@inline
export function fixed(table: usize, i: usize): v128 {
  return v128.load(table + (i << 4))
}

const NIBBLES = memory.data<u8>([15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15], 16)

/** Sixteen times 0x0f, to be loaded once before a loop. */
// @ts-ignore: decorator
@inline
export function nibble_mask(): v128 {
  return fixed(NIBBLES, 0)
}

const UPPER = memory.data<u8>([48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48], 16)

/** Sixteen times 0x30, likewise: where a 6-bit code has its upper bits. */
// @ts-ignore: decorator
@inline
export function upper_mask(): v128 {
  return fixed(UPPER, 0)
}

const FIFTH = memory.data<u8>([16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16], 16)

/** Sixteen times 0x10, likewise: where a 5-bit code has its upper bit. */
// @ts-ignore: decorator
@inline
export function fifth_mask(): v128 {
  return fixed(FIFTH, 0)
}

/** High nibbles of 16 bytes; a 16-bit shift and a mask are cheaper than a byte shift. */
// @ts-ignore: decorator
@inline
export function high_nibbles(v: v128, mask: v128): v128 {
  return v128.and(i16x8.shr_u(v, 4), mask)
}

// Codes of 5 and 6 bits: what is above bit 3 is shifted to where `upper` has it, and what a 16-bit shift carries across
// bytes falls outside of that mask.

/** Codes whose lower bits are the low nibbles. */
// @ts-ignore: decorator
@inline
export function low_codes(nibbles: v128, bits: v128, mask: v128, upper: v128): v128 {
  return v128.or(v128.and(nibbles, mask), v128.and(bits, upper))
}

/** Codes whose lower bits are the high nibbles. */
// @ts-ignore: decorator
@inline
export function high_codes(nibbles: v128, bits: v128, mask: v128, upper: v128): v128 {
  return v128.or(high_nibbles(nibbles, mask), v128.and(bits, upper))
}

// 6-bit codes: bits 4 and 5 come from one of four 2-bit fields of `pairs`. Fields a, b go with the low and
// high nibbles of the first four rows that share the byte, c, d with those of the next four.

// @ts-ignore: decorator
@inline
export function sixth_a(nibbles: v128, pairs: v128, mask: v128, upper: v128): v128 {
  return low_codes(nibbles, i16x8.shl(pairs, 4), mask, upper)
}

// @ts-ignore: decorator
@inline
export function sixth_b(nibbles: v128, pairs: v128, mask: v128, upper: v128): v128 {
  return high_codes(nibbles, i16x8.shl(pairs, 2), mask, upper)
}

// @ts-ignore: decorator
@inline
export function sixth_c(nibbles: v128, pairs: v128, mask: v128, upper: v128): v128 {
  return low_codes(nibbles, pairs, mask, upper)
}

// @ts-ignore: decorator
@inline
export function sixth_d(nibbles: v128, pairs: v128, mask: v128, upper: v128): v128 {
  return high_codes(nibbles, i16x8.shr_u(pairs, 2), mask, upper)
}

/** (lane 0 + lane 1) + (lane 2 + lane 3). */
// @ts-ignore: decorator
@inline
export function sum_f32x4(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  )
}

// @ts-ignore: decorator
@inline
export function sum_i32x4(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + (i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3))
  )
}

/** The larger of a and b by lane; pmax is one instruction where max is many, and no NaN comes here. */
// @ts-ignore: decorator
@inline
export function larger(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b)
}

// @ts-ignore: decorator
@inline
export function max_f32x4(v: v128): f32 {
  const two = larger(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1))
  return f32x4.extract_lane(larger(two, v128.shuffle<i32>(two, two, 1, 0, 3, 2)), 0)
}

// 1.5 * 2^23: adding it leaves a float's integer part, rounded half to even, in the low bits: |x| < 2^22.
const ROUNDER = memory.data<f32>([12582912, 12582912, 12582912, 12582912], 16)

/** 1.5 * 2^23 in each lane. */
// @ts-ignore: decorator
@inline
export function rounder(): v128 {
  return fixed(ROUNDER, 0)
}

/** Four codes of -128..127, as i32x4, to four bytes. */
// @ts-ignore: decorator
@inline
export function store_i8x4(at: usize, codes: v128): void {
  const halves = i16x8.narrow_i32x4_s(codes, codes)
  v128.store32_lane(at, i8x16.narrow_i16x8_s(halves, halves), 0)
}

/** Lanes rounded half to even, as i32x4; |x| < 2^22. */
// @ts-ignore: decorator
@inline
export function rounded(x: v128): v128 {
  return i32x4.sub(f32x4.add(x, rounder()), rounder())
}
