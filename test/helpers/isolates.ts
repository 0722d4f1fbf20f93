// Samplers of several isolates of one `wrangler dev`, whose own inspector shows one script alone.

import { HeapSampler } from '../../tools/inspector.ts'
import type { TestWorker } from './worker.ts'

/** What a worker must be started with, for its log to tell where workerd's inspector is. */
export const TELLING = { WRANGLER_LOG: 'debug' }

/** A running sampler of the heap of each script, every `interval` milliseconds. */
export async function sampled(
  worker: Pick<TestWorker, 'inspector' | 'log'>,
  scripts: readonly string[],
  interval: number,
): Promise<HeapSampler[]> {
  const told = [...worker.log().matchAll(/NEW RUNTIME WEBSOCKET (\S+)\/(\S+)/g)].at(-1)
  if (told === undefined) throw new Error('the log names no inspector')
  const [, inspector, taken] = told
  // An isolate has one client at a time, and wrangler is that of one of them.
  const connected = (id: string): Promise<HeapSampler> =>
    id === taken
      ? HeapSampler.connect(worker.inspector, interval)
      : HeapSampler.connect(inspector, interval, id)
  const samplers = await Promise.all(scripts.map((script) => connected(`core:user:${script}`)))
  for (const sampler of samplers) sampler.start()
  return samplers
}
