// Plain twins of assembly/ops, assembly/sampling and assembly/probe.ts.

import type { Kernels } from '../kernels.ts'
import { absorbBlocks, CHECKSUM_WORDS } from '../../lib/checksum.ts'
import { expF32 } from '../../lib/math-f32.ts'
import { f, joinLanes, type MemoryViews } from './memory.ts'

export function opsReference({
  f32,
  i32,
  u32,
  u8,
}: MemoryViews): Pick<Kernels, 'rms_norm' | 'silu_mul' | 'add' | 'top_k' | 'absorb_blocks' | 'dot_four'> {
  function rms_norm(out: number, x: number, weight: number, n: number, eps: number): void {
    const [from, by, to] = [x >> 2, weight >> 2, out >> 2]
    const lanes = new Float32Array(4)
    const whole = n & ~3
    for (let i = 0; i < whole; i++) lanes[i & 3] = lanes[i & 3] + f(f32[from + i] * f32[from + i])
    let sum = joinLanes(lanes)
    for (let i = whole; i < n; i++) sum = f(sum + f(f32[from + i] * f32[from + i]))
    const inverse = f(1 / f(Math.sqrt(f(f(sum / n) + f(eps)))))
    for (let i = 0; i < n; i++) f32[to + i] = f(f(f32[from + i] * inverse) * f32[by + i])
  }

  function silu_mul(out: number, gate: number, up: number, n: number): void {
    for (let i = 0; i < n; i++) {
      const g = f32[(gate >> 2) + i]
      const silu = f(g / f(1 + expF32(-g)))
      f32[(out >> 2) + i] = f(silu * f32[(up >> 2) + i])
    }
  }

  function add(x: number, y: number, n: number): void {
    for (let i = 0; i < n; i++) f32[(x >> 2) + i] = f(f32[(x >> 2) + i] + f32[(y >> 2) + i])
  }

  function top_k(ids: number, values: number, logits: number, n: number, k: number): void {
    const row = f32.subarray(logits >> 2, (logits >> 2) + n)
    const order = Array.from({ length: n }, (_, id) => id).sort((a, b) => row[b] - row[a] || a - b)
    for (let i = 0; i < k; i++) {
      i32[(ids >> 2) + i] = order[i]
      f32[(values >> 2) + i] = row[order[i]]
    }
  }

  function absorb_blocks(state: number, bytes: number, blocks: number): void {
    absorbBlocks(u32.subarray(state >> 2, (state >> 2) + CHECKSUM_WORDS), u8, bytes, blocks)
  }

  const dot_four = (x: number, w: number): number => (4 * x * w) | 0

  return { rms_norm, silu_mul, add, top_k, absorb_blocks, dot_four }
}
