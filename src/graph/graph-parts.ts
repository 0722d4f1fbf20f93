// Graph parts are what a loader hands to the graph: tensors by role, buffers, the KV pool and their sizes.

import type { Kernels } from '../kernels/kernels.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { KvKind, StepBuffers } from './buffers.ts'
import type { LayerTensors, Norm } from './layer.ts'
import type { Matrix } from './linear.ts'
import type { Views } from './views.ts'

export type ModelTensors = {
  embedding: Matrix
  layers: LayerTensors[]
  finalNorm: Norm
  head: Matrix
  /** A factor for each logit. */
  headScale: Matrix | undefined
}

export type GraphParts = {
  spec: ModelSpec
  views: Views
  kv: KvKind
  kernels: Kernels
  memory: WebAssembly.Memory
  tensors: ModelTensors
  buffers: StepBuffers
  /** Where the KV pages begin, and how many there are. */
  pool: { at: number; pageCount: number }
  /** CHECKSUM_SCRATCH bytes. */
  checksum: number
  maxRows: number
  maxLogitRows: number
}
