// This file makes the vectors of centres: what is subtracted, and the product of matrices with that.

import { dequantize } from '../formats/blocks.ts'
import type { Calibration, CentreTensor } from './calibration.ts'
import { finiteHalf } from './quantise.ts'
import { batchRows, readRows, readVector } from './rows.ts'
import type { SourceTensor } from './source.ts'

/** The bytes of one such vector. Sums are float64 in order of columns: the same on every host. */
export async function* centrePieces(
  { cols, kind, input, beyond = '', matrices }: CentreTensor,
  tensors: readonly SourceTensor[],
  calibration: Calibration,
): AsyncGenerator<Uint8Array> {
  const centre = calibration.get(input)?.mean ?? new Float32Array(0)
  const other = calibration.get(beyond)?.mean
  const out =
    matrices.length === 0 ? centre.map((value, i) => (other?.[i] ?? 0) - value) : new Float32Array(cols)
  for (const { role, bias, at } of matrices) {
    const matrix = tensors.find((tensor) => tensor.role === role)
    if (matrix === undefined) throw new Error(`the checkpoint has no ${role}`)
    const vector = tensors.find((tensor) => tensor.role === bias)
    if (vector !== undefined) out.set(await readVector(vector, centre.length), at)
    const batch = batchRows(matrix)
    for (let first = 0; first < matrix.rows; first += batch) {
      const count = Math.min(batch, matrix.rows - first)
      const values = new Float32Array(count * matrix.cols)
      dequantize(matrix.type, await readRows(matrix, first, count), values)
      for (let row = 0; row < count; row++) out[at + first + row] += dot(values, row * matrix.cols, centre)
    }
  }
  yield new Uint8Array((kind === 'f32' ? out : Uint16Array.from(out, finiteHalf)).buffer)
}

function dot(values: Float32Array, start: number, centre: Float32Array): number {
  let sum = 0
  for (let i = 0; i < centre.length; i++) sum += values[start + i] * centre[i]
  return sum
}
