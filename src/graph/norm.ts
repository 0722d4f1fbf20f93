// A norm brings rows of the residual stream to unit scale: RMS or layer norm, by the spec.

import type { Kernels } from '../kernels/kernels.ts'
import type { ModelSpec } from '../models/spec.ts'
import { rowBytes } from './buffers.ts'
import type { Matrix } from './linear.ts'

export type Norm = { weight: Matrix; bias: Matrix | undefined }

/** out = norm(x) for `rows` rows, (rows, padded(hidden)) f32 both; they may be the same. */
export function normRows(
  kernels: Kernels,
  { hidden, norm: { eps } }: ModelSpec,
  { weight, bias }: Norm,
  out: number,
  x: number,
  rows: number,
): void {
  const stride = rowBytes(hidden)
  for (let at = 0; at < rows * stride; at += stride) {
    if (bias === undefined) kernels.rms_norm(out + at, x + at, weight.at, hidden, eps)
    else kernels.layer_norm(out + at, x + at, weight.at, bias.at, hidden, eps)
  }
}
