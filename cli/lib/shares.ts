// Shares tell which part of a packed model its divergence comes from: weights, activations, cache.

import type { WindowOptions } from '../../src/cache/window.ts'
import type { KvKind } from '../../src/graph/buffers.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { planMemory } from '../../src/graph/memory-layout.ts'
import type { Row } from '../../src/graph/model.ts'
import type { Stage } from '../../src/graph/stage.ts'
import { promptShape } from '../../src/cache/prompt-shape.ts'
import { fastestKernels } from '../../src/kernels/choose.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { inputOf } from '../../src/packing/calibration.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import type { LayerRange } from '../../src/weights/layer-range.ts'
import { rangeOf } from '../../src/weights/range.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { fineKernels } from './fine-kernels.ts'
import { nodeKernels } from './kernels.ts'
import type { OpenedModel } from './model.ts'
import { divergence } from './score.ts'

/**
 * Nats a position. `weights`: mean KL from the other model of one whose weights are exact but for the part's, and so are
 * its activations and KV. Else by how much the model's mean KL falls where the part alone is exact.
 */
export type Share = { kind: 'weights' | 'activations' | 'kv'; part: string; kl: number }

export type ShareOptions = {
  window: WindowOptions
  chunk: number
  maxPositions: number
  /** Of the model, and of the one that it is compared with. */
  kv: KvKind
  otherKv: KvKind
  onProgress?: (done: number, total: number) => void
}

/** A text, and its first position that counts. */
export type ShareText = { ids: readonly number[]; from: number }

/** Inputs of a layer's matrices (packing/calibration.ts), with the matrices that read them. */
const LAYER_INPUTS = { attn: 'q, k, v', o: 'o', mlp: 'gate, up', down: 'down' } as const

type Input = keyof typeof LAYER_INPUTS | 'head'

const INPUTS = [...(Object.keys(LAYER_INPUTS) as (keyof typeof LAYER_INPUTS)[]), 'head'] as const

/** A stage, and the inputs whose products are fine in it; those of the other model stay as they are. */
type Part = { stage: Stage; isOwn: boolean; fine: ReadonlySet<Input> }

/** What a text goes through: embedding, layers, head; and what is fine. */
type Chain = { parts: readonly [Part, Part, Part]; fine: readonly Input[] }

/**
 * The shares of `own` beside `other`, a model of the same spec and tokenizer. They add up nearly to the mean KL: errors
 * cancel or amplify each other a little.
 */
export async function sharesOf(
  own: OpenedModel,
  other: OpenedModel,
  texts: readonly ShareText[],
  options: ShareOptions,
): Promise<Share[]> {
  const { kv, otherKv, onProgress } = options
  const { layers } = own.manifest.spec
  const open = (model: OpenedModel, range: LayerRange, kind: KvKind) =>
    openPart(model, model === own, range, kind, options)
  const at = (model: OpenedModel, layer: number, kind: KvKind) =>
    open(model, { from: layer, to: layer, embedding: layer === 0, head: layer > 0 }, kind)
  const middle = { from: 0, to: layers, embedding: false, head: false }
  const [e, l, h] = [await at(own, 0, kv), await open(own, middle, kv), await at(own, layers, kv)]
  const exactKv = kv === 'f32' ? l : await open(own, middle, 'f32')
  const [e2, l2, h2] = [
    await at(other, 0, otherKv),
    await open(other, middle, otherKv),
    await at(other, layers, otherKv),
  ]
  const served = (fine: readonly Input[]): Chain => ({ parts: [e, l, h], fine })
  const exact = (...parts: Chain['parts']): Chain => ({ parts, fine: INPUTS })
  const reference: Chain = { parts: [e2, l2, h2], fine: [] }
  const chains: (Omit<Share, 'kl'> & { chain: Chain })[] = [
    { kind: 'weights', part: 'embedding', chain: exact(e, l2, h2) },
    { kind: 'weights', part: 'layers', chain: exact(e2, exactKv, h2) },
    { kind: 'weights', part: 'head', chain: exact(e2, l2, h) },
    ...INPUTS.map((input) => ({
      kind: 'activations' as const,
      part: input === 'head' ? input : LAYER_INPUTS[input],
      chain: served([input]),
    })),
    { kind: 'kv', part: kv, chain: { parts: [e, exactKv, h], fine: [] } },
  ]
  const sums = chains.map(() => 0)
  let whole = 0
  let done = 0
  for (const text of texts) {
    const run = reader(text, options)
    const known = run(reference).map((logits) => ({ logits, offset: logSumExp(logits) }))
    const klOf = (chain: Chain): number =>
      run(chain).reduce(
        (sum, logits, i) => sum + divergence(known[i].logits, known[i].offset, logits, logSumExp(logits)),
        0,
      )
    whole += klOf(served([]))
    chains.forEach(({ chain }, i) => {
      sums[i] += klOf(chain)
      onProgress?.(++done, texts.length * chains.length)
    })
  }
  for (const { stage } of [e, l, h, exactKv, e2, l2, h2]) stage.release()
  const count = texts.reduce((sum, { ids, from }) => sum + ids.length - from, 0)
  return chains.map(({ kind, part }, i) => ({
    kind,
    part,
    kl: (kind === 'weights' ? sums[i] : whole - sums[i]) / count,
  }))
}

/** Runs one text through chains: logits of each row that counts. Layers that several chains have in common run once. */
function reader({ ids, from }: ShareText, { chunk }: ShareOptions): (chain: Chain) => Float32Array[] {
  const pages = Array.from({ length: Math.ceil(ids.length / PAGE_POSITIONS) }, (_, page) => page)
  const known: { embedding: Part; layers: Part; fine: string; streams: Float32Array[] }[] = []
  const stepsOf = ({ stage: { spec, window } }: Part): Row[][] => {
    const shape = promptShape(spec, ids, window)
    const rows = ids.map((id, position): Row => {
      const yields = position < from ? 'nothing' : 'logits'
      return { id, position, pages, yields, shape }
    })
    return Array.from({ length: Math.ceil(ids.length / chunk) }, (_, i) =>
      rows.slice(i * chunk, (i + 1) * chunk),
    )
  }
  /** What the layers leave of each step's rows that count. */
  const streamsOf = (embedding: Part, layers: Part, fine: readonly Input[]): Float32Array[] => {
    const own = fine.filter((input) => layers.isOwn && input !== 'head').join()
    const found = known.find(
      (run) => run.embedding === embedding && run.layers === layers && run.fine === own,
    )
    if (found !== undefined) return found.streams
    const streams = stepsOf(layers).map((rows) =>
      layers.stage.run(rows, embedding.stage.run(rows).stream()).stream(),
    )
    known.push({ embedding, layers, fine: own, streams })
    return streams
  }
  return ({ parts, fine }) => {
    for (const part of parts) part.fine = new Set(part.isOwn ? fine : [])
    const [embedding, layers, head] = parts
    const streams = streamsOf(embedding, layers, fine)
    return stepsOf(head).flatMap((rows, step) => {
      const count = rows.filter(({ yields }) => yields === 'logits').length
      if (count === 0) return []
      const outputs = head.stage.run(rows, streams[step])
      return Array.from({ length: count }, (_, row) => outputs.logits(row).slice())
    })
  }
}

async function openPart(
  { manifest, source }: OpenedModel,
  isOwn: boolean,
  range: LayerRange,
  kv: KvKind,
  { window, chunk, maxPositions }: ShareOptions,
): Promise<Part> {
  const pages = Math.ceil(maxPositions / PAGE_POSITIONS)
  const memory = { window, chunk, logitRows: chunk, kv, maxPositions, pages, range }
  const part: Omit<Part, 'stage'> = { isOwn, fine: new Set() }
  const weights = rangeOf(manifest, range)
  const layout = planMemory(manifest.spec, weightBytes(weights), memory)
  const inputs = weights.tensors.map(({ name, offset }) => {
    const role = name.replace(/^(embedding|head)\.\d+$/, '$1')
    return { at: layout.weights + offset, input: inputOf(role, manifest.spec)?.replace(/^.*\./, '') }
  })
  const isFine = (address: number): boolean => {
    const input = inputs.findLast(({ at }) => at <= address)?.input
    return INPUTS.some((each) => each === input && part.fine.has(each))
  }
  const kernels = (linear: WebAssembly.Memory) =>
    fineKernels(fastestKernels(nodeKernels(), linear), linear, {
      isFine,
      residueProducts: layout.buffers.fine,
    })
  return Object.assign(part, { stage: await loadModel(manifest, source, { ...memory, kernels }) })
}
