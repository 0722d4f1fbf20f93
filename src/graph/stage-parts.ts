// Stage parts are what a loader hands to a stage: tensors by role, buffers, the KV pool and their sizes.

import type { Kernels } from '../kernels/kernels.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { LayerRange } from '../weights/layer-range.ts'
import type { KvKind, StepBuffers } from './buffers.ts'
import type { LayerTensors } from './layer.ts'
import type { Addend, Matrix } from './linear.ts'
import type { Norm } from './norm.ts'
import type { Views } from './views.ts'

export type HeadTensors = {
  /** The final norm. */
  norm: Norm
  /** Rows of one kind after rows of another; the products of those that are `refined` get twice the bits. */
  table: readonly Matrix[]
  /** A factor for each logit. */
  scale: Matrix | undefined
  /** What is subtracted from the table's input, negated, and its product with the table. */
  centre: Addend | undefined
  offset: Addend | undefined
}

/** Tensors of a range; its first layer is layer 0 here. */
export type StageTensors = {
  /** As the head's. */
  embedding: readonly Matrix[] | undefined
  layers: LayerTensors[]
  head: HeadTensors | undefined
}

export type StageParts = {
  /** Of the whole model. */
  spec: ModelSpec
  range: LayerRange
  views: Views
  kv: KvKind
  kernels: Kernels
  memory: WebAssembly.Memory
  tensors: StageTensors
  buffers: StepBuffers
  /** Where the KV pages begin, and how many there are. */
  pool: { at: number; pageCount: number }
  /** CHECKSUM_SCRATCH bytes. */
  checksum: number
  maxRows: number
  maxLogitRows: number
}
