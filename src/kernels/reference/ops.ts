// These plain twins do what the kernels of assembly/ops and assembly/probe.ts do.

import type { Kernels } from '../kernels.ts'
import { absorbBlocks, CHECKSUM_WORDS } from '../../lib/checksum.ts'
import { expF32 } from '../../lib/math-f32.ts'
import { f, f16, joinLanes, type MemoryViews } from './memory.ts'

export function opsReference({
  f32,
  u32,
  u16,
  u8,
}: MemoryViews): Pick<
  Kernels,
  | 'absorb_blocks'
  | 'dot_four'
  | 'dot_pair'
  | 'share_one'
  | 'rms_norm'
  | 'layer_norm'
  | 'silu_mul'
  | 'gelu_mul'
  | 'gelu'
  | 'add'
  | 'add_half'
  | 'mul'
  | 'scale'
> {
  /** Four lanes of part(0), part(1), ..., joined, then the last n % 4 in order. */
  function summed(n: number, part: (i: number) => number): number {
    const lanes = new Float32Array(4)
    const whole = n & ~3
    for (let i = 0; i < whole; i++) lanes[i & 3] = lanes[i & 3] + part(i)
    let sum = joinLanes(lanes)
    for (let i = whole; i < n; i++) sum = f(sum + part(i))
    return sum
  }

  function rms_norm(out: number, x: number, weight: number, n: number, eps: number): void {
    const [from, by, to] = [x >> 2, weight >> 2, out >> 2]
    const sum = summed(n, (i) => f(f32[from + i] * f32[from + i]))
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

  function layer_norm(out: number, x: number, weight: number, bias: number, n: number, eps: number): void {
    const [from, by, plus, to] = [x >> 2, weight >> 2, bias >> 2, out >> 2]
    const mean = f(summed(n, (i) => f32[from + i]) / n)
    const around = (i: number): number => f(f32[from + i] - mean)
    const squares = summed(n, (i) => f(around(i) * around(i)))
    const inverse = f(1 / f(Math.sqrt(f(f(squares / n) + f(eps)))))
    for (let i = 0; i < n; i++) f32[to + i] = f(f(f(around(i) * inverse) * f32[by + i]) + f32[plus + i])
  }

  /** x / (1 + exp(x (a x^2 + b))): GELU by tanh. */
  function geluF32(x: number): number {
    const inner = f(f(f(x * x) * f(-0.071354814)) + f(-1.5957691))
    return f(x / f(1 + expF32(f(x * inner))))
  }

  function gelu_mul(out: number, gate: number, up: number, n: number): void {
    for (let i = 0; i < n; i++) f32[(out >> 2) + i] = f(geluF32(f32[(gate >> 2) + i]) * f32[(up >> 2) + i])
  }

  function gelu(out: number, x: number, n: number): void {
    for (let i = 0; i < n; i++) f32[(out >> 2) + i] = geluF32(f32[(x >> 2) + i])
  }

  function mul(x: number, y: number, n: number): void {
    for (let i = 0; i < n; i++) f32[(x >> 2) + i] = f(f32[(x >> 2) + i] * f32[(y >> 2) + i])
  }

  function scale(x: number, n: number, factor: number): void {
    for (let i = 0; i < n; i++) f32[(x >> 2) + i] = f(f32[(x >> 2) + i] * f(factor))
  }

  function add(x: number, y: number, n: number): void {
    for (let i = 0; i < n; i++) f32[(x >> 2) + i] = f(f32[(x >> 2) + i] + f32[(y >> 2) + i])
  }

  function add_half(x: number, y: number, n: number): void {
    for (let i = 0; i < n; i++) f32[(x >> 2) + i] = f(f32[(x >> 2) + i] + f16(u16[(y >> 1) + i]))
  }

  function absorb_blocks(state: number, bytes: number, blocks: number): void {
    absorbBlocks(u32.subarray(state >> 2, (state >> 2) + CHECKSUM_WORDS), u8, bytes, blocks)
  }

  const dot_four = (x: number, w: number): number => (4 * x * w) | 0
  const dot_pair = (x: number, w: number): number => (2 * x * w) | 0
  const share_one = (v: number, fraction: number): number => (v * fraction + 16384) >> 15

  const probes = { dot_four, dot_pair, share_one }
  return {
    rms_norm,
    layer_norm,
    silu_mul,
    gelu_mul,
    gelu,
    add,
    add_half,
    mul,
    scale,
    absorb_blocks,
    ...probes,
  }
}
