// SwiGLU's inner product of gate and up (arXiv 2002.05202).

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
