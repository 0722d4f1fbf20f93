// The models on which identity and windows are tested, and one way to load them.

import { nodeKernels } from '../../cli/lib/kernels.ts'
import { openModel, type OpenedModel } from '../../cli/lib/model.ts'
import type { KvKind } from '../../src/graph/buffers.ts'
import type { Stage } from '../../src/graph/stage.ts'
import { loadModel, type LoadOptions } from '../../src/graph/load-model.ts'
import type { KernelModules } from '../../src/kernels/wasm.ts'
import { oddModel } from './odd-model.ts'
import { REAL_FOLDER, TINY_FOLDER } from './real-model.ts'
import { rng } from './rng.ts'

/** A build of the kernels. */
export type Build = keyof KernelModules

export type Subject = { name: string; kv: KvKind; open: () => Promise<OpenedModel> }

/** The embedded model: q4m layers, q8 embedding and head. */
export const TINY: Subject = { name: 'tiny', kv: 'q8', open: () => openModel(TINY_FOLDER, {}) }

/** The real model, where `missingModel` finds it. */
export const REAL: Subject = { name: 'SmolLM2', kv: 'q8', open: () => openModel(REAL_FOLDER, {}) }

/** A trained float model of the fixtures, kept in float32 throughout. */
export const FLOATS: Subject = {
  name: 'the float model',
  kv: 'f32',
  open: () => openModel(new URL('../fixtures/float-model', import.meta.url).pathname, { quant: 'f32' }),
}

/** Awkward sizes, and between them every kind of weights in the layers, the embedding and the head. */
export const ODD: readonly Subject[] = [
  { name: 'odd sizes, q4m, embedding q6', kv: 'q8', open: () => oddModel({ quant: 'q4', embedding: 'q6' }) },
  { name: 'odd sizes, q4, embedding q4m', kv: 'q8', open: () => oddModel({ quant: 'q4s', embedding: 'q4' }) },
  { name: 'odd sizes, q8', kv: 'q8', open: () => oddModel({ quant: 'q8', embedding: 'q8' }) },
  { name: 'odd sizes, f32, KV q8', kv: 'q8', open: () => oddModel({ quant: 'f32' }) },
  { name: 'odd sizes, f32', kv: 'f32', open: () => oddModel({ quant: 'f32' }) },
]

/** Full attention, one row of logits a step, always the same build of the kernels: what `options` does not change. */
export async function load(subject: Subject, options: Partial<LoadOptions> = {}): Promise<Stage> {
  const { manifest, source } = await subject.open()
  return await loadModel(manifest, source, {
    window: { window: undefined, sinks: 0 },
    chunk: 16,
    kv: subject.kv,
    kernels: nodeKernels('quads'),
    ...options,
  })
}

/** Random ids. */
export function someIds(count: number, vocab: number, seed = 1): number[] {
  const random = rng(seed)
  return Array.from({ length: count }, () => random.int(vocab))
}
