// This kernel multiplies float weights, the reference precision: Y = X W^T, both f32, one dot at a time.
//
//   w   (rows, cols) f32 row-major; x (tokens, cols), y (tokens, rows), strides in bytes
//
// Four lanes of partial sums over columns 4i + lane, joined as (0 + 1) + (2 + 3), then the last cols % 4 in
// order.

import { sum_f32x4 } from '../simd/lanes'

export function matmul_f32(
  y: usize, y_stride: usize, w: usize, x: usize, x_stride: usize, rows: i32, cols: i32, tokens: i32,
): void {
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < tokens; t++) {
      const sum = dot_f32(w, x + <usize>t * x_stride, cols)
      store<f32>(y + <usize>t * y_stride + (<usize>row << 2), sum)
    }
    w += <usize>cols << 2
  }
}

/** Dot of two f32 vectors of length n. */
// @ts-ignore: decorator
@inline
export function dot_f32(a: usize, b: usize, n: i32): f32 {
  let acc = f32x4.splat(0)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    acc = f32x4.add(acc, f32x4.mul(v128.load(a + (<usize>i << 2)), v128.load(b + (<usize>i << 2))))
  }
  let sum = sum_f32x4(acc)
  for (; i < n; i++) sum += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2))
  return sum
}
