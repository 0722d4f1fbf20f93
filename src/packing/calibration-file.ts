// A calibration file keeps a known model's calibration, so that its first start need not compute it.

import { f16ToF32, f32ToF16 } from '../formats/f16.ts'
import { IsletError } from '../lib/errors.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { Calibration, InputStatistics } from './calibration.ts'

/** An input of the file and its columns; of `means` no variances are kept. */
type Part = { input: string; cols: number; means: boolean }

/** Inputs in the order of the file: those that are centred, and what the table's columns weigh. */
function partsOf({ layers, hidden, kvHeads, headDim }: ModelSpec): Part[] {
  const ofLayers = Array.from({ length: layers }, (_, layer): Part[] => [
    { input: `layers.${layer}.attn`, cols: hidden, means: true },
    { input: `layers.${layer}.mlp`, cols: hidden, means: true },
    { input: `layers.${layer}.key`, cols: kvHeads * headDim, means: true },
    { input: `layers.${layer}.first_key`, cols: kvHeads * headDim, means: true },
  ])
  return [...ofLayers.flat(), { input: 'head', cols: hidden, means: false }]
}

/** The bytes of a file: f16, means before variances. */
export function writeCalibration(calibration: Calibration, spec: ModelSpec): Uint8Array {
  const halves = partsOf(spec).flatMap(({ input, means }) => {
    const { mean, variance } = calibration.get(input) ?? { mean: [], variance: [] }
    return [...mean, ...(means ? [] : variance)].map(f32ToF16)
  })
  const view = new DataView(new ArrayBuffer(halves.length * 2))
  halves.forEach((half, i) => view.setUint16(2 * i, half, true))
  return new Uint8Array(view.buffer)
}

/** What a file keeps; variances that it lacks are zeros. `invalid_file` where it is not of a model of this spec. */
export function readCalibration(bytes: Uint8Array, spec: ModelSpec): Calibration {
  const parts = partsOf(spec)
  const count = parts.reduce((sum, { cols, means }) => sum + (means ? cols : 2 * cols), 0)
  if (bytes.length !== 2 * count)
    throw new IsletError(
      'invalid_file',
      `a calibration of ${bytes.length} bytes, this model has one of ${2 * count}`,
    )
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const next = (cols: number): Float32Array =>
    Float32Array.from({ length: cols }, () => f16ToF32(view.getUint16(2 * at++, true)))
  return new Map(
    parts.map(({ input, cols, means }): [string, InputStatistics] => [
      input,
      { mean: next(cols), variance: means ? new Float32Array(cols) : next(cols) },
    ]),
  )
}
