// Every matrix kernel scales a block's integer sums and joins the sums of its rows by these functions. So
// there is one order of float operations.

import { Q4_TILE, Q4M_TILE, Q4N_TILE, ROW_UNITS, ROW_UNITS_BF16, X1_FRACTIONS, X1_SUMS } from '../layout'
import { HALF_BIAS } from '../simd/f16'
import { share, total } from '../simd/dot'
import { fixed } from '../simd/lanes'

const BYTES = memory.data<i32>([255, 255, 255, 255], 16)

/** (f32(dot) * x.scale) * w.scale of four rows; `sum` is i32x4. */
// @ts-ignore: decorator
@inline
export function scaled(sum: v128, x_scale: v128, w_scale: v128): v128 {
  return f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum), x_scale), w_scale)
}

/** acc + (dot * x.scale) * scale, then + minimum * x.sum. */
// @ts-ignore: decorator
@inline
export function with_minimum(acc: v128, sum: v128, scale: v128, minimum: v128, x_scale: v128, x_sum: v128): v128 {
  return f32x4.add(f32x4.add(acc, scaled(sum, x_scale, scale)), f32x4.mul(minimum, x_sum))
}

/** Of a q6 block as it is stored, 16 bits a row that were sign-extended to 32: scales as f32x4. */
// @ts-ignore: decorator
@inline
export function six_bit_scales(constants: v128): v128 {
  return f32x4.convert_i32x4_s(v128.and(constants, fixed(BYTES, 0)))
}

/** What code 0 stands for, 32 * (minimum - scale), as f32x4. */
// @ts-ignore: decorator
@inline
export function six_bit_minimums(constants: v128): v128 {
  const scales = v128.and(constants, fixed(BYTES, 0))
  return f32x4.convert_i32x4_s(i32x4.shl(i32x4.sub(i32x4.shr_s(constants, 8), scales), 5))
}

/** low + 16 * high of nibble sums, exact in i32 and in f32 (at most 32 * 128 * 127). */
// @ts-ignore: decorator
@inline
export function joined(low: v128, high: v128): v128 {
  return i32x4.add(total(low), i32x4.shl(total(high), 4))
}

/** Finished sums of four rows, rid of half of the exponents' bias (simd/f16.ts). */
// @ts-ignore: decorator
@inline
export function store_rows(y: usize, acc: v128): void {
  v128.store(y, f32x4.mul(acc, f32x4.splat(HALF_BIAS)))
}

/** The same for eight rows of a token: p = rows 0..3, q = rows 4..7. */
// @ts-ignore: decorator
@inline
export function store_token(y: usize, p: v128, q: v128): void {
  store_rows(y, p)
  store_rows(y + 16, q)
}

/**
 * Dots of two blocks x the blocks' integer scales, of four rows: a = rows 0, 1 and b = rows 2, 3, each i32
 * [row][block] of at most 32512; the blocks' fractions take both to the token's scale. i32x4: two products
 * below 2^30 each.
 */
// @ts-ignore: decorator
@inline
export function scaled_span(a: v128, b: v128, fractions: v128, scales: v128): v128 {
  return i32x4.dot_i16x8_s(share(i16x8.narrow_i32x4_s(a, b), fractions), scales)
}

/** Finished sums of four rows of q6, rid of what scales of activations carry (simd/f16.ts), in their rows' units. */
// @ts-ignore: decorator
@inline
export function store_units(y: usize, acc: v128, units: usize): void {
  v128.store(y, f32x4.mul(acc, f32x4.mul(units_bf16(units), f32x4.splat(1 / HALF_BIAS))))
}

/** The units of four rows as bf16. */
// @ts-ignore: decorator
@inline
export function units_bf16(at: usize): v128 {
  return i32x4.shl(v128.load16x4_u(at), 16)
}

/** Four rows from `row` of the row group on, in their units. */
// @ts-ignore: decorator
@inline
export function store_scaled(y: usize, acc: v128, scale: v128, row_units: usize, row: usize, constants: Constants): void {
  const unit = constants == Constants.NARROW ? units_bf16(row_units + (row << 1)) : units(row_units + row)
  v128.store(y, f32x4.mul(f32x4.mul(acc, scale), unit))
}

/** What stands behind the nibbles of a span: i16 scales, i16 scales and minimums, or both in 8 bits. */
export const enum Constants {
  SCALE,
  MINIMUM,
  NARROW,
}

/** Bytes of a tile of two blocks. */
// @ts-ignore: decorator
@inline
export function span_tile(kind: Constants): usize {
  return kind == Constants.NARROW ? Q4N_TILE : kind == Constants.MINIMUM ? Q4M_TILE : Q4_TILE
}

/** Bytes of the units behind a row group. */
// @ts-ignore: decorator
@inline
export function span_units(kind: Constants): usize {
  return kind == Constants.NARROW ? ROW_UNITS_BF16 : ROW_UNITS
}

/** Twice the u8 scales of four rows x two blocks of q4n, i16x8. */
// @ts-ignore: decorator
@inline
export function narrow_scales(at: usize): v128 {
  return i16x8.shl(v128.load8x8_u(at), 1)
}

/** Their i8 minimums, i16x8. */
// @ts-ignore: decorator
@inline
export function narrow_minimums(at: usize): v128 {
  return v128.load8x8_s(at, 32)
}

/** Scales of rows 4v to 4v + 3 of a tile whose constants begin at `at`: i16 [4 rows][2 blocks]. */
// @ts-ignore: decorator
@inline
export function span_scales(at: usize, v: usize, kind: Constants): v128 {
  if (kind == Constants.NARROW) return narrow_scales(at + (v << 3))
  return v128.load(at + (v << (kind == Constants.MINIMUM ? 5 : 4)))
}

/** Their minimums, where the kind has some. */
// @ts-ignore: decorator
@inline
export function span_minimums(at: usize, v: usize, kind: Constants): v128 {
  return kind == Constants.NARROW ? narrow_minimums(at + (v << 3)) : v128.load(at + (v << 5), 16)
}

/** acc + f32(both blocks of rows 4v to 4v + 3) of the tile `w`: `dots` i16 [4 rows][2 blocks], `x` a span of x1. */
// @ts-ignore: decorator
@inline
export function add_span(acc: v128, dots: v128, x: usize, w: usize, v: usize, kind: Constants): v128 {
  let sum = i32x4.dot_i16x8_s(share(dots, v128.load32_splat(x, X1_FRACTIONS)), span_scales(w + 512, v, kind))
  if (kind != Constants.SCALE) sum = minimum_span(sum, v128.load32_splat(x, X1_SUMS), span_minimums(w + 512, v, kind))
  return f32x4.add(acc, f32x4.convert_i32x4_s(sum))
}

/** A span's sums + both blocks' sums of activations x their minimums. */
// @ts-ignore: decorator
@inline
export function minimum_span(sum: v128, sums: v128, minimums: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(sums, minimums))
}

/** The units of four rows, powers of two: a byte is the exponent of a float. */
// @ts-ignore: decorator
@inline
export function units(at: usize): v128 {
  return i32x4.shl(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))), 23)
}
