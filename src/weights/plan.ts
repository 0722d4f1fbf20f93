// The plan of weights gives each tensor of a packed model its place in the stream.

import { tensorBytes } from '../kernels/layout.ts'
import type { StoredKind } from '../kernels/layout.ts'
import type { TensorEntry } from './manifest.ts'

/** Tensors start at multiples of this, so that every view and vector load on them is aligned. */
export const TENSOR_ALIGNMENT = 64

/** A shard is a slice of the stream; static assets end at 25 MiB. */
export const SHARD_BYTES = 24 * 1024 * 1024

export type PlannedTensor = { name: string; kind: StoredKind; rows: number; cols: number; source: string }

/** Offsets for the tensors in their order, and the length of the whole stream in bytes. */
export function planTensors(tensors: readonly PlannedTensor[]): { entries: TensorEntry[]; bytes: number } {
  let end = 0
  const entries = tensors.map(({ name, kind, rows, cols, source }) => {
    const offset = align(end)
    const length = tensorBytes(kind, rows, cols)
    end = offset + length
    return { name, kind, rows, cols, offset, length, source }
  })
  return { entries, bytes: end }
}

function align(offset: number): number {
  return Math.ceil(offset / TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT
}
