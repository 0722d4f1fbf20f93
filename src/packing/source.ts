// A ModelSource is a checkpoint as packing sees it, whatever its format: spec, tensors by role, rows.

import { isFloat, type TensorType } from '../formats/dtype.ts'
import type { StoredTensor } from '../formats/safetensors.ts'
import { IsletError } from '../lib/errors.ts'
import type { Family, RoleTensor } from '../models/family.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { Recommended } from '../protocol/lane-reports.ts'
import type { ChatFormat, Pooling, TrimmedVocabulary } from '../weights/manifest.ts'
import type { RangeFile } from './range-file.ts'

export type SourceTensor = RoleTensor & { type: TensorType; file: RangeFile; offset: number }

export interface ModelSource {
  /** File or folder name without what only says how it was quantised; the default id. */
  readonly name: string
  readonly spec: ModelSpec
  /** In packing order. */
  readonly tensors: readonly SourceTensor[]
  readonly chat: ChatFormat
  /** The file that `chat` was read from, if it is a template of the checkpoint. */
  readonly chatFile: string
  readonly license: string | undefined
  /** What its files recommend for sampling. */
  readonly sampling: Recommended | undefined
  /** Of a model that was trained for embeddings, or that is declared to be good for them. */
  readonly pooling?: Pooling | undefined
  /** Where only a part of the checkpoint's vocabulary is packed. */
  readonly vocabulary?: TrimmedVocabulary
  /** The source with all of it, where that is so. */
  readonly whole?: ModelSource
  /** tokenizer.bin; undefined where the checkpoint has none. Throws for one that we do not read. */
  tokenizer(): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

/** True when every tensor is stored in floating point. */
export function isFloatSource(source: ModelSource): boolean {
  return source.tensors.every((tensor) => isFloat(tensor.type))
}

/**
 * Finds the spec's tensors among those stored. `invalid_file` names a missing or misshapen one; a tensor that
 * the graph would not use is `unsupported_format`, because leaving it out would change the results.
 */
export function matchTensors(
  family: Family,
  spec: ModelSpec,
  naming: 'huggingface' | 'gguf',
  stored: ReadonlyMap<string, StoredTensor & { file: RangeFile }>,
): SourceTensor[] {
  const wanted = family.tensors(spec, naming)
  const names = new Set(wanted.map((tensor) => tensor.name))
  for (const [name, { file }] of stored) {
    if (!names.has(name) && !family.ignored(name, spec)) {
      throw new IsletError(
        'unsupported_format',
        `${file.name}: the checkpoint has a tensor ${name}, which this family does not use here`,
      )
    }
  }
  return wanted.map((tensor) => {
    const found = stored.get(tensor.name)
    if (found === undefined)
      throw new IsletError('invalid_file', `the checkpoint has no tensor ${tensor.name}`)
    const shape = storedShape(tensor, spec)
    if (found.shape.length !== shape.length || found.shape.some((size, i) => size !== shape[i])) {
      throw new IsletError(
        'invalid_file',
        `${found.file.name}: tensor ${tensor.name} has shape ${found.shape.join(' x ')}, its config asks for ${shape.join(' x ')}`,
      )
    }
    return { ...tensor, type: found.type, file: found.file, offset: found.offset }
  })
}

/**
 * What the checkpoint holds for a role: itself, the larger tensor that it is a part of, or the one that it is
 * computed from.
 */
function storedShape({ vector, rows, cols, order, compute }: RoleTensor, spec: ModelSpec): number[] {
  if (compute === 'row-lengths') return [cols, spec.hidden]
  if (vector) return [order?.of ?? cols]
  return [order?.of ?? rows, cols]
}

/**
 * The id from a path: lower case, without extension and quantisation suffix,
 * `SmolLM2-135M-Instruct.Q4_1.gguf` -> `smollm2-135m-instruct`. A file that is only called `model` takes the
 * name of its folder.
 */
export function defaultId(path: string): string {
  const parts = path.split(/[\\/]/).filter((part) => part !== '')
  const name = bareName(parts.at(-1) ?? '')
  const id = /^(ggml-)?model$/i.test(name) ? bareName(parts.at(-2) ?? name) : name
  return (
    id
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 128) || 'model'
  )
}

function bareName(fileName: string): string {
  const stem = fileName.replace(/\.gguf$/i, '')
  return stem.replace(/[-._](I?Q\d\w*|BF16|FP?16|FP?32)$/i, '') || stem
}
