// A layer range is the part of a model that one stage runs; this file cuts its weights out of the whole.

import type { ModelSpec } from '../models/spec.ts'
import type { Manifest, TensorEntry } from './manifest.ts'
import { weightBytes, type KeptShard, type Span } from './stream.ts'
import { isPart } from './table.ts'

/** Layers [from, to), and whether the embedding comes before them and the final norm and head behind. */
export type LayerRange = { from: number; to: number; embedding: boolean; head: boolean }

/** The tensors of a range by their offsets from its own first byte, and the shards that they lie in. */
export type RangeWeights = { tensors: TensorEntry[]; shards: KeptShard[] }

/** The whole model. */
export function wholeRange({ layers }: Pick<ModelSpec, 'layers'>): LayerRange {
  return { from: 0, to: layers, embedding: true, head: true }
}

/** Throws RangeError where `range` is none of the model. */
export function checkRange({ layers }: Pick<ModelSpec, 'layers'>, range: LayerRange): void {
  const { from, to, embedding, head } = range
  const what = `layers [${from}, ${to}) of ${layers}`
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to > layers || from > to)
    throw new RangeError(`${what} are no range`)
  if (embedding && from > 0) throw new RangeError(`${what}: the embedding comes before layer 0 alone`)
  if (head && to < layers) throw new RangeError(`${what}: the head comes behind the last layer alone`)
  if (from === to && !embedding && !head)
    throw new RangeError(`${what}, without embedding and head, are nothing`)
}

/**
 * The weights of a range. A tensor keeps the bytes up to the next one, so that all stay aligned and
 * neighbours stay neighbours; disjoint ranges have together as many bytes as the whole. A tied head needs the
 * embedding. Throws RangeError.
 */
export function rangeOf(
  manifest: Pick<Manifest, 'spec' | 'tensors' | 'shards'>,
  range: LayerRange,
): RangeWeights {
  const { spec, tensors, shards } = manifest
  checkRange(spec, range)
  const end = weightBytes(manifest)
  const spans: Span[] = []
  let bytes = 0
  const kept = tensors.flatMap((tensor, i) => {
    if (!belongs(tensor.name, spec, range)) return []
    const span = { from: tensor.offset, to: i + 1 < tensors.length ? tensors[i + 1].offset : end }
    const last = spans.at(-1)
    if (last?.to === span.from) last.to = span.to
    else spans.push(span)
    const entry = { ...tensor, offset: bytes }
    bytes += span.to - span.from
    return [entry]
  })
  let next = 0
  const touched = shards.flatMap((shard): KeptShard[] => {
    const start = next
    next += shard.length
    const parts = spans
      .filter(({ from, to }) => from < start + shard.length && to > start)
      .map(({ from, to }) => ({ from: Math.max(from - start, 0), to: Math.min(to - start, shard.length) }))
    if (parts.length === 0) return []
    const isWhole = parts[0].to - parts[0].from === shard.length
    return [isWhole ? shard : { ...shard, kept: parts }]
  })
  return { tensors: kept, shards: touched }
}

function belongs(name: string, { head: { tied } }: ModelSpec, range: LayerRange): boolean {
  const layer = /^layers\.(\d+)\./.exec(name)?.[1]
  if (layer !== undefined) return Number(layer) >= range.from && Number(layer) < range.to
  if (isPart(name, 'embedding')) return range.embedding || (range.head && tied)
  return range.head
}
