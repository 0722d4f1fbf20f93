// Chain links are what each isolate of a model's chain has, by the plan that packs it, or by memory alone where none can.

import { chainOf } from '../../cli/lib/isolates.ts'
import { tokenizerBytesOf } from '../../cli/lib/memory-table.ts'
import { stageSettings } from '../../cli/lib/stages.ts'
import { kvLayerBytes, servedKv } from '../../src/graph/buffers.ts'
import { planMemory } from '../../src/graph/memory-layout.ts'
import { errorCode } from '../../src/lib/errors.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import { planStages, type StageCount } from '../../src/packing/plan-stages.ts'
import type { PackedWhole, PlanSettings } from '../../src/packing/stage-memory.ts'
import type { Shard, StageShare, TensorEntry } from '../../src/weights/manifest.ts'
import { SHARD_BYTES } from '../../src/weights/plan.ts'
import { rangeOf } from '../../src/weights/range.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import type { ChainLink, ChainShape } from './chain-cost.ts'

export type PlannedChain = ChainShape & {
  /** Whether `islet pack --stages` cuts it so; else layers themselves are cut, which nothing serves yet. */
  isServed: boolean
  weightBytes: number
  /** Of the fullest isolate. */
  mostBytes: number
}

/** A plan whose weights are nowhere: shards as they would be. */
export function wholeOf(
  spec: ModelSpec,
  tensors: readonly TensorEntry[],
  bytes: number,
  tokenizerBytes = tokenizerBytesOf(spec),
): PackedWhole {
  const shards: Shard[] = []
  for (let at = 0; at < bytes; at += SHARD_BYTES)
    shards.push({ file: '', length: Math.min(SHARD_BYTES, bytes - at), sha256: '', checksum: '' })
  const tokenizer = { file: '', length: tokenizerBytes, sha256: '' }
  return { spec, tensors: [...tensors], shards, tokenizer }
}

/** The chain of a model: as pack cuts it, else of isolates that have parts of layers. Throws where none holds it. */
export function linksOf(whole: PackedWhole, stages: StageCount = 'auto'): PlannedChain {
  const settings = stageSettings(whole.spec)
  const bytes = weightBytes(whole)
  const width = whole.spec.heads * whole.spec.headDim
  try {
    const shares = planStages(whole, stages, settings)
    return {
      links: shares.map((share) => linkOf(whole, share)),
      width,
      stagedPages: stagedOf(whole.spec, settings, shares),
      isServed: true,
      weightBytes: bytes,
      mostBytes: Math.max(...shares.map(({ isolateBytes }) => isolateBytes)),
    }
  } catch (error) {
    if (errorCode(error) !== 'unsupported_value') throw error
    return cutLayers(whole, settings)
  }
}

const ONE_LAYER = { from: 0, to: 1, embedding: false, head: false }

/** What the fullest of them puts on its way at once. */
function stagedOf(spec: ModelSpec, settings: PlanSettings, shares: readonly StageShare[]): number {
  const staged = shares
    .filter(({ range }) => range.to > range.from)
    .map(({ range, weightBytes }) => planMemory(spec, weightBytes, { ...settings, range }))
  return Math.min(...staged.map(({ buffers }) => buffers.staging.pages))
}

function linkOf(whole: PackedWhole, { range }: StageShare): ChainLink {
  const { spec } = whole
  const { from, to, embedding, head, rows } = range
  const bytesOf = (part: Parameters<typeof rangeOf>[1]): number => weightBytes(rangeOf(whole, part))
  const end = { from: spec.layers, to: spec.layers, embedding: false, head: true, ...(rows && { rows }) }
  return {
    layers: to > from ? bytesOf({ from, to, embedding: false, head: false }) : 0,
    head: head ? bytesOf(end) : 0,
    embeds: embedding,
    attends: to - from,
    pageBytes: (to - from) * kvLayerBytes(spec, servedKv(spec)),
  }
}

function cutLayers(whole: PackedWhole, plan: PlanSettings): PlannedChain {
  const { window, chunk, maxPositions } = plan
  const { spec, tensors, tokenizer } = whole
  const bytes = weightBytes(whole)
  const settings = { window, chunk, maxPositions, weightBytes: bytes, tokenizerBytes: tokenizer.length }
  const chain = chainOf(spec, tensors, settings)
  if (chain === undefined) throw new Error('no isolate holds even a part of a layer')
  return {
    links: chain.isolates.map(({ layers, head, embeds, attends }) => ({
      ...{ layers, head, embeds, attends },
      pageBytes: attends * kvLayerBytes(spec, servedKv(spec)),
    })),
    width: spec.heads * spec.headDim,
    stagedPages: stagedOf(spec, plan, [{ range: ONE_LAYER, weightBytes: 0 }]),
    isServed: false,
    weightBytes: bytes,
    mostBytes: Math.max(...chain.groups.map(({ total }) => total)),
  }
}
