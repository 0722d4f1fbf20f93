// Attention lets one row see its pages: it picks pages and query (sinks have their own), and calls kernels.

import { visible, type WindowOptions } from '../cache/window.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { pow } from '../lib/math.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { KvKind, StepBuffers } from './buffers.ts'
import type { KvPool } from './kv-pool.ts'
import type { Addend } from './linear.ts'
import type { Row } from './model.ts'

/** A run of whole pages and the slots of it that are seen, counted from the run's first slot. */
type Segment = { firstPage: number; pages: number; low: number; high: number }

/**
 * What one row attends to, worked out once a step and view: `sinks` has no pages while nothing is out of
 * sight. Towards the sinks the query stands at `sinkPosition`.
 */
export type Sight = { sinks: Segment; recent: Segment; sinkPosition: number }

/**
 * How a row's query turns: cos/sin tables for its own position and towards the sinks, and the factor of its
 * scores.
 */
export type QueryRotation = { half: number; rotation: number; sinkRotation: number; factor: number }

/** What keys lack: all of them, and that of position 0 besides. Negated, f32. */
export type KeyCentres = { keyCentre: Addend | undefined; firstKey: Addend | undefined }

const NOTHING: Segment = { firstPage: 0, pages: 0, low: 0, high: 0 }

function segment(start: number, end: number): Segment {
  const firstPage = Math.floor(start / PAGE_POSITIONS)
  const pages = Math.ceil(end / PAGE_POSITIONS) - firstPage
  const origin = firstPage * PAGE_POSITIONS
  return { firstPage, pages, low: start - origin, high: end - origin }
}

/** What `row` sees. Throws RangeError if a page of it was given back. */
export function sightOf(row: Row, window: WindowOptions): Sight {
  const { sinkEnd, start, sinkQueryPosition } = visible(row.position, window)
  const sight = {
    sinks: sinkEnd > 0 ? segment(0, sinkEnd) : NOTHING,
    // A row of a prefix sees all of it.
    recent: segment(start, Math.max(row.position + 1, row.shape?.prefix ?? 0)),
    sinkPosition: sinkQueryPosition,
  }
  for (const { firstPage, pages } of [sight.sinks, sight.recent]) {
    for (let index = firstPage; index < firstPage + pages; index++) {
      if (row.pages[index] === undefined)
        throw new RangeError(`page ${index} of position ${row.position} is gone`)
    }
  }
  return sight
}

export class Attention {
  readonly #kernels: Kernels
  readonly #spec: ModelSpec
  readonly #kv: KvKind
  readonly #buffers: StepBuffers
  readonly #words: Uint32Array
  readonly #floats: Float32Array
  readonly #bytes: Uint8Array
  readonly #pool: KvPool

  constructor(
    kernels: Kernels,
    spec: ModelSpec,
    kv: KvKind,
    buffers: StepBuffers,
    memory: WebAssembly.Memory,
    pool: KvPool,
  ) {
    this.#pool = pool
    this.#kernels = kernels
    this.#spec = spec
    this.#kv = kv
    this.#buffers = buffers
    this.#words = new Uint32Array(memory.buffer)
    this.#floats = new Float32Array(memory.buffer)
    this.#bytes = new Uint8Array(memory.buffer)
    fillSlopes(spec, new Float32Array(memory.buffer, buffers.slopes, spec.heads))
  }

  /** Writes one position's k (rotated; left transformed) and v into `slot` of a page. */
  write(layer: number, page: number, slot: number, k: number, v: number): void {
    const { kvHeads, headDim } = this.#spec
    const keys = this.#pool.keysAt(layer, page)
    const values = keys + this.#pool.valuesOffset
    if (this.#kv === 'f32') return this.#kernels.kv_write_f32(keys, values, slot, k, v, kvHeads, headDim)
    this.#kernels.hadamard(k, kvHeads, headDim)
    this.#kernels.kv_write_q8(keys, values, slot, k, v, kvHeads, headDim)
  }

  /**
   * out (heads, headDim) f32 = attention of the query q, which has not turned yet, in a layer with `alibi` or
   * without. `warm`: the row before has just read the same pages, so that their values are in the cache.
   */
  attend(
    out: number,
    q: number,
    row: Row,
    sight: Sight,
    turn: QueryRotation,
    layer: number,
    alibi: boolean,
    warm: boolean,
    { keyCentre, firstKey }: KeyCentres,
  ): void {
    const { heads, kvHeads, headDim } = this.#spec
    const { sinks, recent } = sight
    const b = this.#buffers
    const pages = sinks.pages + recent.pages
    this.#fillTable(b.table, row, sinks, layer)
    this.#fillTable(b.table + sinks.pages * 4, row, recent, layer)

    const slot = sinks.pages * PAGE_POSITIONS
    if (sinks.pages > 0)
      this.#score(b.rotatedSinks, b.querySinks, q, turn, turn.sinkRotation, sinks, 0, warm, firstKey)
    this.#score(b.rotated, b.query, q, turn, turn.rotation, recent, slot, warm, firstKey)
    if (sinks.pages > 0 && keyCentre !== undefined) this.#equate(keyCentre, q, turn, slot)
    if (alibi) {
      if (sinks.pages > 0) this.#bias(sinks, 0, sight.sinkPosition)
      this.#bias(recent, slot, row.position)
    }
    this.#kernels.softmax(b.scores, b.slots, b.sums, pages * PAGE_POSITIONS, heads)
    const offset = this.#pool.valuesOffset
    if (this.#kv === 'q8') {
      this.#kernels.values_q8(out, b.scores, b.slots, b.table, offset, pages, heads, kvHeads, headDim)
    } else {
      this.#bytes.fill(0, out, out + heads * headDim * 4)
      this.#kernels.values_f32(out, b.scores, b.slots, b.table, offset, pages, heads, kvHeads, headDim)
    }
    this.#kernels.scale_heads(out, b.sums, heads, headDim)
  }

  /** ALiBi: slope x (key's position - the query's) onto the scores of a run that begins at `slot`. */
  #bias(run: Segment, slot: number, position: number): void {
    const { scores, slots, slopes } = this.#buffers
    const distance = run.firstPage * PAGE_POSITIONS - position
    this.#kernels.alibi(
      scores + slot * 4,
      slots,
      slopes,
      distance,
      run.pages * PAGE_POSITIONS,
      this.#spec.heads,
    )
  }

  /**
   * Keys lack their centre, by which the scores of a query lack the same everywhere, and softmax does not mind. But two
   * queries are two numbers: scores of the sinks, the first `slots` ones, get what they lack more than the others.
   */
  #equate(
    centre: Addend,
    q: number,
    { half, rotation, sinkRotation, factor }: QueryRotation,
    slots: number,
  ): void {
    const { heads, headDim } = this.#spec
    const { scores, slots: stride, rotated, centred } = this.#buffers
    const dots = (turned: number, to: number): void => {
      this.#kernels.rope(rotated, q, heads, headDim, half, turned)
      this.#dots(centre, rotated, to)
    }
    dots(sinkRotation, centred)
    dots(rotation, centred + heads * 4)
    const ofSinks = centred >>> 2
    for (let head = 0; head < heads; head++) {
      // The stored centre is negated.
      const difference = Math.fround(this.#floats[ofSinks + heads + head] - this.#floats[ofSinks + head])
      const lacking = Math.fround(difference * factor)
      const row = (scores >>> 2) + head * stride
      for (let i = row; i < row + slots; i++) this.#floats[i] += lacking
    }
  }

  /** (heads) f32 dots of a query, as it has turned, with a vector of all KV heads. */
  #dots({ at }: Addend, query: number, to: number): void {
    const { heads, kvHeads, headDim } = this.#spec
    const group = heads / kvHeads
    for (let head = 0; head < heads; head += group) {
      const from = query + head * headDim * 4
      const vector = at + (head / group) * headDim * 4
      this.#kernels.matmul_f32(to + head * 4, 4, vector, from, headDim * 4, 1, headDim, group)
    }
  }

  /**
   * The key of position 0 lacks more than the others do, by a vector of its own: its scores, the first ones, get the query's
   * dot with that.
   */
  #equateFirst(factor: number): void {
    const { scores, slots, centred } = this.#buffers
    for (let head = 0; head < this.#spec.heads; head++) {
      // The stored vector is negated.
      this.#floats[(scores >>> 2) + head * slots] -= Math.fround(
        this.#floats[(centred >>> 2) + head] * factor,
      )
    }
  }

  /** Addresses of the layer's keys in each page of a run. */
  #fillTable(table: number, { pages }: Row, run: Segment, layer: number): void {
    for (let i = 0; i < run.pages; i++) {
      this.#words[(table >>> 2) + i] = this.#pool.keysAt(layer, pages[run.firstPage + i] ?? 0)
    }
  }

  #score(
    rotated: number,
    query: number,
    q: number,
    { half, factor }: QueryRotation,
    rotation: number,
    run: Segment,
    slot: number,
    warm: boolean,
    firstKey: Addend | undefined,
  ): void {
    const { heads, kvHeads, headDim } = this.#spec
    const { scores, slots, table, centred } = this.#buffers
    const to = scores + slot * 4
    const from = table + (slot / PAGE_POSITIONS) * 4
    this.#kernels.rope(rotated, q, heads, headDim, half, rotation)
    // Behind sinks, which are a run of their own, page 0 may come once more without its first slot.
    const first = run.firstPage === 0 && run.low === 0 ? firstKey : undefined
    if (first !== undefined) this.#dots(first, rotated, centred)
    if (this.#kv === 'q8') {
      this.#kernels.hadamard(rotated, heads, headDim)
      this.#kernels.quantize_query(query, rotated, heads, headDim, factor)
      const offset = warm ? 0 : this.#pool.valuesOffset
      this.#kernels.score_q8(
        to,
        slots,
        query,
        from,
        offset,
        run.pages,
        run.low,
        run.high,
        heads,
        kvHeads,
        headDim,
      )
    } else {
      this.#kernels.score_f32(
        to,
        slots,
        rotated,
        from,
        run.pages,
        run.low,
        run.high,
        heads,
        kvHeads,
        headDim,
        factor,
      )
    }
    if (first !== undefined) this.#equateFirst(factor)
  }
}

/**
 * Slopes of the heads (arXiv 2108.12409): a geometric run for a power of two, every second one of the next
 * finer run for the rest.
 */
function fillSlopes({ heads, attention }: ModelSpec, out: Float32Array): void {
  const alibi = attention.kinds.map(({ position }) => position).find((position) => position.kind === 'alibi')
  if (alibi === undefined) return
  const whole = 1 << (31 - Math.clz32(heads))
  for (let head = 0; head < heads; head++) {
    const exponent =
      head < whole
        ? (-alibi.maxBias * (head + 1)) / whole
        : (-alibi.maxBias * (2 * (head - whole) + 1)) / (2 * whole)
    out[head] = pow(2, exponent)
  }
}
