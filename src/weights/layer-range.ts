// A layer range is the part of a model that one stage runs.

import type { ModelSpec } from '../models/spec.ts'
import type { TableRows } from './table.ts'

/**
 * Layers [from, to), and whether the embedding comes before them and the final norm and head behind. With both ends and layers from
 * the first on it is the hub of a chain: other stages run the layers between `to` and its head. With both ends behind the last layer,
 * or one of them without layers, it may have some `rows` of the table alone.
 */
export type LayerRange = { from: number; to: number; embedding: boolean; head: boolean; rows?: TableRows }

/** A table is cut at multiples of so many rows, so that tensors stay aligned. */
export const ROWS_UNIT = 64

/** The whole model. */
export function wholeRange({ layers }: Pick<ModelSpec, 'layers'>): LayerRange {
  return { from: 0, to: layers, embedding: true, head: true }
}

/** Whether the range is all of the model. */
export function isWhole(
  { layers }: Pick<ModelSpec, 'layers'>,
  { from, to, embedding, head }: LayerRange,
): boolean {
  return embedding && head && from === 0 && to === layers
}

/** Whether the range has the table, or rows of it, for embedding and head alone. */
export function isTable({ layers }: Pick<ModelSpec, 'layers'>, range: LayerRange): boolean {
  const { from, to, embedding, head } = range
  return from === to && ((from === layers && head) || (from === 0 && embedding))
}

/** Whether the range has both ends of the model and not all that lies between. */
export function isHub(
  { layers }: Pick<ModelSpec, 'layers'>,
  { from, to, embedding, head }: LayerRange,
): boolean {
  return embedding && head && from === 0 && to < layers
}

/** The rows of the table that a range has, if it has any. */
export function tableRows({ vocab }: Pick<ModelSpec, 'vocab'>, { rows }: LayerRange): TableRows {
  return rows ?? { first: 0, end: vocab }
}

/** Throws RangeError where `range` is none of the model. */
export function checkRange(spec: Pick<ModelSpec, 'layers' | 'vocab'>, range: LayerRange): void {
  const { layers, vocab } = spec
  const { from, to, embedding, head, rows } = range
  const what = `layers [${from}, ${to}) of ${layers}`
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to > layers || from > to)
    throw new RangeError(`${what} are no range`)
  if (embedding && from > 0 && !(from === layers && head))
    throw new RangeError(`${what}: the embedding comes before layer 0, or with the head behind the last`)
  if (head && to < layers && !isHub(spec, range))
    throw new RangeError(`${what}: the head comes behind the last layer, or with the embedding`)
  if (from === to && !embedding && !head)
    throw new RangeError(`${what}, without embedding and head, are nothing`)
  if (rows === undefined) return
  const { first, end } = rows
  if (!isTable(spec, range)) throw new RangeError(`${what}: rows of a table come without layers`)
  if (
    first % ROWS_UNIT !== 0 ||
    (end % ROWS_UNIT !== 0 && end !== vocab) ||
    first < 0 ||
    first >= end ||
    end > vocab
  )
    throw new RangeError(`rows [${first}, ${end}) of ${vocab} are not whole groups of ${ROWS_UNIT}`)
}
