// Loads the packed model for a job, wherever its bytes come from.

import type { Stage } from '../../src/graph/stage.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { pagesPerSequence } from '../../src/graph/memory-layout.ts'
import { usableModules, type KernelModules } from '../../src/kernels/wasm.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import type { ByteSource } from '../../src/weights/source.ts'
import type { EngineJob } from './engine.ts'

/** Headroom of the pool beside what the sequences need, in pages. */
const SPARE_PAGES = 8

/** Settings of a job that concern the model; `sequences` of them fit the KV pool at the same time. */
export type LoadJob = Pick<EngineJob, 'window' | 'sinks' | 'chunk'> & { sequences?: number }

export async function loadFor(job: LoadJob, source: ByteSource, kernels: KernelModules): Promise<Stage> {
  const manifest = JSON.parse(await new Response(await source.open('manifest.json')).text()) as Manifest
  const window = { window: job.window, sinks: job.sinks }
  const pages = (job.sequences ?? 1) * pagesPerSequence(window, job.chunk, Infinity) + SPARE_PAGES
  return await loadModel(manifest, source, { window, chunk: job.chunk, pages, kernels })
}

/** The builds that this host takes, or of these the one that a job names. */
export function modulesFor(
  all: Parameters<typeof usableModules>[0],
  simd: EngineJob['simd'] = undefined,
): KernelModules {
  const { quads, relaxed, plain } = usableModules(all)
  const wanted = (name: EngineJob['simd']): boolean => simd === undefined || simd === name
  return {
    quads: wanted('quads') ? quads : undefined,
    relaxed: wanted('relaxed') ? relaxed : undefined,
    plain,
  }
}
