// The list of families: which checkpoint belongs to which, and what packing must know to read it.

import { IsletError } from '../lib/errors.ts'
import { llama } from './llama.ts'
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
   * Rotary pairs of a head's rows: in halves (i, i + headDim / 2) as the kernels want them, or as neighbours
   * (2i, 2i + 1), which packing puts back into halves. undefined: rows without pairs.
   */
  pairs?: 'halves' | 'neighbours'
}

export type Family = {
  /** `model_type` in config.json and `general.architecture` in GGUF. */
  modelTypes: readonly string[]
  architectures: readonly string[]
  /** Both throw `unsupported_format` for a variation that the engine does not compute, `invalid_file` for nonsense. */
  specFromConfig(config: Facts): ModelSpec
  specFromGguf(metadata: Facts, embeddingRows: number): ModelSpec
  /** All tensors in packing order. */
  tensors(spec: ModelSpec, naming: 'huggingface' | 'gguf'): RoleTensor[]
  /** Tensors that may be present and are not needed. */
  ignored(name: string, spec: ModelSpec): boolean
}

const FAMILIES: readonly Family[] = [llama]

/** The family of a config.json, by `model_type`. */
export function familyOfConfig(config: Facts): Family {
  const type = config.get('model_type')
  return find(String(type), 'model_type', (family) => family.modelTypes)
}

/** The family of a GGUF file, by `general.architecture`. */
export function familyOfGguf(metadata: Facts): Family {
  const architecture = metadata.get('general.architecture')
  return find(String(architecture), 'general.architecture', (family) => family.architectures)
}

function find(name: string, key: string, names: (family: Family) => readonly string[]): Family {
  const family = FAMILIES.find((each) => names(each).includes(name))
  if (family !== undefined) return family
  const known = FAMILIES.flatMap(names).join(', ')
  throw new IsletError('unsupported_format', `${key} is ${name}; these are supported: ${known}`)
}
