// A checkpoint into the stream of weights, row group by row group: never more than some rows are held.

import { rowBytes } from '../formats/dtype.ts'
import { IsletError } from '../lib/errors.ts'
import { TILE_ROWS } from '../kernels/layout.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { TensorEntry } from '../weights/manifest.ts'
import { planTensors } from '../weights/plan.ts'
import { encodeRows, neighboursToHalves } from './encode.ts'
import { type Embedding, kindOf, type Quant } from './policy.ts'
import type { Rounding } from './quantise.ts'
import { isFloatSource, type ModelSource, readRows, type SourceTensor } from './source.ts'

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

/** Source bytes read at once, about. */
const BATCH_BYTES = 1 << 20

/** The tensors of the packed model and the length of their stream, without reading any weights. */
export function planPack(
  source: ModelSource,
  options: PackOptions,
): { entries: TensorEntry[]; bytes: number } {
  const { quant = 'keep', embedding = 'auto' } = options
  return planTensors(
    source.tensors.map((tensor) => ({
      name: tensor.role,
      kind: kindOf(tensor, quant, embedding),
      rows: tensor.rows,
      cols: tensor.cols,
      source: tensor.type,
    })),
  )
}

/** True when nothing was quantised, neither in the checkpoint nor by packing: KV in f32 is then worth its price. */
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
  const { type, rows, cols } = tensor
  const permuted = tensor.pairs === 'neighbours'
  const step = permuted ? leastMultiple(spec.headDim, TILE_ROWS) : TILE_ROWS
  const batch = Math.max(1, Math.floor(BATCH_BYTES / (rowBytes(type, cols) * step))) * step
  for (let first = 0; first < rows; first += batch) {
    const count = Math.min(batch, rows - first)
    const stored = await readRows(tensor, first, count)
    const ordered = permuted ? neighboursToHalves(type, stored, cols, spec.headDim) : stored
    try {
      yield encodeRows(type, entry.kind, ordered, count, cols, rounding)
    } catch (error) {
      if (!(error instanceof IsletError)) throw error
      throw new IsletError(error.code, `tensor ${tensor.name}, from row ${first}: ${error.message}`, {
        cause: error,
      })
    }
  }
}

/** The least common multiple. */
function leastMultiple(a: number, b: number): number {
  let multiple = a
  while (multiple % b !== 0) multiple += a
  return multiple
}
