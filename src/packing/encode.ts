// This file turns rows as stored in a checkpoint into bytes as stored in a packed model.

import { dequantize } from '../formats/blocks.ts'
import type { TensorType } from '../formats/dtype.ts'
import { IsletError } from '../lib/errors.ts'
import type { TensorKind } from '../kernels/layout.ts'
import type { CodeKind, Codes } from './codes.ts'
import type { ColumnWeights } from './fit.ts'
import { narrowConstants, recode } from './narrow.ts'
import { quantiseBlocks, quantiseQ8, type Rounding } from './quantise.ts'
import { repackRows } from './repack.ts'
import { tileBytes } from './tiles.ts'

/**
 * `rows` whole rows of `cols` values as bytes of `kind`. All but a tensor's last call must bring a multiple
 * of 16 rows. `weights` are of its columns, for blocks that are searched. `invalid_file` for values that are not finite.
 */
export function encodeRows(
  type: TensorType,
  kind: TensorKind,
  bytes: Uint8Array,
  rows: number,
  cols: number,
  rounding: Rounding = 'search',
  weights?: ColumnWeights,
): Uint8Array {
  if (kind === 'f32') {
    const values = floats(type, bytes, rows * cols)
    return new Uint8Array(values.buffer)
  }
  const codeKind = kind === 'q4n' ? 'q4m' : kind
  const kept = repackRows(type, codeKind, bytes, rows, cols)
  if (kept !== undefined) return stored(kind, kept, cols, weights)
  const values = floats(type, bytes, rows * cols)
  return stored(kind, quantise(codeKind, values, rows, cols, rounding, weights), cols, weights, values)
}

/** Codes as `kind` stores them. Where that narrows their constants, those of `values` are taken anew; a file's are kept. */
function stored(
  kind: TensorKind,
  codes: Codes,
  cols: number,
  weights?: ColumnWeights,
  values?: Float32Array,
): Uint8Array {
  if (kind !== 'q4n' && kind !== 'q6') return tileBytes(codes)
  const narrow = narrowConstants(kind, codes, cols, weights)
  if (values !== undefined) recode(kind, codes, narrow, values, cols)
  return tileBytes(codes, narrow)
}

function quantise(
  kind: CodeKind,
  values: Float32Array,
  rows: number,
  cols: number,
  rounding: Rounding,
  weights: ColumnWeights | undefined,
): Codes {
  if (kind === 'q8') return quantiseQ8(values, rows, cols)
  return quantiseBlocks(kind, values, rows, cols, rounding, weights)
}

function floats(type: TensorType, bytes: Uint8Array, count: number): Float32Array {
  const values = new Float32Array(count)
  dequantize(type, bytes, values)
  for (let i = 0; i < count; i++) {
    // A difference with itself is 0 for finite values alone.
    if (values[i] - values[i] !== 0)
      throw new IsletError('invalid_file', `value ${i} of these rows is not finite`)
  }
  return values
}
