// A chain in one process: a model cut in memory, its stages behind doors that answer as their objects do.

import { setTimeout as sleep } from 'node:timers/promises'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { OpenedModel } from '../../cli/lib/model.ts'
import type { WindowOptions } from '../../src/cache/window.ts'
import type { StageDoor, StageSession } from '../../src/chain/calls.ts'
import type { ChainModel } from '../../src/chain/chain-model.ts'
import type { StageCall, StageReply } from '../../src/chain/messages.ts'
import { ChainReader, type KeptHub } from '../../src/chain/read-chain.ts'
import { RunStore } from '../../src/chain/run-store.ts'
import { answerCall } from '../../src/chain/stage-calls.ts'
import { StageIsolate } from '../../src/chain/stage-isolate.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { CHAIN_LOGIT_ROWS } from '../../src/graph/chain-memory.ts'
import { errorEvent } from '../../src/protocol/wire.ts'
import type { LayerRange } from '../../src/weights/layer-range.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { rangeOf } from '../../src/weights/range.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { nodeSql } from './node-sql.ts'

/** The manifests of a model's stages, whose tensors stay in the whole model's shards. */
export function cutInMemory(manifest: Manifest, ranges: readonly LayerRange[]): Manifest[] {
  const parts = ranges.map((range) => rangeOf(manifest, range))
  const shares = ranges.map((range, i) => ({ range, weightBytes: weightBytes(parts[i]) }))
  return parts.map((part, index) => ({ ...manifest, ...part, prefix: undefined, stage: { index, shares } }))
}

/** The hub has both ends and layers up to the first cut; a stage for each of the others. */
export function hubRanges(layers: number, cuts: readonly number[]): LayerRange[] {
  return [0, ...cuts].map((from, i) => ({
    from,
    to: cuts[i] ?? layers,
    embedding: i === 0,
    head: i === 0,
  }))
}

/** The hub has layers up to the first cut and no table, which lies behind its cuts in stages of its own. */
export function tableRanges(
  { layers, vocab, head }: { layers: number; vocab: number; head: { tied: boolean } },
  cuts: readonly number[],
  rows: readonly number[],
): LayerRange[] {
  const between = hubRanges(layers, cuts).map((range) => ({ ...range, embedding: false, head: false }))
  const parts = [0, ...rows].map((first, i) => ({ first, end: rows[i] ?? vocab }))
  const ends = head.tied
    ? [{ from: layers, to: layers, embedding: true, head: true }]
    : [
        { from: 0, to: 0, embedding: true, head: false },
        { from: layers, to: layers, embedding: false, head: true },
      ]
  return [...between, ...ends.flatMap((end) => parts.map((part) => ({ ...end, rows: part })))]
}

export type StageBed = {
  isolate: StageIsolate
  runs: RunStore
  hasLayers: boolean
  /** Calls that were answered, by what they do. */
  calls: StageCall['do'][]
  /** Called before each call: throw to break the session as one whose object died. */
  onCall: (call: StageCall) => void | Promise<void>
  /** The object dies: its memory is gone, its storage is not. */
  die(): void
}

export type ChainBed = {
  stages: StageBed[]
  hubs: KeptHub
  /** Ids of runs that a stage had lost. */
  missing: number[]
  /** Bytes of each isolate by the plan of a load, the hub's first, without what JavaScript always has. */
  planned: number[]
  onMissing(runs: readonly number[]): void
  read(window?: WindowOptions): Promise<ChainModel>
}

const FULL: WindowOptions = { window: undefined, sinks: 0 }

/** `chunk`: rows of a call. Pages: as many as `pages` says. */
export function chainBed(
  { manifest, source }: OpenedModel,
  ranges: readonly LayerRange[],
  { chunk = 16, pages = 40, logitRows = CHAIN_LOGIT_ROWS, isBeside = true } = {},
): ChainBed {
  const manifests = cutInMemory(manifest, ranges)
  const kernels = nodeKernels('quads')
  const bed: ChainBed = {
    stages: [],
    hubs: {},
    missing: [],
    planned: [],
    onMissing: () => undefined,
    read: (window = FULL) => reader.read(manifests[0], window, () => undefined),
  }
  let ids = 0
  const newId = (): string => `${++ids}`
  const stageBed = (range: LayerRange): StageBed => {
    const runs = new RunStore(nodeSql(), () => performance.now())
    const stage: StageBed = {
      isolate: new StageIsolate(),
      runs,
      hasLayers: range.from < range.to,
      calls: [],
      onCall: () => undefined,
      die: () => stage.isolate.drop(),
    }
    return stage
  }
  bed.stages = ranges.slice(1).map(stageBed)
  const door = (index: number): StageDoor => ({
    connect: () => {
      const stage = bed.stages[index - 1]
      return {
        async open(setup) {
          const opening = stage.isolate.open(setup, {
            owner: 'lane',
            now: () => performance.now(),
            newId,
            read: ({ engine: _, ...options }, onProgress) =>
              loadModel(manifests[index], source, { ...options, kernels, onProgress }),
          })
          const epoch = await opening.catch(errorEvent)
          if (typeof epoch !== 'string') return { error: epoch }
          let last = Promise.resolve()
          const session: StageSession = {
            // As RPC has it: a call is copied, and each is answered behind the one before.
            call(message) {
              const copy = structuredClone(message)
              const answer = last.then(async (): Promise<StageReply> => {
                await sleep(0)
                await stage.onCall(copy)
                stage.calls.push(copy.do)
                return structuredClone({
                  ...answerCall(copy, stage.isolate.stageOf(epoch, 0), stage.runs),
                  ms: 0,
                })
              })
              last = answer.then(
                () => undefined,
                () => undefined,
              )
              return answer
            },
          }
          return { epoch, session }
        },
        report: async () => ({
          state: stage.isolate.state,
          done: stage.isolate.done,
          total: stage.isolate.total,
          linearMemoryBytes: 0,
          storage: stage.runs.use,
        }),
      }
    },
  })
  const reader = new ChainReader({
    source,
    kernels,
    chunk,
    logitRows,
    poolPages({ pageCount, totalBytes }, _, beside) {
      bed.planned.push(totalBytes + beside)
      return Math.max(pageCount, pages)
    },
    door,
    isBeside,
    clock: { now: () => performance.now(), wait: (ms) => sleep(ms) },
    newId,
    onMissing(runs) {
      bed.missing.push(...runs)
      bed.onMissing(runs)
    },
    hubs: bed.hubs,
  })
  return bed
}
