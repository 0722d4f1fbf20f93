// Peak of the isolate: linear memory plus the JS heap, sampled through a cold load, a prompt that runs past the
// window, decoding and a second turn, and once more with log probabilities, a schema and tools in use; the worst of several
// fresh processes, as garbage is collected when the host likes. Fails above the limit (locally nothing else enforces one).
// With `largest` it also looks for the largest WINDOW, in steps of 64, whose peak stays within the limit.

import { setTimeout as sleep } from 'node:timers/promises'
import { promptIds } from './lib/cases.ts'
import { Client } from './lib/client.ts'
import { HeapSampler, heapTotal, type HeapUsage } from '../tools/inspector.ts'
import { memoryMeasures } from './lib/measures.ts'
import { featuredLoad, plainLoad, type Load } from './lib/memory-loads.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type MemoryResult } from './lib/result-types.ts'
import { describeMachine, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startIslet, untilHealthy } from './lib/worker.ts'

const LIMIT_BYTES = 120e6
const WINDOW = 1024
const STEP = 64
const SAMPLE_MS = 50 // each sample leaves garbage of its own in the heap that it weighs
const RUNS = 3
/** After the last answer: what it leaves is stored when garbage is collected. */
const SETTLE_MS = 1000

/** `held`: of the heap, after a last collection; bytes, as are all others. */
type Peak = { peak: number; linear: number; heap: HeapUsage; held: number; samples: number[] }

/** The worst of RUNS, and all their peaks. */
type Peaks = Peak & { peaks: number[] }

/** Prints the split at the peak, writes results/memory.json and throws BenchError above LIMIT_BYTES. */
export async function memory({ largest }: { largest: boolean }): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  const measured = await worstAt(WINDOW)
  printSplit(measured)
  const featured = await worstAt(WINDOW, featuredLoad)
  printSplit(featured)
  const search = largest ? await findLargest(measured) : undefined
  const result: MemoryResult = {
    name: 'memory',
    format: FORMATS.memory,
    model: MODEL,
    machine,
    window: WINDOW,
    limit: LIMIT_BYTES,
    ...measured,
    featured: { peak: featured.peak, peaks: featured.peaks, held: featured.held },
    ...(search !== undefined && { largest: search }),
  }
  printMeasures(memoryMeasures(result))
  if (search !== undefined) console.log(`largest window within ${LIMIT_BYTES / 1e6} MB: ${search.window}`)
  writeResult(result)
  const peak = Math.max(measured.peak, featured.peak)
  if (peak > LIMIT_BYTES) throw new BenchError(`peak ${peak} bytes, allowed ${LIMIT_BYTES}`)
}

async function worstAt(window: number, load?: Load): Promise<Peaks> {
  const runs: Peak[] = []
  for (let i = 0; i < RUNS; i++) {
    console.error(`memory: WINDOW ${window}, run ${i + 1} of ${RUNS}`)
    runs.push(await peakAt(window, { load }))
  }
  const worst = runs.reduce((a, b) => (b.peak > a.peak ? b : a))
  return { ...worst, peaks: runs.map(({ peak }) => peak) }
}

/** One fresh process under load; `root`: the checkout whose worker it is. `vocabulary`: ids of prompts are below it. */
export async function peakAt(
  window: number,
  {
    root,
    model = MODEL,
    vocabulary = Infinity,
    load = plainLoad,
  }: { root?: string; model?: string; vocabulary?: number; load?: Load } = {},
): Promise<Peak> {
  const worker = await startIslet({ MODEL: model, WINDOW: window }, { root })
  const prompt = (length: number, serial: number): number[] =>
    promptIds(length, serial).map((id) => id % vocabulary)
  const client = new Client(worker.url)
  try {
    const sampler = await HeapSampler.connect(worker.inspector, SAMPLE_MS)
    sampler.start()
    await load({ client, url: worker.url, model, window, prompt })
    const { linear_memory_bytes: linear, window: inForce, note } = await untilHealthy(worker)
    await sleep(SETTLE_MS)
    const held = heapTotal(await sampler.stopAndCollect(() => untilHealthy(worker)))
    if (typeof linear !== 'number') throw new BenchError('GET /health has no linear_memory_bytes')
    // A lane whose plan does not fit takes a smaller window by itself.
    if (inForce !== window) throw new BenchError(`WINDOW ${window} was refused: ${String(note)}`)
    const heap = sampler.peak()
    return { peak: linear + heapTotal(heap), linear, heap, held, samples: sampler.samples.map(heapTotal) }
  } finally {
    client.close()
    await worker.stop()
  }
}

/** Steps up from a window that fits, or down from one that does not, doubling the step, then halves what is left. */
async function findLargest(first: Peaks): Promise<NonNullable<MemoryResult['largest']>> {
  const tried: { window: number; peak?: number; peaks?: number[] }[] = [
    { window: WINDOW, peak: first.peak, peaks: first.peaks },
  ]
  const fits = async (window: number): Promise<boolean> => {
    try {
      const { peak, peaks } = await worstAt(window)
      tried.push({ window, peak, peaks })
      return peak <= LIMIT_BYTES
    } catch (error) {
      console.error(`memory: ${error instanceof Error ? error.message : String(error)}`)
      tried.push({ window })
      return false
    }
  }
  let [low, high] = [0, Infinity]
  if (first.peak <= LIMIT_BYTES) low = WINDOW
  else high = WINDOW
  for (let step = STEP; high - low > STEP; step *= 2) {
    const next = high === Infinity ? low + step : low === 0 ? Math.max(high - step, STEP) : middle(low, high)
    if (await fits(next)) low = next
    else if (next === STEP) return { window: 0, tried }
    else high = next
  }
  return { window: low, tried }
}

/** The multiple of STEP halfway between two of them that are further apart. */
function middle(low: number, high: number): number {
  return low + Math.floor((high - low) / 2 / STEP) * STEP
}

function printSplit({ peak, linear, heap }: Peak): void {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  printTable(
    ['bytes at the peak', 'MB'],
    [
      ['linear memory', megabytes(linear)],
      ['heap: usedSize', megabytes(heap.usedSize)],
      ['heap: embedderHeapUsedSize', megabytes(heap.embedderHeapUsedSize)],
      ['heap: backingStorageSize', megabytes(heap.backingStorageSize)],
      ['sum', megabytes(peak)],
    ],
  )
}
