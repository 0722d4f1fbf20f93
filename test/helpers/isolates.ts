// Samplers of several isolates of one `wrangler dev`, whose own inspector shows one script alone.

import { runtimeIn, samplersOf, type HeapSampler } from '../../tools/inspector.ts'
import type { TestWorker } from './worker.ts'

/** What a worker must be started with, for its log to tell where workerd's inspector is. */
export const TELLING = { WRANGLER_LOG: 'debug' }

/** A running sampler of the heap of each script, every `interval` milliseconds. */
export async function sampled(
  worker: Pick<TestWorker, 'inspector' | 'log'>,
  scripts: readonly string[],
  interval: number,
): Promise<HeapSampler[]> {
  const runtime = runtimeIn(worker.log())
  if (runtime === undefined) throw new Error('the log names no inspector')
  const samplers = await samplersOf({ own: worker.inspector, ...runtime }, scripts, interval)
  for (const sampler of samplers) sampler.start()
  return samplers
}
