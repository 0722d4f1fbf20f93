// The loader makes linear memory once and streams the weights of a packed model into it.

import type { Kernels } from '../kernels/kernels.ts'
import { fastestKernels } from '../kernels/choose.ts'
import type { KernelModules } from '../kernels/wasm.ts'
import { CHECKSUM_BLOCK } from '../lib/checksum.ts'
import { IsletError } from '../lib/errors.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { Manifest, TensorEntry } from '../weights/manifest.ts'
import { wholeRange, type LayerRange } from '../weights/layer-range.ts'
import { rangeOf, type RangeWeights } from '../weights/range.ts'
import type { ByteSource } from '../weights/source.ts'
import { streamWeights, weightBytes, type LoadTarget } from '../weights/stream.ts'
import { isPart, isRefined, partsOf } from '../weights/table.ts'
import { Arrangement } from './arrangement.ts'
import { servedKv } from './buffers.ts'
import type { LayerTensors } from './layer.ts'
import type { Addend, Matrix } from './linear.ts'
import { planMemory, type MemoryOptions } from './memory-layout.ts'
import { Stage } from './stage.ts'
import type { HeadTensors, StageTensors } from './stage-parts.ts'

export type LoadOptions = MemoryOptions & {
  /** The compiled builds, of which the fastest is taken; or a way to instantiate the kernels. */
  kernels: KernelModules | ((memory: WebAssembly.Memory) => Kernels)
  onProgress?: (done: number, total: number) => void
  /**
   * Gets the stage of a whole model before the first of its weights. What it gives is told after each read how many layers from the
   * first on are in place, and the embedding with them: less than before where a shard came damaged and comes once more.
   */
  onArrival?: (stage: Stage) => (layers: number) => void
}

/**
 * Loads a packed model, or the stage of a range of it; of a folder of one stage always that stage. Throws out_of_memory or checksum_mismatch, and
 * RangeError for a range that is none.
 */
export async function loadModel(manifest: Manifest, source: ByteSource, given: LoadOptions): Promise<Stage> {
  const { stage: cut } = manifest
  const options = cut === undefined ? given : { ...given, range: cut.shares[cut.index].range }
  const weights = cut === undefined ? rangeOf(manifest, options.range ?? wholeRange(manifest.spec)) : manifest
  // It comes while memory is made and the kernels warm up.
  const first = source.open(weights.shards[0].file)
  first.catch(() => undefined)
  let stage: Stage | undefined
  try {
    const made = makeStage(manifest, weights, options)
    stage = made.stage
    stage.warmUp()
    const { onProgress, onArrival } = options
    const isWhole = options.range === undefined
    const arrangement = new Arrangement(made.place.kernels, weights.tensors, made.place.weights)
    const reach = isWhole ? onArrival?.(stage) : undefined
    const ends = layerEnds(manifest.spec, weights.tensors)
    const progress = (done: number, total: number): void => {
      onProgress?.(done, total)
      if (!isWhole) return
      const settled = done - CHECKSUM_BLOCK // what comes last may have to be read once more as it is
      arrangement.reach(settled)
      reach?.(ends.filter((end) => end <= settled).length)
    }
    await streamWeights(weights, source, made.place, progress, first)
    arrangement.reach(Infinity)
    return stage
  } catch (error) {
    stage?.release()
    void first.then((unread) => unread.cancel()).catch(() => undefined)
    throw error
  }
}

/** The stage in memory of its own, and where its weights are to come. */
function makeStage(
  { spec }: Manifest,
  weights: RangeWeights,
  options: LoadOptions,
): { stage: Stage; place: LoadTarget & { kernels: Kernels } } {
  const { logitRows = 1, kv = servedKv(spec), range = wholeRange(spec) } = options
  const layout = planMemory(spec, weightBytes(weights), options)
  const memory = layout.arena.allocate()
  const kernels =
    typeof options.kernels === 'function' ? options.kernels(memory) : fastestKernels(options.kernels, memory)
  const stage = new Stage({
    spec,
    range,
    views: layout.views,
    kv,
    kernels,
    memory,
    tensors: tensorsOf(spec, range, weights.tensors, layout.weights),
    buffers: layout.buffers,
    pool: { at: layout.pool, pageCount: layout.pageCount },
    checksum: layout.checksum,
    maxRows: layout.rows,
    maxLogitRows: logitRows,
  })
  return { stage, place: { memory, kernels, weights: layout.weights, scratch: layout.shardChecksum } }
}

/** For each layer the bytes of weights with which it and all that comes before it are in place. */
function layerEnds({ layers }: ModelSpec, entries: readonly TensorEntry[]): number[] {
  const ends = Array<number>(layers).fill(0)
  for (const { name, offset, length } of entries) {
    const layer = isPart(name, 'embedding') ? '0' : /^layers\.(\d+)\./.exec(name)?.[1]
    if (layer !== undefined) ends[Number(layer)] = Math.max(ends[Number(layer)], offset + length)
  }
  return ends.map((_, layer) => Math.max(...ends.slice(0, layer + 1)))
}

function tensorsOf(
  spec: ModelSpec,
  range: LayerRange,
  entries: readonly TensorEntry[],
  base: number,
): StageTensors {
  // Which kinds a role may have is packing's business.
  const placed = ({ offset, kind, rows, cols }: TensorEntry) =>
    ({ at: base + offset, kind, rows, cols }) as Matrix & Addend
  const table = (role: string): Matrix[] => {
    const parts = partsOf(entries, role)
    if (parts.length === 0)
      throw new IsletError('invalid_file', `the packed model has no tensor ${role}: pack it again`)
    return parts.map((part) => ({ ...placed(part), refined: part.refined ?? isRefined(part, parts) }))
  }
  const tensor = (name: string): Matrix => table(name)[0]
  const optional = (role: string): Addend | undefined => partsOf(entries, role).map(placed)[0]
  // Names are `layers.N.ROLE`; which roles there are is the spec's business.
  const layers = Array.from({ length: range.to - range.from }, (): LayerTensors => ({}))
  for (const entry of entries) {
    const [, index, role] = /^layers\.(\d+)\.(\w+)$/.exec(entry.name) ?? []
    if (role !== undefined) layers[Number(index) - range.from][role as keyof LayerTensors] = placed(entry)
  }
  const head = (): HeadTensors => ({
    norm: {
      weight: tensor('final_norm'),
      bias: spec.norm.kind === 'layer' ? tensor('final_norm_bias') : undefined,
    },
    table: table(spec.head.tied ? 'embedding' : 'head'),
    scale: spec.head.normalised ? tensor('head_scale') : undefined,
    centre: optional('head_centre'),
    offset: optional('head_offset'),
  })
  return {
    embedding: range.embedding ? table('embedding') : undefined,
    layers,
    head: range.head ? head() : undefined,
  }
}
