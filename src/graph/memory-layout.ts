// The memory layout gives weights, KV pool and the scratch of a step their places in linear memory.

import { pagesForWindow, type WindowOptions } from '../cache/window.ts'
import { ArenaPlan } from '../kernels/arena.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { ModelSpec } from '../models/spec.ts'
import { CHECKSUM_SCRATCH } from '../weights/placed-checksum.ts'
import { checkRange, wholeRange, type LayerRange } from '../weights/layer-range.ts'
import { kvLayerBytes, layOutScratch, servedKv, type KvKind, type StepBuffers } from './buffers.ts'
import { viewsOf, type Views } from './views.ts'

/** What the layout depends on besides the spec and the bytes of the weights. */
export type MemoryOptions = {
  window: WindowOptions
  /** Rows of a step, a multiple of 4. */
  chunk: number
  /** Rows of a step that may ask for logits: 1, or a multiple of 4. */
  logitRows?: number
  /** Default: what the family is served with. */
  kv?: KvKind
  /** Most positions a sequence may have; matters for full attention alone. Default: the trained context. */
  maxPositions?: number
  /** Pages of the KV pool; default: what one sequence needs at most. */
  pages?: number
  /** The layers that run here, and the ends of the model that they come with. Default: all. */
  range?: LayerRange
}

/** Where everything lies, before any memory exists. */
export type MemoryLayout = {
  weights: number
  weightBytes: number
  /** CHECKSUM_SCRATCH bytes of the shard that comes, and as many of pages: some are restored while weights come. */
  shardChecksum: number
  checksum: number
  pool: number
  pageBytes: number
  pageCount: number
  /** Rows of a step. */
  rows: number
  views: Views
  buffers: StepBuffers
  totalBytes: number
  arena: ArenaPlan
}

/** Pages one sequence needs at most under `window`, with chunks of `chunk` rows. */
export function pagesPerSequence(window: WindowOptions, chunk: number, maxPositions: number): number {
  const all = Math.ceil(maxPositions / PAGE_POSITIONS) + 1
  return window.window === undefined ? all : Math.min(all, pagesForWindow(window, chunk))
}

/**
 * Plans linear memory: the `weights` bytes of the range, KV of its layers, scratch of a step. Pages and rows
 * are as many for every range of a model. Throws RangeError.
 */
export function planMemory(spec: ModelSpec, weights: number, options: MemoryOptions): MemoryLayout {
  const { window, chunk, logitRows = 1, kv = servedKv(spec), range = wholeRange(spec) } = options
  checkRange(spec, range)
  if (chunk % 4 !== 0) throw new RangeError(`chunk ${chunk} is not a multiple of 4`)
  if (logitRows !== 1 && logitRows % 4 !== 0)
    throw new RangeError(`logitRows ${logitRows} is neither 1 nor a multiple of 4`)
  const views = viewsOf(spec, window, range)
  const bounded = views.widest.window !== undefined
  const maxPositions = bounded ? Infinity : (options.maxPositions ?? spec.context)
  // A prefix that sees itself both ways is one step.
  const rows = spec.prefix === undefined ? chunk : Math.max(chunk, 4 * Math.ceil(maxPositions / 4))
  const perSequence = pagesPerSequence(views.widest, rows, maxPositions)
  const arena = new ArenaPlan()
  const pageBytes = kvLayerBytes(spec, kv) * (range.to - range.from)
  const pageCount = options.pages ?? perSequence
  const layout = {
    weights: arena.reserve(weights),
    weightBytes: weights,
    shardChecksum: arena.reserve(CHECKSUM_SCRATCH),
    checksum: arena.reserve(CHECKSUM_SCRATCH),
    pool: arena.reserve(pageBytes * pageCount),
    pageBytes,
    pageCount,
    rows,
    views,
    buffers: layOutScratch(arena, spec, views, range, {
      rows,
      logitRows,
      slots: (perSequence + 1) * PAGE_POSITIONS,
      pageBytes,
    }),
  }
  return { ...layout, totalBytes: arena.bytes, arena }
}
