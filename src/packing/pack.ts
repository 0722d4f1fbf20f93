// Packing streams a checkpoint's tensors into the weights, row group by row group. No more than some rows are
// held at a time.

import type { TensorType } from '../formats/dtype.ts'
import { IsletError } from '../lib/errors.ts'
import type { RoleTensor } from '../models/family.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { TensorEntry } from '../weights/manifest.ts'
import { type PlannedTensor, planTensors } from '../weights/plan.ts'
import { encodeRows } from './encode.ts'
import { type Calibration, centresOf, columnWeights } from './calibration.ts'
import { centrePieces } from './centres.ts'
import { type Embedding, packedParts, type Quant, type TensorPart } from './policy.ts'
import type { ColumnWeights } from './fit.ts'
import type { Rounding } from './quantise.ts'
import { batchRows, readRows, readVector } from './rows.ts'
import { isFloatSource, type ModelSource, type SourceTensor } from './source.ts'

export type PackOptions = {
  /** How the layers are stored; default `auto`. */
  quant?: Quant
  /** How token embedding and head are stored; default `auto`. */
  embedding?: Embedding
  /** How 4- and 6-bit blocks are rounded; default `search`. */
  rounding?: Rounding
  /** Without it searched blocks are fitted by plain squares, and nothing is centred. */
  calibration?: Calibration
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
  return planTensors(writersOf(source, options).map(({ planned }) => planned))
}

/** A tensor as it is planned: one for each range of its rows that are stored alike. */
export function plannedParts(
  tensor: RoleTensor & { type: TensorType },
  quant: Quant,
  embedding: Embedding,
): PlannedTensor[] {
  return packedParts(tensor, quant, embedding).map((part) => plannedPart(tensor, part))
}

function plannedPart(
  { cols, type: source }: Pick<SourceTensor, 'cols' | 'type'>,
  { name, kind, rows }: TensorPart,
): PlannedTensor {
  return { name, kind, rows, cols, source }
}

/** A tensor of the packed model, and how its bytes are made. */
type Writer = { planned: PlannedTensor; pieces: () => AsyncIterable<Uint8Array> }

function writersOf(source: ModelSource, options: PackOptions): Writer[] {
  const { quant = 'auto', embedding = 'auto', rounding = 'search', calibration } = options
  const { spec, tensors } = source
  const centres = (layer: number | undefined): Writer[] => {
    if (calibration === undefined) return []
    return centresOf(spec, calibration, layer, quant === 'f32').map((tensor) => ({
      planned: { name: tensor.role, kind: tensor.kind, rows: 1, cols: tensor.cols, source: 'F32' },
      pieces: () => centrePieces(tensor, tensors, calibration),
    }))
  }
  const layerOf = ({ role }: SourceTensor): string | undefined => /^layers\.(\d+)\./.exec(role)?.[1]
  const writers = tensors.flatMap((tensor, i): Writer[] => {
    const weights = columnWeights(calibration, tensor.role, spec)
    const own = packedParts(tensor, quant, embedding, source.whole !== undefined).map((part): Writer => ({
      planned: plannedPart(tensor, part),
      pieces: () => encodedPieces(tensor, part, spec, rounding, weights),
    }))
    const layer = layerOf(tensor)
    const isLast = layer !== undefined && (i + 1 === tensors.length || layerOf(tensors[i + 1]) !== layer)
    return isLast ? [...own, ...centres(Number(layer))] : own
  })
  return [...writers, ...centres(undefined)]
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
  const writers = writersOf(source, options)
  const { entries, bytes } = planTensors(writers.map(({ planned }) => planned))
  let written = 0
  for (const [index, entry] of entries.entries()) {
    if (entry.offset > written) await sink(new Uint8Array(entry.offset - written))
    written = entry.offset
    for await (const piece of writers[index].pieces()) {
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
  { kind, rows, first: start }: TensorPart,
  spec: ModelSpec,
  rounding: Rounding,
  weights: ColumnWeights | undefined,
): AsyncGenerator<Uint8Array> {
  const { type, cols, file } = tensor
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
      const stored = await readRows(tensor, start + first, count)
      yield encodeRows(type, kind, stored, count, cols, rounding, weights)
    } catch (error) {
      throw named(error, start + first)
    }
  }
}
