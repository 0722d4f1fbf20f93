// A stage runs rows through a range of layers, with or without embedding and head; with all, it is a model.
// Of a chain's hub embedding and layers are one run, the head another: other stages run what lies between.

import type { WindowOptions } from '../cache/window.ts'
import { dotsByPairs } from '../kernels/choose.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { HostSignal } from '../kernels/wasm.ts'
import type { ModelSpec } from '../models/spec.ts'
import { tableRows, type LayerRange } from '../weights/layer-range.ts'
import { kvLayerBytes, rowBytes } from './buffers.ts'
import { Head } from './head.ts'
import { KvPool } from './kv-pool.ts'
import { LayeredRun, type LayerSpan, type PageRun, type RowRoom } from './layered-run.ts'
import { Linear, type Matrix } from './linear.ts'
import type { LocalModel, Outputs, Row, Yield } from './model.ts'
import { RowViews } from './row-views.ts'
import type { StageParts } from './stage-parts.ts'
import { Staging } from './staging.ts'
import { Sublayers } from './sublayers.ts'

/** V8 compiles a kernel anew after a few milliseconds of it; more would only delay the weights. */
const WARM_UPS = 2
const WARM_UP_ROWS = 64

/**
 * What a stage leaves behind: with the head what rows yield, else their residual streams. Asking for the
 * other throws RangeError.
 */
export interface StageOutputs extends Outputs {
  /**
   * The input of the next stage, copied: (rows, hidden) f32 of all rows, but from the last layer on only of
   * those that yield something. To be asked for before the stage's next call and its staging's.
   */
  stream(): Float32Array
}

export class Stage implements LocalModel, StageOutputs {
  readonly spec: ModelSpec
  readonly range: LayerRange
  /** Of the whole model: pages live as long in all of its stages. */
  readonly window: WindowOptions
  readonly maxRows: number
  readonly maxLogitRows: number
  /** K and V of the stage's layers; a sequence has the same page numbers in all stages. */
  readonly pages: KvPool
  readonly staging: Staging
  readonly signal: HostSignal
  readonly linearMemoryBytes: number
  /** Whether rows take longer here than where a four-byte dot is one instruction. */
  readonly dotsByPairs: boolean
  readonly #parts: StageParts
  readonly #views: RowViews
  readonly #sublayers: Sublayers
  readonly #head: Head | undefined
  readonly #bytes: Uint8Array
  readonly #floats: Float32Array
  /** Rows at the front of the residual stream after the last step. */
  #left = 0

  constructor(parts: StageParts) {
    const { spec, range, kv, kernels, memory, buffers, tensors } = parts
    this.#parts = parts
    this.spec = spec
    this.range = range
    this.window = parts.views.widest
    this.maxRows = parts.maxRows
    this.maxLogitRows = parts.maxLogitRows
    const layers = range.to - range.from
    this.pages = new KvPool({ ...parts.pool, layers, layerBytes: kvLayerBytes(spec, kv) }, memory)
    this.staging = new Staging(this.pages, { ...buffers.staging, checksum: parts.checksum }, kernels, memory)
    this.signal = new HostSignal(kernels, memory)
    this.linearMemoryBytes = memory.buffer.byteLength
    this.dotsByPairs = dotsByPairs(kernels)
    const linear = new Linear(kernels, buffers, memory)
    this.#views = new RowViews(parts)
    this.#sublayers = new Sublayers(parts, linear, this.pages)
    this.#head = tensors.head && new Head(parts, tensors.head, linear)
    this.#bytes = new Uint8Array(memory.buffer)
    this.#floats = new Float32Array(memory.buffer)
  }

  /**
   * To be called when the model is given up: the host holds the memory of an instance that may listen until
   * it is collected.
   */
  release(): void {
    this.signal.end()
  }

  /**
   * See Model.run. A stage that begins with the embedding takes the rows' ids, any other what the stage before
   * it left of these rows. A stage behind the last layer writes no K and V. Throws RangeError where the stream
   * is not that of the rows.
   */
  run(rows: readonly Row[], stream?: Float32Array): StageOutputs {
    const { layers } = this.spec
    const { from, to } = this.range
    if (rows.length === 0 || rows.length > this.maxRows) throw new RangeError(`${rows.length} rows in a step`)
    const all = rows.map((_, i) => i)
    const wanted = all.filter((i) => rows[i].yields !== 'nothing')
    const logitRows = wanted.filter((i) => rows[i].yields === 'logits').length
    if (this.#head !== undefined && logitRows > this.maxLogitRows)
      throw new RangeError(`${logitRows} rows ask for logits`)
    const count = from === layers ? wanted.length : rows.length
    const takesIds = this.range.embedding && from === 0
    if (takesIds && stream !== undefined) throw new RangeError('a stage with the embedding takes ids')
    if (!takesIds) this.#checkStream(stream, count)
    // Of the model's last layer the other rows are of use for their keys and values alone.
    const kept = to === layers ? wanted : all
    this.#enter(rows.slice(0, count), stream)
    this.#layers(rows, { from: 0, to: to - from }, kept)
    this.#left = kept.length
    if (to === layers)
      this.#head?.run(
        wanted.map((i) => rows[i].yields),
        logitRows,
      )
    return this
  }

  /** The embeddings of ids, copied: (ids, hidden) f32. Throws RangeError for one whose row is not here. */
  embed(ids: readonly number[]): Float32Array {
    const { embedding } = this.#parts.tensors
    if (embedding === undefined) throw new RangeError('a stage without the embedding has no row of it')
    if (ids.length > this.maxRows) throw new RangeError(`${ids.length} rows in a step`)
    ids.forEach((id, i) => this.#embed(this.#rowAt(i), id, embedding))
    this.#left = ids.length
    return this.#copied()
  }

  /**
   * What rows yield of the stream behind the last layer, (yields, hidden) f32: the head's part of a step whose layers
   * were run elsewhere. Of a table's rows alone the logits are those of these rows.
   */
  conclude(yields: readonly Yield[], stream: Float32Array): Outputs {
    const head = this.#outputs
    const logitRows = yields.filter((what) => what === 'logits').length
    if (yields.length > this.maxRows || logitRows > this.maxLogitRows)
      throw new RangeError(`${yields.length} rows yield something, ${logitRows} of them logits`)
    this.#checkStream(stream, yields.length)
    this.#put(stream)
    head.run(yields, logitRows)
    return head
  }

  /** Rows that yield nothing, to be taken through the layers as these arrive. Between two layers they lie in `spare`, pages of nobody. */
  layered(rows: readonly Row[], spare: PageRun): LayeredRun {
    const { maxRows, spec } = this
    const through = (some: readonly Row[], span: LayerSpan, room: RowRoom, first: number): void => {
      if (span.from === 0) this.#enter(some)
      else this.#move(some.length, (i) => [this.#rowAt(i), room.at(first + i)])
      this.#layers(some, span, span.to === spec.layers ? [] : some.map((_, i) => i))
      if (span.to < spec.layers) this.#move(some.length, (i) => [room.at(first + i), this.#rowAt(i)])
    }
    const stage = { maxRows, layers: spec.layers, through }
    return new LayeredRun(stage, rows, this.pages.room(spare, rowBytes(spec.hidden)))
  }

  logits(index: number): Float32Array {
    return this.#outputs.logits(index)
  }

  hidden(index: number): Float32Array {
    return this.#outputs.hidden(index)
  }

  stream(): Float32Array {
    // Logits lie where the stream was.
    if (this.#head !== undefined && this.range.to === this.spec.layers)
      throw new RangeError('a stage with the head leaves no residual stream')
    return this.#copied()
  }

  #copied(): Float32Array {
    const { hidden } = this.spec
    const out = new Float32Array(this.#left * hidden)
    for (let i = 0; i < this.#left; i++) {
      const at = this.#rowAt(i) >>> 2
      out.set(this.#floats.subarray(at, at + hidden), i * hidden)
    }
    return out
  }

  /**
   * Runs the first layer on whatever memory holds, and some of the head, so that the host compiles the
   * kernels with its better compiler while weights still stream in. Leaves nothing that a real step would
   * read: pages are written before they are seen.
   */
  warmUp(): void {
    const count = Math.min(this.maxRows, this.pages.count * PAGE_POSITIONS, WARM_UP_ROWS)
    const id = tableRows(this.spec, this.range).first
    const rows = Array.from({ length: count }, (_, position): Row => ({
      id,
      position,
      pages: Array.from({ length: Math.ceil(count / PAGE_POSITIONS) }, (_, page) => page),
      yields: 'nothing',
    }))
    const span = { from: 0, to: Math.min(1, this.range.to - this.range.from) }
    const [one] = rows
    for (let i = 0; i < WARM_UPS; i++) {
      this.#enter(rows)
      this.#layers(rows, span, [])
    }
    for (let i = 1; i < WARM_UPS; i++) {
      this.#enter([one])
      this.#layers([one], span, [])
    }
    this.#head?.warmUp()
  }

  /** Runs some layers, counted from the stage's first; the last of them keeps the rows `kept`. */
  #layers(rows: readonly Row[], { from, to }: LayerSpan, kept: readonly number[]): void {
    const views = rows.map((row, i) => this.#views.of(row, i))
    const all = rows.map((_, i) => i)
    for (let index = from; index < to; index++) {
      const going = index === to - 1 ? kept : all
      const first = this.#sublayers.attend(index, rows, views, going)
      this.#sublayers.mlp(index, going.length, first)
    }
  }

  /**
   * Puts rows into the residual stream: their tokens' embeddings, or what the stage before made of them.
   */
  #enter(rows: readonly Row[], stream?: Float32Array): void {
    const { embedding } = this.#parts.tensors
    if (stream !== undefined) this.#put(stream)
    else if (embedding !== undefined) rows.forEach(({ id }, i) => this.#embed(this.#rowAt(i), id, embedding))
  }

  #put(stream: Float32Array): void {
    const { hidden } = this.spec
    for (let i = 0; i * hidden < stream.length; i++)
      this.#floats.set(stream.subarray(i * hidden, (i + 1) * hidden), this.#rowAt(i) >>> 2)
  }

  /** Moves rows of the residual stream, each [to, from] what `places` says. */
  #move(rows: number, places: (row: number) => [to: number, from: number]): void {
    const bytes = rowBytes(this.spec.hidden)
    for (let i = 0; i < rows; i++) {
      const [to, from] = places(i)
      this.#bytes.copyWithin(to, from, from + bytes)
    }
  }

  #embed(out: number, id: number, table: readonly Matrix[]): void {
    const { kernels } = this.#parts
    const { first, end } = tableRows(this.spec, this.range)
    if (id < first || id >= end) throw new RangeError(`id ${id} is none of rows [${first}, ${end})`)
    let part = 0
    let row = id - first
    while (row >= table[part].rows) row -= table[part++].rows
    const { at, kind, cols } = table[part]
    if (kind === 'f32') this.#bytes.copyWithin(out, at + row * cols * 4, at + (row + 1) * cols * 4)
    else kernels[`embed_${kind}`](out, at, row, cols)
    const { embeddingScale, hidden } = this.spec
    if (embeddingScale !== 1) kernels.scale(out, hidden, embeddingScale)
  }

  #checkStream(stream: Float32Array | undefined, rows: number): void {
    if (stream?.length !== rows * this.spec.hidden)
      throw new RangeError(`${stream?.length ?? 'no'} numbers of a stream of ${rows} x ${this.spec.hidden}`)
  }

  get #outputs(): Head {
    if (this.#head === undefined) throw new RangeError('a stage without the head yields a residual stream')
    return this.#head
  }

  #rowAt(i: number): number {
    return this.#parts.buffers.x + i * rowBytes(this.spec.hidden)
  }
}
