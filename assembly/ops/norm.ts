// These kernels normalise a row: RMSNorm (arXiv 1910.07467) and LayerNorm (arXiv 1607.06450). RMSNorm: out =
// x / sqrt(mean(x^2) + eps) * weight. LayerNorm: out = (x - mean) / sqrt(var + eps) * weight + bias. x may be
// out.

import { sum_f32x4 } from '../simd/lanes'

/** x, weight, out: (n) f32. Four lanes of squares, joined (0 + 1) + (2 + 3), then the last n % 4 in order. */
export function rms_norm(out: usize, x: usize, weight: usize, n: i32, eps: f32): void {
  let acc = f32x4.splat(0)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(x + ((<usize>i) << 2))
    acc = f32x4.add(acc, f32x4.mul(v, v))
  }
  let sum = sum_f32x4(acc)
  for (; i < n; i++) {
    const v = load<f32>(x + ((<usize>i) << 2))
    sum += v * v
  }
  const inverse: f32 = <f32>1 / sqrt<f32>(sum / <f32>n + eps)
  const scale = f32x4.splat(inverse)
  for (i = 0; i + 4 <= n; i += 4) {
    const at = (<usize>i) << 2
    v128.store(out + at, f32x4.mul(f32x4.mul(v128.load(x + at), scale), v128.load(weight + at)))
  }
  for (; i < n; i++) {
    const at = (<usize>i) << 2
    store<f32>(out + at, load<f32>(x + at) * inverse * load<f32>(weight + at))
  }
}

/**
 * x, weight, bias, out: (n) f32. Mean, then the mean square around it, each by four lanes, joined (0 + 1) +
 * (2 + 3), then the last n % 4.
 */
export function layer_norm(out: usize, x: usize, weight: usize, bias: usize, n: i32, eps: f32): void {
  const whole = n & ~3
  let acc = f32x4.splat(0)
  for (let i = 0; i < whole; i += 4) acc = f32x4.add(acc, v128.load(x + ((<usize>i) << 2)))
  let sum = sum_f32x4(acc)
  for (let i = whole; i < n; i++) sum += load<f32>(x + ((<usize>i) << 2))
  const mean: f32 = sum / <f32>n
  const means = f32x4.splat(mean)
  acc = f32x4.splat(0)
  for (let i = 0; i < whole; i += 4) {
    const v = f32x4.sub(v128.load(x + ((<usize>i) << 2)), means)
    acc = f32x4.add(acc, f32x4.mul(v, v))
  }
  sum = sum_f32x4(acc)
  for (let i = whole; i < n; i++) {
    const v: f32 = load<f32>(x + ((<usize>i) << 2)) - mean
    sum += v * v
  }
  const inverse: f32 = <f32>1 / sqrt<f32>(sum / <f32>n + eps)
  const scale = f32x4.splat(inverse)
  for (let i = 0; i < whole; i += 4) {
    const at = (<usize>i) << 2
    const v = f32x4.mul(f32x4.sub(v128.load(x + at), means), scale)
    v128.store(out + at, f32x4.add(f32x4.mul(v, v128.load(weight + at)), v128.load(bias + at)))
  }
  for (let i = whole; i < n; i++) {
    const at = (<usize>i) << 2
    store<f32>(out + at, (load<f32>(x + at) - mean) * inverse * load<f32>(weight + at) + load<f32>(bias + at))
  }
}
