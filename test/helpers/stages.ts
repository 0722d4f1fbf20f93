// A chain of stages in one process: what each leaves goes into the next, as between isolates.

import { loadModel, type LoadOptions } from '../../src/graph/load-model.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import type { Stage, StageOutputs } from '../../src/graph/stage.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import type { LayerRange } from '../../src/weights/layer-range.ts'
import type { ByteSource } from '../../src/weights/source.ts'

/** Ranges between cuts, each a layer's number. The first has the embedding, the last the head; equal cuts leave an end alone. */
export function rangesOf(layers: number, cuts: readonly number[]): LayerRange[] {
  return [...cuts, layers].map((to, i) => ({
    from: i === 0 ? 0 : cuts[i - 1],
    to,
    embedding: i === 0,
    head: i === cuts.length,
  }))
}

/** Every one and two cuts of a model, and stages of the embedding and the head alone. */
export function someCuts(layers: number): number[][] {
  const one = Array.from({ length: layers - 1 }, (_, i) => [i + 1])
  const two = one.slice(1).map(([cut]) => [cut - 1, cut])
  return [...one, ...two, [0, layers], [0, 1, layers]]
}

export type Chain = { model: LocalModel; stages: Stage[] }

export async function loadChain(
  { manifest, source }: { manifest: Manifest; source: ByteSource },
  cuts: readonly number[],
  options: LoadOptions,
): Promise<Chain> {
  const ranges = rangesOf(manifest.spec.layers, cuts)
  const stages = await Promise.all(ranges.map((range) => loadModel(manifest, source, { ...options, range })))
  const [first] = stages
  const { spec, window, maxRows, maxLogitRows, pages, staging, signal } = first
  const run: LocalModel['run'] = (rows) => {
    let outputs: StageOutputs | undefined
    for (const stage of stages) outputs = stage.run(rows, outputs?.stream())
    return outputs!
  }
  return { model: { spec, window, maxRows, maxLogitRows, pages, staging, signal, run }, stages }
}
