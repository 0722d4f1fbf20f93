// Prefill multiplies four tokens with INT4 weights, Y = X W^T. Row i of the result equals gemv bit for bit.
//
//   w   row groups of tiles (q4, q4m or q4n), x (groups of 4 tokens) in format x4
//   y   (4 * groups, rows rounded up to 16) f32, `stride` bytes from token to token
//
// The weights of a row group stay in the first-level cache while all token groups pass over them. While a row group is
// multiplied, each span touches a line of the next one, so that its weights wait in the cache. Measured:
// docs/performance.md, Kernels.

import { QUADS } from '../simd/dot'
import { gemm_q4_pairs } from './gemm_q4_pairs'
import { gemm_q4_quads } from './gemm_q4_quads'
import { Constants } from './sums'

export function gemm_q4_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  gemm(y, stride, w, x, rows, cols, groups, Constants.SCALE)
}

export function gemm_q4m_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  gemm(y, stride, w, x, rows, cols, groups, Constants.MINIMUM)
}

export function gemm_q4n_q8(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32): void {
  gemm(y, stride, w, x, rows, cols, groups, Constants.NARROW)
}

// @ts-ignore: decorator
@inline
function gemm(y: usize, stride: usize, w: usize, x: usize, rows: i32, cols: i32, groups: i32, kind: Constants): void {
  if (QUADS) gemm_q4_quads(y, stride, w, x, rows, cols, groups, kind)
  else gemm_q4_pairs(y, stride, w, x, rows, cols, groups, kind)
}

/**
 * Up to so many tokens matrix x vector, token by token, is as fast as four tokens at once: those behind the first
 * find the matrix in the cache.
 */
export function q4_vector_rows(): i32 {
  return QUADS ? 4 : 3
}
