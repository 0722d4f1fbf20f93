// These kernels compute SwiGLU's and GeGLU's products of gate and up, and GELU alone (arXiv 2002.05202).

import { exp_f32x4 } from './math'

/** out = gate / (1 + exp(-gate)) * up; all (n) f32, n rounded up to 4 inside the buffers. */
export function silu_mul(out: usize, gate: usize, up: usize, n: i32): void {
  const one = f32x4.splat(1)
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2
    const g = v128.load(gate + at)
    const silu = f32x4.div(g, f32x4.add(one, exp_f32x4(f32x4.neg(g))))
    v128.store(out + at, f32x4.mul(silu, v128.load(up + at)))
  }
}

/** out = gelu(gate) * up; all (n) f32, n rounded up to 4 inside the buffers. */
export function gelu_mul(out: usize, gate: usize, up: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2
    v128.store(out + at, f32x4.mul(gelu_f32x4(v128.load(gate + at)), v128.load(up + at)))
  }
}

/** out = gelu(x); both (n) f32, n rounded up to 4 inside the buffers. */
export function gelu(out: usize, x: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 2
    v128.store(out + at, gelu_f32x4(v128.load(x + at)))
  }
}

/**
 * GELU by tanh (arXiv 1606.08415): 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), which is x / (1 + exp(-2 z)).
 * -2 z = x (a x^2 + b) with a = -2 sqrt(2 / pi) 0.044715 and b = -2 sqrt(2 / pi).
 */
// @ts-ignore: decorator
@inline
function gelu_f32x4(x: v128): v128 {
  const inner = f32x4.add(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.071354814)), f32x4.splat(-1.5957691))
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp_f32x4(f32x4.mul(x, inner))))
}
