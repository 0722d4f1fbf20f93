// A chain reader loads the hub's stage, and has the others load theirs at the same time.

import type { WindowOptions } from '../cache/window.ts'
import { chainPages, CHUNKS, hubBytes } from '../graph/chain-memory.ts'
import { loadModel, type LoadOptions } from '../graph/load-model.ts'
import { planMemory, type MemoryLayout } from '../graph/memory-layout.ts'
import type { Stage } from '../graph/stage.ts'
import type { Clock } from '../lib/clock.ts'
import { errorCode, IsletError } from '../lib/errors.ts'
import { isTable } from '../weights/layer-range.ts'
import type { Manifest, StageShare } from '../weights/manifest.ts'
import type { ByteSource } from '../weights/source.ts'
import type { StageDoor } from './calls.ts'
import { ChainModel } from './chain-model.ts'
import { Link } from './link.ts'

export type ChainReaderParts = {
  source: ByteSource
  kernels: LoadOptions['kernels']
  chunk: number
  logitRows: number
  /** Pages that an isolate affords whose memory is planned so; `isHub`: in the lane's. Throws out_of_memory. */
  poolPages(plan: MemoryLayout, isHub: boolean, beside: number): number
  /** The way to stage `index`. */
  door(index: number): StageDoor
  /** Whether stages compute while the hub does; default: it is found out. */
  isBeside?: boolean
  /** Chunks of a prompt in one step (CHUNKS of graph/chain-memory.ts); 1: none follows another before that is through. */
  chunks?: number
  clock: Clock
  newId(): string
  onMissing(runs: readonly number[]): void
  /** Of the isolate: objects of lanes come and go in it. */
  hubs: KeptHub
}

/** The hub's stage of a chain that was given up, most often for another stage's failure: its weights need not come again. */
export type KeptHub = { plan?: string; stage?: Stage }

/** Steps under way at once: more would wait for each other's turns. */
const MOST_STEPS = 4

type OnProgress = (done: number, total: number) => void

/** A stage that cannot be reached, or still loads for a lane's object that is gone, is asked again, for so long. */
const AWAITED: readonly unknown[] = ['lane_lost', 'model_loading']
const RETRY_MS = 250
const LOST_MS = 60_000

/** What all stages plan by, and the pages of a run that each of them can store. */
type ChainPlan = { pages: number; stagedPages: number }

export class ChainReader {
  readonly #parts: ChainReaderParts & { chunks: number }

  constructor(parts: ChainReaderParts) {
    this.#parts = { ...parts, chunks: parts.chunks ?? CHUNKS }
  }

  /**
   * Loads what of the model is here and has the others load theirs. A stage that is lost is waited for: its process may be about to
   * begin anew. Throws invalid_file for a model that is not cut, out_of_memory where one of the isolates has no room, what made a
   * stage fail, and lane_lost for one that cannot be reached for long.
   */
  async read(manifest: Manifest, window: WindowOptions, onProgress: OnProgress): Promise<ChainModel> {
    const { clock } = this.#parts
    const shares = sharesOf(manifest)
    const began = clock.now()
    for (;;) {
      try {
        return await this.#attempt({ manifest, shares, window }, joinedProgress(shares, onProgress))
      } catch (error) {
        if (!AWAITED.includes(errorCode(error)) || clock.now() - began > LOST_MS) throw error
      }
      await clock.wait(RETRY_MS)
      // Whoever waits for this load sees that it goes on.
      onProgress(0, 0)
    }
  }

  async #attempt(
    {
      manifest,
      shares,
      window,
    }: { manifest: Manifest; shares: readonly StageShare[]; window: WindowOptions },
    progress: (index: number) => OnProgress,
  ): Promise<ChainModel> {
    const { clock, chunk, chunks, logitRows, door, newId, onMissing, hubs } = this.#parts
    const { spec } = manifest
    const { pages, stagedPages } = this.#plan(manifest, window)
    const plan = planOf(window, pages)
    const setup = { engine: newId(), window, chunk, logitRows, pages }
    const links = shares
      .slice(1)
      .map((share, i) => new Link({ name: `stage ${i + 1}`, share, door: door(i + 1), clock }))
    const layers = links.filter(({ share }) => !isTable(spec, share.range))
    const tables = links.filter(({ share }) => isTable(spec, share.range))
    const hub = this.#hub(manifest, { window, pages }, progress(0))
    try {
      await Promise.all([hub, ...links.map((link, i) => link.open(setup, progress(i + 1)))])
      const stepsUnderWay = await this.#stepsUnderWay(layers)
      return new ChainModel({
        hub: await hub,
        layers,
        tables,
        stepsUnderWay,
        chunks,
        stagedPages,
        clock,
        onMissing,
        onRelease(stage, isSound) {
          if (isSound) Object.assign(hubs, { plan, stage })
          else stage.release()
        },
      })
    } catch (error) {
      for (const link of links) link.close()
      Object.assign(hubs, { plan, stage: await hub })
      throw error
    }
  }

  /** One for each isolate that computes beside the others. */
  async #stepsUnderWay(layers: readonly Link[]): Promise<number> {
    let steps = 1
    for (const link of layers) if (this.#parts.isBeside ?? (await link.isBeside())) steps += 1
    return Math.min(steps, MOST_STEPS)
  }

  async #hub(
    manifest: Manifest,
    { window, pages }: { window: WindowOptions; pages: number },
    onProgress: OnProgress,
  ): Promise<Stage> {
    const { source, kernels, chunk, logitRows, hubs } = this.#parts
    const { plan, stage } = hubs
    delete hubs.stage
    if (stage !== undefined && plan === planOf(window, pages)) return stage
    stage?.release()
    return loadModel(manifest, source, { window, chunk, logitRows, pages, kernels, onProgress })
  }

  #plan(manifest: Manifest, window: WindowOptions): ChainPlan {
    const { chunk, chunks, logitRows, poolPages } = this.#parts
    const { spec, stage } = manifest
    const perSequence = chainPages(spec, { window, chunk, chunks })
    const plans = stage!.shares.map(({ range, weightBytes }, index) => {
      const plan = planMemory(spec, weightBytes, { window, chunk, logitRows, range, pages: perSequence })
      const beside = index === 0 ? hubBytes(manifest, range, logitRows) : 0
      return { range, plan, pages: poolPages(plan, index === 0, beside) }
    })
    const staged = plans.flatMap(({ range, plan }) =>
      range.from < range.to ? plan.buffers.staging.pages : [],
    )
    return { pages: Math.min(...plans.map(({ pages }) => pages)), stagedPages: Math.min(...staged) }
  }
}

function sharesOf({ id, stage }: Manifest): readonly StageShare[] {
  if (stage === undefined || stage.index !== 0)
    throw new IsletError('invalid_file', `${id} is not cut into the stages of a chain: pack it with --stages`)
  return stage.shares
}

function planOf(window: WindowOptions, pages: number): string {
  return JSON.stringify([window, pages])
}

/** Progress of each share by its place; all of them together is told. */
function joinedProgress(
  shares: readonly StageShare[],
  onProgress: OnProgress,
): (index: number) => OnProgress {
  const done = shares.map(() => 0)
  const totals = shares.map(({ weightBytes }) => weightBytes)
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
  return (index) => (bytes, total) => {
    done[index] = bytes
    if (total > 0) totals[index] = total
    onProgress(sum(done), sum(totals))
  }
}
