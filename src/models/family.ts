// A family turns a checkpoint's metadata into a spec, and knows the names of its tensors. There is one file
// for each.

import type { ModelSpec } from './spec.ts'

/** Metadata of a checkpoint by key: config.json's own keys, or GGUF's. */
export type Facts = { get(key: string): unknown }

/** A tensor of the packed model by role, with the shape that the spec asks for. */
export type RoleTensor = {
  /** e.g. `embedding`, `layers.0.q` */
  role: string
  /** Its name in the checkpoint. */
  name: string
  rows: number // 1 for vectors
  cols: number
  vector: boolean
  /**
   * Which rows of the stored tensor these are; all of them, as they lie, when absent. Of a vector its values.
   */
  order?: RowOrder
  /**
   * Values that are not stored as they are: each plus 1, or 1 / the length of each row of the named tensor.
   */
  compute?: 'plus-one' | 'row-lengths'
}

/**
 * Rows of a tensor with `of` rows: runs of `run` rows, `stride` apart from row `first` on; within a run in
 * this order.
 */
export type RowOrder = { of: number; first: number; run: number; stride: number; order?: readonly number[] }

export type Family = {
  /** `model_type` in config.json and `general.architecture` in GGUF. */
  modelTypes: readonly string[]
  architectures: readonly string[]
  /** Tells families of one model type apart; the first that agrees is taken. */
  matches?(config: Facts): boolean
  /**
   * Both throw `unsupported_format` for a variation that the engine does not compute, `invalid_file` for
   * nonsense.
   */
  specFromConfig(config: Facts): ModelSpec
  specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec
  /** All tensors in packing order. */
  tensors(spec: ModelSpec, naming: 'huggingface' | 'gguf'): RoleTensor[]
  /** Tensors that may be present and are not needed. */
  ignored(name: string, spec: ModelSpec): boolean
}
