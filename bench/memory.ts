// Peak of the isolate: linear memory plus the JS heap, sampled through a cold load, a prompt that runs past the
// window, decoding and a second turn. Fails above the limit (locally nothing else enforces one).

import { promptIds } from './lib/cases.ts'
import { Client } from './lib/client.ts'
import { HeapSampler, heapTotal } from './lib/inspector.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { describeMachine, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'

const LIMIT_BYTES = 120e6
const SAMPLE_MS = 50 // each sample leaves garbage of its own in the heap that it weighs
const LONG_PROMPT = 3000
const DECODED = 200

/** Prints the split at the peak, writes results/memory.json and throws BenchError above LIMIT_BYTES. */
export async function memory(): Promise<void> {
  const machine = describeMachine()
  prepareModel()
  const worker = await startIslet()
  const client = new Client(worker.url)
  try {
    const sampler = await HeapSampler.connect(worker.inspector, SAMPLE_MS)
    sampler.start()
    const ids = promptIds(LONG_PROMPT, 0)
    await client.complete(MODEL, promptIds(32, 1), 1)
    await client.complete(MODEL, ids, DECODED)
    await client.complete(MODEL, [...ids, ...promptIds(32, 2)], DECODED)
    const { linear_memory_bytes: linear } = await untilHealthy(worker)
    await sampler.stop()
    if (typeof linear !== 'number') throw new BenchError('GET /health has no linear_memory_bytes')

    const heap = sampler.peak()
    const peak = linear + heapTotal(heap)
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
    printTable(
      ['bytes at the peak', 'MB'],
      [
        ['linear memory', megabytes(linear)],
        ['JS heap (usedSize)', megabytes(heap.usedSize)],
        ['embedder heap', megabytes(heap.embedderHeapUsedSize)],
        ['backing storage', megabytes(heap.backingStorageSize)],
        ['the isolate', megabytes(peak)],
      ],
    )
    const samples = sampler.samples.map(heapTotal)
    writeResult('memory', {
      name: 'memory',
      model: MODEL,
      machine,
      limit: LIMIT_BYTES,
      peak,
      linear,
      heap,
      samples,
    })
    if (peak > LIMIT_BYTES) throw new BenchError(`peak ${peak} bytes, allowed ${LIMIT_BYTES}`)
  } finally {
    client.close()
    await worker.stop()
  }
}
