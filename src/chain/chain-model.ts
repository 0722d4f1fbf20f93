// A chain model is a model of several isolates: the hub's stage is here, the others are reached by links.
// Pages have one number in all stages; what happens to them here is told to the others before their next rows.

import type { WindowOptions } from '../cache/window.ts'
import type { Model, Outputs, Pages, PageStaging, Row, Yield } from '../graph/model.ts'
import type { Stage } from '../graph/stage.ts'
import type { HostSignal } from '../kernels/wasm.ts'
import { discard } from '../lib/byte-reader.ts'
import type { Clock } from '../lib/clock.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { StageHealth } from '../protocol/lane-reports.ts'
import { isHub, tableRows } from '../weights/layer-range.ts'
import { ChainOutputs } from './chain-outputs.ts'
import { joined, pageNumbers, plainRows, yieldsOf, type PageOp } from './messages.ts'
import { MissingRuns, type Link } from './link.ts'

export type ChainParts = {
  hub: Stage
  /** Stages with layers, in their order, and those with rows of the table. */
  layers: readonly Link[]
  tables: readonly Link[]
  /** Steps of different turns that are under way at once. */
  stepsUnderWay: number
  /** Chunks of a prompt that go through the stages one behind the other in one step. */
  chunks: number
  /** Pages that all stages can store as one run; 0: none are stored. */
  stagedPages: number
  clock: Clock
  /** Told which runs of pages are of no use, since a stage has lost its part. */
  onMissing(runs: readonly number[]): void
  /** `isSound`: whether the hub's stage may serve another engine. */
  onRelease(hub: Stage, isSound: boolean): void
}

/** Chunks of a step that the stage behind the hub has before it or in work. */
const IN_FLIGHT = 2

/** What happens to pages is told after so long where no step tells it. */
const FLUSH_MS = 200

/** In place of pages where the hub has no layers: a row of storage has bytes. */
const NO_BYTES = new Uint8Array(1)

/** What the first of the stages behind the hub makes of a chunk, and what the last of them leaves. */
type Passage = { first: Promise<Float32Array>; last: Promise<Float32Array> }

export class ChainModel implements Model {
  readonly spec: ModelSpec
  readonly window: WindowOptions
  readonly maxRows: number
  readonly maxLogitRows: number
  readonly pages: Pages
  readonly staging: PageStaging
  readonly signal: HostSignal
  readonly linearMemoryBytes: number
  readonly dotsByPairs: boolean
  readonly #links: readonly Link[]
  readonly #parts: ChainParts
  readonly stepsUnderWay: number
  /** The hub's scratch holds nothing while others compute, and calls are answered in their order. */
  readonly stagesAnytime = true
  /** Taken in turn, so that what one step has left is there when another ends. */
  readonly #outputs: ChainOutputs[]
  #isFlushing = false
  /**
   * What was sent leaves in a turn of the host, and what the hub computes for others before that keeps a stage waiting. An answer
   * tells too that it has left.
   */
  #leaving: Promise<unknown> | undefined
  #failure: unknown
  /** Whether the hub's own stage failed. */
  #isBroken = false

  constructor(parts: ChainParts) {
    const { hub, layers, tables, stagedPages } = parts
    this.#parts = parts
    this.#links = [...layers, ...tables]
    this.spec = hub.spec
    this.window = hub.window
    // A prefix that sees itself both ways is one call of each stage.
    const isPipeline = layers.length > 0 && hub.spec.prefix === undefined
    this.maxRows = isPipeline ? parts.chunks * hub.maxRows : hub.maxRows
    this.maxLogitRows = hub.maxLogitRows
    this.signal = hub.signal
    this.linearMemoryBytes = hub.linearMemoryBytes
    this.dotsByPairs = hub.dotsByPairs
    this.stepsUnderWay = parts.stepsUnderWay
    this.#outputs = Array.from({ length: parts.stepsUnderWay }, () => new ChainOutputs(hub))
    this.pages = {
      count: hub.pages.count,
      pageBytes: hub.pages.pageBytes,
      copy: (to, from) => {
        hub.pages.copy(to, from)
        this.#tell({ do: 'copy', to, from })
      },
      read: notHere,
      write: notHere,
    }
    const hasPages = hub.pages.pageBytes > 0
    this.staging = {
      pages: stagedPages,
      gather: (pages, names) => {
        this.#tell({ do: 'save', names, pages: Int32Array.from(pages) })
        return hasPages ? hub.staging.gather(pages) : { bytes: NO_BYTES, checksum: '' }
      },
      scatter: (bytes, checksum, pages, names) => {
        if (hasPages && !hub.staging.scatter(bytes, checksum, pages)) return false
        this.#tell({ do: 'restore', names, pages: pageNumbers(pages) })
        return true
      },
      drop: (runs) => this.#tell({ do: 'drop', runs }),
    }
  }

  async run(rows: readonly Row[]): Promise<Outputs> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return await this.#run(rows)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  /** The stages behind the hub, for health. */
  get stages(): StageHealth[] {
    return this.#links.map(({ name, state, linearMemoryBytes, hops }) => {
      const { calls, lastMs, slowestMs } = hops
      return { name, state, linearMemoryBytes, calls, lastHopMs: lastMs, slowestHopMs: slowestMs }
    })
  }

  /** Ends the sessions with the stages; the hub's stage goes to whoever makes the next chain of it. */
  release(): void {
    for (const link of this.#links) link.close()
    this.#parts.onRelease(this.#parts.hub, !this.#isBroken)
  }

  async #run(rows: readonly Row[]): Promise<Outputs> {
    const { hub } = this.#parts
    const embedded = await this.#embedded(rows)
    const { hidden } = this.spec
    const isAlone = this.stepsUnderWay === 1 && rows.length <= hub.maxRows
    const passages: Passage[] = []
    for (let from = 0; from < rows.length; from += hub.maxRows) {
      const chunk = rows.slice(from, from + hub.maxRows)
      await Promise.all([passages.at(-IN_FLIGHT)?.first, this.#leaving])
      const entering = embedded?.subarray(from * hidden, (from + chunk.length) * hidden)
      const stream = this.#here(() => hub.run(chunk, entering).stream())
      passages.push(this.#through(chunk, stream, isAlone))
    }
    const yields = rows.flatMap((row) => (row.yields === 'nothing' ? [] : row.yields))
    const left = await Promise.all(passages.map(({ last }) => last))
    return this.#conclude(yields, left.length === 1 ? left[0] : joined(left))
  }

  /** Sends a chunk through the stages with layers, one after the other. `isAlone`: nothing else is computed meanwhile. */
  #through(chunk: readonly Row[], stream: Float32Array, isAlone: boolean): Passage {
    const { layers } = this.#parts
    const rows = plainRows(chunk)
    const [next, ...others] = layers
    const first = next === undefined ? Promise.resolve(stream) : next.run(rows, stream)
    if (next !== undefined && !isAlone)
      this.#leaving = Promise.race([first.catch(() => undefined), this.#parts.clock.wait(0)])
    const last = others.reduce((before, link) => before.then((made) => link.run(rows, made)), first)
    // Looked at in its turn: until then a failure is nobody's.
    for (const each of [first, last]) each.catch(() => undefined)
    return { first, last }
  }

  /** Embeddings of rows, where the hub has no table. */
  async #embedded(rows: readonly Row[]): Promise<Float32Array | undefined> {
    const { hub, tables } = this.#parts
    if (hub.range.embedding) return undefined
    const { hidden } = this.spec
    const out = new Float32Array(rows.length * hidden)
    const asked = tables.flatMap(async (table) => {
      if (!table.share.range.embedding) return
      const { first, end } = tableRows(this.spec, table.share.range)
      const own = rows.flatMap(({ id }, i) => (id >= first && id < end ? i : []))
      for (let at = 0; at < own.length; at += hub.maxRows) {
        const some = own.slice(at, at + hub.maxRows)
        const found = await table.embed(Int32Array.from(some, (i) => rows[i].id))
        some.forEach((row, i) => out.set(found.subarray(i * hidden, (i + 1) * hidden), row * hidden))
      }
    })
    await Promise.all(asked)
    return out
  }

  /** What rows yield of what the last layer has left of them. */
  async #conclude(yields: readonly Yield[], stream: Float32Array): Promise<Outputs> {
    const { hub, tables } = this.#parts
    await this.#leaving
    const outputs = this.#outputs.shift()!
    this.#outputs.push(outputs)
    outputs.begin(yields.filter((what) => what === 'logits').length)
    const { hidden } = this.spec
    for (let from = 0; from < yields.length; from += hub.maxRows) {
      const some = yields.slice(from, from + hub.maxRows)
      const part = stream.slice(from * hidden, (from + some.length) * hidden)
      if (isHub(this.spec, hub.range)) {
        const made = this.#here(() => hub.conclude(some, part))
        // Where no other step may come before it is read.
        if (this.stepsUnderWay === 1 && some.length === yields.length) return made
        outputs.add(some, made)
        continue
      }
      const heads = tables.filter(({ share }) => share.range.head)
      const replies = await Promise.all(heads.map((table) => table.conclude(yieldsOf(some), part)))
      replies.forEach(({ logits, hidden: states }, i) => {
        const rows = tableRows(this.spec, heads[i].share.range)
        outputs.addPart(some, rows, logits!, i === 0 ? states : undefined)
        // Of a large vocabulary half a megabyte a token, which would linger until the host next collects its garbage.
        discard(logits!.buffer)
      })
    }
    return outputs
  }

  #tell(op: PageOp): void {
    for (const link of this.#parts.layers) link.enqueue(op)
    if (!this.#isFlushing && this.#parts.layers.length > 0) void this.#flushLater()
  }

  /** Never rejects: the next step tells what failed. */
  async #flushLater(): Promise<void> {
    const { layers, clock } = this.#parts
    this.#isFlushing = true
    try {
      await clock.wait(FLUSH_MS)
      this.#isFlushing = false
      if (this.#failure === undefined)
        await Promise.all(layers.filter(({ hasOps }) => hasOps).map((link) => link.flush()))
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    if (error instanceof MissingRuns) this.#parts.onMissing(error.runs)
  }

  /** What the hub computes itself. */
  #here<T>(compute: () => T): T {
    try {
      return compute()
    } catch (error) {
      this.#isBroken = true
      throw error
    }
  }
}

function notHere(): never {
  throw new RangeError('the bytes of a page lie in several stages')
}
