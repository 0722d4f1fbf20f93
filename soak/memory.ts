// A memory watch samples one process of the worker over time and judges whether it grows.

import { heapTotal, HeapSampler } from '../tools/inspector.ts'

/** Seconds since the process began; bytes. */
export type Sample = { at: number; turns: number; heap: number; linear: number; resident?: number }

/** Fewer samples than this say nothing of growth. */
export const LEAST_SAMPLES = 40

/** What counts as growth: more than this share and this many bytes. */
const SHARE = 0.05
const BYTES = 1e6

export type Verdict = {
  samples: number
  seconds: number
  turns: number
  /** After the first tenth: what a straight line through the samples rises from its begin to its end, bytes. */
  rise: number
  /** Largest sample of the second tenth and of the last one, bytes. */
  second: number
  last: number
  grew: boolean
}

/** Heap and linear memory together; undefined for too few samples. */
export function judge(samples: readonly Sample[]): Verdict | undefined {
  if (samples.length < LEAST_SAMPLES) return undefined
  const tenth = Math.floor(samples.length / 10)
  const later = samples.slice(tenth)
  const bytes = (sample: Sample): number => sample.heap + sample.linear
  const most = (part: readonly Sample[]): number => Math.max(...part.map(bytes))
  const second = most(samples.slice(tenth, 2 * tenth))
  const last = most(samples.slice(-tenth))
  const seconds = later[later.length - 1].at - later[0].at
  const rise = slope(later.map((sample) => [sample.at, bytes(sample)] as const)) * seconds
  const allowed = Math.max(SHARE * second, BYTES)
  return {
    samples: samples.length,
    seconds,
    turns: later[later.length - 1].turns - later[0].turns,
    rise,
    second,
    last,
    grew: rise > allowed || last - second > allowed,
  }
}

/** Of the least-squares line. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const across = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  return across === 0 ? 0 : points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / across
}

/** Looks at one process: garbage is collected before each look, so that what is seen is what is held. */
export class MemoryWatch {
  readonly samples: Sample[] = []
  readonly #heap: HeapSampler
  readonly #url: string
  readonly #began = performance.now()

  private constructor(heap: HeapSampler, url: string) {
    this.#heap = heap
    this.#url = url
  }

  static async connect(inspector: string, url: string): Promise<MemoryWatch> {
    return new MemoryWatch(await HeapSampler.connect(inspector, 0), url)
  }

  /** Throws once the process is gone. */
  async look(turns: number, resident: number | undefined): Promise<void> {
    const health = async (): Promise<unknown> => (await fetch(`${this.#url}/health`)).json()
    await this.#heap.collectGarbage(health)
    const usage = await this.#heap.sample()
    const { linear_memory_bytes: linear = 0 } = (await health()) as { linear_memory_bytes?: number }
    this.samples.push({
      at: Math.round(performance.now() - this.#began) / 1000,
      turns,
      heap: heapTotal(usage),
      linear,
      ...(resident !== undefined && { resident }),
    })
  }
}
