// Model facts are what the documents say of a packed model, committed as a fresh clone has no model.

import type { ModelSpec } from '../../src/models/spec.ts'
import type { StoredKind } from '../../src/kernels/layout.ts'
import type { Manifest } from '../../src/weights/manifest.ts'

export type ModelFacts = {
  id: string
  /** Of the packed model that the facts are about. */
  hash: string
  spec: ModelSpec
  kinds: { kind: StoredKind; tensors: number; weights: number; bytes: number }[]
  /** All shards together: tensors and what aligns them. */
  weightBytes: number
  tokenizerBytes: number
}

/** The facts of a manifest; kinds in the order of their first tensor. */
export function factsOf({ id, hash, spec, tensors, shards, tokenizer }: Manifest): ModelFacts {
  const kinds = new Map<StoredKind, ModelFacts['kinds'][number]>()
  for (const { kind, rows, cols, length } of tensors) {
    const sum = kinds.get(kind) ?? { kind, tensors: 0, weights: 0, bytes: 0 }
    kinds.set(kind, {
      kind,
      tensors: sum.tensors + 1,
      weights: sum.weights + rows * cols,
      bytes: sum.bytes + length,
    })
  }
  const weightBytes = shards.reduce((sum, { length }) => sum + length, 0)
  return { id, hash, spec, kinds: [...kinds.values()], weightBytes, tokenizerBytes: tokenizer.length }
}
