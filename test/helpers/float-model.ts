// The small language model in floats of test/fixtures, packed in some way: its logits, and the bytes of its weights.

import { fineKernels } from '../../cli/lib/fine-kernels.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { OpenedModel } from '../../cli/lib/model.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { fastestKernels } from '../../src/kernels/choose.ts'
import { packToMemory } from '../../src/packing/pack-memory.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'

export const FLOATS = new URL('../fixtures/float-model', import.meta.url).pathname
export const TEXT =
  'And Joseph went up to bury his father: and with him went up all the servants of Pharaoh. '.repeat(3)

export async function opened(options: PackOptions): Promise<OpenedModel> {
  const { manifest, weights, tokenizer } = await packToMemory(FLOATS, options)
  return { manifest, source: weights, tokenizerBytes: tokenizer }
}

export async function idsOf(text: string): Promise<number[]> {
  return readTokenizer((await packToMemory(FLOATS, {})).tokenizer).encode(text)
}

export type Reading = {
  window?: number
  kv?: 'q8' | 'f32'
  chunk?: number
  step?: number
  /** Rows that yield nothing. */
  quiet?: number
  /** Whether products with the weights at this offset are fine. */
  fine?: (weights: number) => boolean
}

/** Logits of every row of `ids`. */
export async function logitsOf(
  model: OpenedModel,
  ids: readonly number[],
  reading: Reading,
): Promise<Float32Array[]> {
  const { window, kv = 'q8', chunk = 32, step, quiet = 0, fine } = reading
  const first = 65536 // where weights begin
  const kernels = (memory: WebAssembly.Memory) =>
    fineKernels(fastestKernels(nodeKernels('quads'), memory), memory, {
      isFine: (at) => fine !== undefined && fine(at - first),
      residueProducts: -1,
    })
  const loaded = await loadModel(model.manifest, model.source, {
    window: { window, sinks: window === undefined ? 0 : 3 },
    chunk,
    logitRows: chunk,
    kv,
    maxPositions: 256,
    kernels: fine === undefined ? nodeKernels('quads') : kernels,
  })
  const rows: Float32Array[] = []
  const feed = new Feed(loaded)
  feed.run(ids.slice(0, quiet))
  feed.run(ids.slice(quiet), (logits) => rows.push(logits.slice()), step)
  return rows
}

export const farthest = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  a.reduce(
    (most, row, i) => row.reduce((top, value, id) => Math.max(top, Math.abs(value - b[i][id])), most),
    0,
  )

export async function weightsOf({ manifest, source }: OpenedModel): Promise<Uint8Array> {
  const parts = await Promise.all(
    manifest.shards.map(
      async ({ file }) => new Uint8Array(await new Response(await source.open(file)).arrayBuffer()),
    ),
  )
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
