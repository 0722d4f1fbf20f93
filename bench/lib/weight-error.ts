// Weight error is how far quantised weights lie from their floats; the time of quantising is taken with it.

import { dequantize } from '../../src/formats/blocks.ts'
import { f16ToF32 } from '../../src/formats/f16.ts'
import { BLOCK } from '../../src/kernels/layout.ts'
import { type CodeKind, type Codes, ZERO_CODE } from '../../src/packing/codes.ts'
import { quantiseBlocks, quantiseQ8, type Rounding } from '../../src/packing/quantise.ts'
import { batchRows, readRows } from '../../src/packing/rows.ts'
import type { ModelSource, SourceTensor } from '../../src/packing/source.ts'

/** Rows read at once: some megabytes of any model's. */

export type WeightError = {
  weights: number
  /** Sum of squared differences over the sum of squares. */
  error: number
  /** In quantising alone, on one core. */
  seconds: number
}

/** Quantises the matrices of `source` that `wanted` takes, each as `kind`. Nothing is kept. */
export async function weightError(
  source: ModelSource,
  kind: CodeKind,
  rounding: Rounding,
  wanted: (tensor: SourceTensor) => boolean,
): Promise<WeightError> {
  const sum = { weights: 0, difference: 0, energy: 0, seconds: 0 }
  for (const tensor of source.tensors) {
    if (tensor.vector || !wanted(tensor)) continue
    const batch = batchRows(tensor)
    for (let first = 0; first < tensor.rows; first += batch) {
      const rows = Math.min(batch, tensor.rows - first)
      const values = new Float32Array(rows * tensor.cols)
      dequantize(tensor.type, await readRows(tensor, first, rows), values)
      const began = performance.now()
      const codes =
        kind === 'q8'
          ? quantiseQ8(values, rows, tensor.cols)
          : quantiseBlocks(kind, values, rows, tensor.cols, rounding)
      sum.seconds += (performance.now() - began) / 1000
      addErrors(sum, codes, values, rows, tensor.cols)
    }
  }
  return { weights: sum.weights, error: sum.difference / sum.energy, seconds: sum.seconds }
}

function addErrors(
  sum: { weights: number; difference: number; energy: number },
  { kind, codes, scales, minimums, blocks }: Codes,
  values: Float32Array,
  rows: number,
  cols: number,
): void {
  const zero = minimums.length === 0 ? ZERO_CODE[kind] : 0
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const block = row * blocks + Math.floor(col / BLOCK)
      const code = codes[block * BLOCK + (col % BLOCK)] - zero
      const minimum = minimums.length === 0 ? 0 : f16ToF32(minimums[block])
      const value = values[row * cols + col]
      sum.difference += (f16ToF32(scales[block]) * code + minimum - value) ** 2
      sum.energy += value ** 2
    }
  }
  sum.weights += rows * cols
}
