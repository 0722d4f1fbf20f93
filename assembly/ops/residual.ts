// These kernels add, multiply and scale by element: the residual stream, biases, centres, factors.

import { low_half, REBIAS } from '../simd/f16'

/** x += y; both (n) f32, n rounded up to 4 inside the buffers. */
export function add(x: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2
    v128.store(x + at, f32x4.add(v128.load(x + at), v128.load(y + at)))
  }
}

/** x += y; x (n) f32, y (n) f16, n rounded up to 8 inside the buffers. */
export function add_half(x: usize, y: usize, n: i32): void {
  const rebias = f32x4.splat(REBIAS)
  for (const end = x + (<usize>n << 2); x < end; x += 32) {
    const halves = v128.load(y)
    const low = f32x4.mul(low_half(i32x4.extend_low_i16x8_s(halves)), rebias)
    const high = f32x4.mul(low_half(i32x4.extend_high_i16x8_s(halves)), rebias)
    v128.store(x, f32x4.add(v128.load(x), low))
    v128.store(x, f32x4.add(v128.load(x, 16), high), 16)
    y += 16
  }
}

/** x *= y; both (n) f32, n rounded up to 4 inside the buffers. */
export function mul(x: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2
    v128.store(x + at, f32x4.mul(v128.load(x + at), v128.load(y + at)))
  }
}

/** x *= factor; x (n) f32, n rounded up to 4 inside the buffer. */
export function scale(x: usize, n: i32, factor: f32): void {
  const factors = f32x4.splat(factor)
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2
    v128.store(x + at, f32x4.mul(v128.load(x + at), factors))
  }
}
