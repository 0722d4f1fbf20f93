// Packing streams a checkpoint's tensors into the weights, row group by row group. No more than some rows are
// held at a time.

import { IsletError } from '../lib/errors.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { TensorEntry } from '../weights/manifest.ts'
import { planTensors } from '../weights/plan.ts'
import { encodeRows } from './encode.ts'
import { type Embedding, packedKind, type Quant } from './policy.ts'
import type { Rounding } from './quantise.ts'
import { batchRows, readRows, readVector } from './rows.ts'
import { isFloatSource, type ModelSource, type SourceTensor } from './source.ts'

export type PackOptions = {
  /** How the layers are stored; default `keep`. */
  quant?: Quant
  /** How token embedding and head are stored; default `auto`. */
  embedding?: Embedding
  /** How 4- and 6-bit blocks are rounded; default `search`. */
  rounding?: Rounding
  /** The model's id; default: the source's name. */
  id?: string
  /** Bytes of the stream written so far and in all. */
  onProgress?: (done: number, total: number) => void
}

/** Takes the stream in order, in pieces of any size; a promise holds the next piece back. */
export type Sink = (piece: Uint8Array) => void | Promise<void>

/** The tensors of the packed model and the length of their stream, without reading any weights. */
export function planPack(
  source: ModelSource,
  options: PackOptions,
): { entries: TensorEntry[]; bytes: number } {
  const { quant = 'keep', embedding = 'auto' } = options
  return planTensors(
    source.tensors.map((tensor) => ({
      name: tensor.role,
      kind: packedKind(tensor, quant, embedding),
      rows: tensor.rows,
      cols: tensor.cols,
      source: tensor.type,
    })),
  )
}

/**
 * True when nothing was quantised, neither in the checkpoint nor by packing: KV in f32 is then worth its
 * price.
 */
export function isFloatPack(source: ModelSource, entries: readonly TensorEntry[]): boolean {
  return isFloatSource(source) && entries.every((entry) => entry.kind === 'f32')
}

/** Writes all tensors into `sink` in order, with zeros up to each one's offset. */
export async function packInto(
  source: ModelSource,
  options: PackOptions,
  sink: Sink,
): Promise<TensorEntry[]> {
  const { entries, bytes } = planPack(source, options)
  let written = 0
  for (const [index, entry] of entries.entries()) {
    if (entry.offset > written) await sink(new Uint8Array(entry.offset - written))
    written = entry.offset
    for await (const piece of encodedPieces(source.tensors[index], entry, source.spec, options.rounding)) {
      await sink(piece)
      written += piece.length
      options.onProgress?.(written, bytes)
    }
    if (written !== entry.offset + entry.length) {
      throw new IsletError(
        'internal_error',
        `${entry.name} took ${written - entry.offset} bytes, ${entry.length} were planned`,
      )
    }
  }
  return entries
}

async function* encodedPieces(
  tensor: SourceTensor,
  entry: TensorEntry,
  spec: ModelSpec,
  rounding: Rounding = 'search',
): AsyncGenerator<Uint8Array> {
  const { type, rows, cols, file } = tensor
  const named = (error: unknown, row: number): unknown =>
    error instanceof IsletError
      ? new IsletError(error.code, `tensor ${tensor.name}, from row ${row}: ${file.name}: ${error.message}`, {
          cause: error,
        })
      : error
  if (tensor.vector) {
    try {
      const values = await readVector(tensor, spec.hidden)
      yield encodeRows('F32', 'f32', new Uint8Array(values.buffer), rows, cols)
    } catch (error) {
      throw named(error, 0)
    }
    return
  }
  const batch = batchRows(tensor)
  for (let first = 0; first < rows; first += batch) {
    const count = Math.min(batch, rows - first)
    try {
      const stored = await readRows(tensor, first, count)
      yield encodeRows(type, entry.kind, stored, count, cols, rounding)
    } catch (error) {
      throw named(error, first)
    }
  }
}
