// The loader plans linear memory, makes it once, and streams the weights of a packed model into it.

import { pagesForWindow, type WindowOptions } from '../cache/window.ts'
import { ArenaPlan } from '../kernels/arena.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { fastestKernels } from '../kernels/choose.ts'
import type { KernelModules } from '../kernels/wasm.ts'
import { IsletError } from '../lib/errors.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { Manifest } from '../weights/manifest.ts'
import type { ByteSource } from '../weights/source.ts'
import { CHECKSUM_SCRATCH } from '../weights/placed-checksum.ts'
import { streamWeights, weightBytes } from '../weights/stream.ts'
import { kvLayerBytes, layOutScratch, servedKv, type KvKind, type StepBuffers } from './buffers.ts'
import { Graph } from './forward.ts'
import type { ModelTensors } from './graph-parts.ts'
import type { LayerTensors } from './layer.ts'
import type { Matrix } from './linear.ts'
import { viewsOf, type Views } from './views.ts'

export type LoadOptions = {
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
  /** The compiled builds, of which the fastest is taken; or a way to instantiate the kernels. */
  kernels: KernelModules | ((memory: WebAssembly.Memory) => Kernels)
  onProgress?: (done: number, total: number) => void
}

/** Where everything lies, before any memory exists. */
export type MemoryLayout = {
  weights: number
  weightBytes: number
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

/** Plans linear memory: weights, KV pool, scratch of a step. */
export function planMemory(
  spec: ModelSpec,
  weights: number,
  options: Omit<LoadOptions, 'kernels'>,
): MemoryLayout {
  const { window, chunk, logitRows = 1, kv = servedKv(spec) } = options
  if (chunk % 4 !== 0) throw new RangeError(`chunk ${chunk} is not a multiple of 4`)
  if (logitRows !== 1 && logitRows % 4 !== 0)
    throw new RangeError(`logitRows ${logitRows} is neither 1 nor a multiple of 4`)
  const views = viewsOf(spec, window)
  const bounded = views.widest.window !== undefined
  const maxPositions = bounded ? Infinity : (options.maxPositions ?? spec.context)
  // A prefix that sees itself both ways is one step.
  const rows = spec.prefix === undefined ? chunk : Math.max(chunk, 4 * Math.ceil(maxPositions / 4))
  const perSequence = pagesPerSequence(views.widest, rows, maxPositions)
  const arena = new ArenaPlan()
  const pageBytes = kvLayerBytes(spec, kv) * spec.layers
  const pageCount = options.pages ?? perSequence
  const layout = {
    weights: arena.reserve(weights),
    weightBytes: weights,
    checksum: arena.reserve(CHECKSUM_SCRATCH),
    pool: arena.reserve(pageBytes * pageCount),
    pageBytes,
    pageCount,
    rows,
    views,
    buffers: layOutScratch(arena, spec, views, {
      rows,
      logitRows,
      slots: (perSequence + 1) * PAGE_POSITIONS,
      pageBytes,
    }),
  }
  return { ...layout, totalBytes: arena.bytes, arena }
}

/** Loads a packed model. Throws out_of_memory or checksum_mismatch. */
export async function loadModel(
  manifest: Manifest,
  source: ByteSource,
  options: LoadOptions,
): Promise<Graph> {
  const { spec } = manifest
  const { logitRows = 1, kv = servedKv(spec) } = options
  const layout = planMemory(spec, weightBytes(manifest), options)
  const memory = layout.arena.allocate()
  const kernels =
    typeof options.kernels === 'function' ? options.kernels(memory) : fastestKernels(options.kernels, memory)
  const graph = new Graph({
    spec,
    views: layout.views,
    kv,
    kernels,
    memory,
    tensors: tensorsOf(manifest, layout.weights),
    buffers: layout.buffers,
    pool: { at: layout.pool, pageCount: layout.pageCount },
    checksum: layout.checksum,
    maxRows: layout.rows,
    maxLogitRows: logitRows,
  })
  const place = { memory, kernels, weights: layout.weights, scratch: layout.checksum }
  try {
    graph.warmUp()
    await streamWeights(manifest, source, place, options.onProgress)
  } catch (error) {
    graph.release()
    throw error
  }
  return graph
}

function tensorsOf(manifest: Manifest, base: number): ModelTensors {
  const byName = new Map(manifest.tensors.map((tensor) => [tensor.name, tensor]))
  const tensor = (name: string): Matrix => {
    const entry = byName.get(name)
    if (entry === undefined)
      throw new IsletError('invalid_file', `the packed model has no tensor ${name}: pack it again`)
    return { at: base + entry.offset, kind: entry.kind, rows: entry.rows, cols: entry.cols }
  }
  // Names are `layers.N.ROLE`; which roles there are is the spec's business.
  const layers = Array.from({ length: manifest.spec.layers }, (): LayerTensors => ({}))
  for (const { name } of manifest.tensors) {
    const [, index, role] = /^layers\.(\d+)\.(\w+)$/.exec(name) ?? []
    if (role !== undefined) layers[Number(index)][role as keyof LayerTensors] = tensor(name)
  }
  const embedding = tensor('embedding')
  const { head, norm } = manifest.spec
  return {
    embedding,
    layers,
    finalNorm: {
      weight: tensor('final_norm'),
      bias: norm.kind === 'layer' ? tensor('final_norm_bias') : undefined,
    },
    head: head.tied ? embedding : tensor('head'),
    headScale: head.normalised ? tensor('head_scale') : undefined,
  }
}
