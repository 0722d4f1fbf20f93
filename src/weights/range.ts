// Range weights are what the weights of a whole model have of one layer range.

import { tensorBytes } from '../kernels/layout.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { Manifest, TensorEntry } from './manifest.ts'
import { weightBytes, type KeptShard, type Span } from './stream.ts'
import { checkRange, type LayerRange } from './layer-range.ts'
import { isPart, isRefined, partName, partsOf, type TableRows } from './table.ts'

/** The tensors of a range by their offsets from its own first byte, and the shards that they lie in. */
export type RangeWeights = { tensors: TensorEntry[]; shards: KeptShard[] }

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
  const kept = tensors.flatMap((whole, i) => {
    if (!belongs(whole.name, spec, range)) return []
    const next = i + 1 < tensors.length ? tensors[i + 1].offset : end
    const tensor = range.rows === undefined ? whole : rowsOf(whole, tensors, spec, range.rows)
    if (tensor === undefined) return []
    const isShorter = tensor.offset + tensor.length < whole.offset + whole.length
    const span = { from: tensor.offset, to: isShorter ? tensor.offset + tensor.length : next }
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

/** What of a tensor is of these rows of the table; undefined for nothing. */
function rowsOf(
  tensor: TensorEntry,
  tensors: readonly TensorEntry[],
  { vocab, head }: ModelSpec,
  { first, end }: TableRows,
): TensorEntry | undefined {
  const { name, kind, offset } = tensor
  if (name === 'head_scale' || name === 'head_offset') {
    const size = tensor.length / vocab
    return { ...tensor, cols: end - first, offset: offset + first * size, length: (end - first) * size }
  }
  const role = ['embedding', 'head'].find((role) => isPart(name, role))
  if (role === undefined) return tensor
  const parts = partsOf(tensors, role)
  const at = parts.slice(0, parts.indexOf(tensor)).reduce((sum, { rows }) => sum + rows, 0)
  const [from, to] = [Math.max(first, at), Math.min(end, at + tensor.rows)]
  if (from >= to) return undefined
  const bytesOf = (rows: number): number => tensorBytes(kind, rows, tensor.cols)
  return {
    ...tensor,
    name: partName(role, from),
    rows: to - from,
    offset: offset + bytesOf(from - at),
    length: bytesOf(to - from),
    refined: isRefined(tensor, parts) && (role === 'head' || head.tied),
  }
}

function belongs(name: string, { head: { tied } }: ModelSpec, range: LayerRange): boolean {
  const layer = /^layers\.(\d+)\./.exec(name)?.[1]
  if (layer !== undefined) return Number(layer) >= range.from && Number(layer) < range.to
  if (isPart(name, 'embedding')) return range.embedding || (range.head && tied)
  return range.head
}
