// These kernels add, multiply and scale by element: the residual stream, biases, factors.

/** x += y; both (n) f32, n rounded up to 4 inside the buffers. */
export function add(x: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2
    v128.store(x + at, f32x4.add(v128.load(x + at), v128.load(y + at)))
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
