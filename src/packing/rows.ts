// This file reads rows of a role's tensor out of a checkpoint by range. They lie there as they are needed, or
// as a part of a larger tensor, or in another order within each head.

import { dequantize } from '../formats/blocks.ts'
import { storedRowBytes } from '../formats/dtype.ts'
import { IsletError } from '../lib/errors.ts'
import { TILE_ROWS } from '../kernels/layout.ts'
import type { RowOrder } from '../models/family.ts'
import type { SourceTensor } from './source.ts'

/** Source bytes read at once, about. */
const BATCH_BYTES = 1 << 20

/**
 * The least length of a row of the head, so that a row of zeros stays one (torch.nn.functional.normalize).
 */
const LEAST_LENGTH = 1e-12

/** How many rows to read at once: whole tiles, and whole heads where their rows move. */
export function batchRows({ type, cols, order }: SourceTensor): number {
  const step = order === undefined || isSlice(order) ? TILE_ROWS : leastMultiple(order.run, TILE_ROWS)
  return Math.max(1, Math.floor(BATCH_BYTES / (storedRowBytes(type, cols) * step))) * step
}

/**
 * Rows [first, first + count) of a matrix as stored, without a gap; whole runs where they are not a plain
 * slice.
 */
export async function readRows(tensor: SourceTensor, first: number, count: number): Promise<Uint8Array> {
  const { order, file, offset, type, cols } = tensor
  const length = storedRowBytes(type, cols)
  const stored = (row: number, rows: number): Promise<Uint8Array> =>
    file.read(offset + row * length, rows * length)
  if (order === undefined) return stored(first, count)
  if (isSlice(order)) return stored(order.first + first, count)
  const out = new Uint8Array(count * length)
  for (let row = 0; row < count; row += order.run) {
    const run = (first + row) / order.run
    const bytes = await stored(order.first + run * order.stride, order.run)
    for (let i = 0; i < order.run; i++) {
      const from = (order.order?.[i] ?? i) * length
      out.set(bytes.subarray(from, from + length), (row + i) * length)
    }
  }
  return out
}

/**
 * A whole vector as f32: its part of the stored one, plus 1 where that is meant, or computed from the rows of
 * a matrix.
 */
export async function readVector(tensor: SourceTensor, hidden: number): Promise<Float32Array> {
  const { file, offset, type, cols, order, compute } = tensor
  if (compute === 'row-lengths') return inverseLengths(tensor, hidden)
  const stored = new Float32Array(order?.of ?? cols)
  dequantize(type, await file.read(offset, storedRowBytes(type, stored.length)), stored)
  return Float32Array.from({ length: cols }, (_, i) => {
    const value = stored[order === undefined ? i : storedRow(order, i)]
    return compute === 'plus-one' ? value + 1 : value
  })
}

/** 1 / the Euclidean length of each of the `cols` rows of a stored matrix. */
async function inverseLengths(
  { file, offset, type, cols }: SourceTensor,
  hidden: number,
): Promise<Float32Array> {
  const out = new Float32Array(cols)
  const length = storedRowBytes(type, hidden)
  const batch = Math.max(1, Math.floor(BATCH_BYTES / length))
  for (let first = 0; first < cols; first += batch) {
    const count = Math.min(batch, cols - first)
    const values = new Float32Array(count * hidden)
    dequantize(type, await file.read(offset + first * length, count * length), values)
    for (let row = 0; row < count; row++) {
      let squares = 0
      for (let i = row * hidden; i < (row + 1) * hidden; i++) squares += values[i] * values[i]
      if (!Number.isFinite(squares)) {
        throw new IsletError('invalid_file', `row ${first + row} of the head is not finite`)
      }
      out[first + row] = 1 / Math.max(Math.sqrt(squares), LEAST_LENGTH)
    }
  }
  return out
}

function storedRow({ first, run, stride, order }: RowOrder, row: number): number {
  const within = row % run
  return first + Math.floor(row / run) * stride + (order?.[within] ?? within)
}

function isSlice({ run, stride, order }: RowOrder): boolean {
  return order === undefined && run === stride
}

/** The least common multiple. */
function leastMultiple(a: number, b: number): number {
  let multiple = a
  while (multiple % b !== 0) multiple += a
  return multiple
}
