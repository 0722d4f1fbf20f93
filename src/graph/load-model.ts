// The loader makes linear memory once and streams the weights of a packed model into it.

import type { Kernels } from '../kernels/kernels.ts'
import { fastestKernels } from '../kernels/choose.ts'
import type { KernelModules } from '../kernels/wasm.ts'
import { IsletError } from '../lib/errors.ts'
import type { Manifest } from '../weights/manifest.ts'
import type { ByteSource } from '../weights/source.ts'
import { streamWeights, weightBytes } from '../weights/stream.ts'
import { servedKv } from './buffers.ts'
import { Graph } from './forward.ts'
import type { ModelTensors } from './graph-parts.ts'
import type { LayerTensors } from './layer.ts'
import type { Matrix } from './linear.ts'
import { planMemory, type MemoryOptions } from './memory-layout.ts'

export type LoadOptions = MemoryOptions & {
  /** The compiled builds, of which the fastest is taken; or a way to instantiate the kernels. */
  kernels: KernelModules | ((memory: WebAssembly.Memory) => Kernels)
  onProgress?: (done: number, total: number) => void
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
