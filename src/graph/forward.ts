// The graph runs rows of tokens through embedding, layers and head. It reads the spec, knows no family.

import type { WindowOptions } from '../cache/window.ts'
import { PAGE_POSITIONS, TILE_ROWS } from '../kernels/layout.ts'
import { HostSignal } from '../kernels/wasm.ts'
import { log } from '../lib/math.ts'
import type { ModelSpec } from '../models/spec.ts'
import { Attention, sightOf, type Sight, type QueryRotation } from './attention.ts'
import { kvLayerBytes, padded } from './buffers.ts'
import type { GraphParts } from './graph-parts.ts'
import { KvPool } from './kv-pool.ts'
import { layerOf, type Layer, type Norm } from './layer.ts'
import { Linear, type Matrix, type Product } from './linear.ts'
import type { LocalModel, Outputs, Row, Yield } from './model.ts'
import { rotationTable, type RotationTable } from './rotation.ts'
import { Staging } from './staging.ts'

/** What a row sees and how its query turns, by view. */
type RowViews = readonly { sight: Sight; turn: QueryRotation }[]

/** V8 compiles a kernel anew after a few milliseconds of it; more would only delay the weights. */
const WARM_UPS = 2
const WARM_UP_ROWS = 64

/** Of the head this part is enough for that. */
const WARM_HEAD = 4

export class Graph implements LocalModel, Outputs {
  readonly spec: ModelSpec
  readonly window: WindowOptions
  readonly maxRows: number
  readonly maxLogitRows: number
  readonly pages: KvPool
  readonly staging: Staging
  readonly signal: HostSignal
  readonly linearMemoryBytes: number
  readonly #parts: GraphParts
  readonly #linear: Linear
  readonly #attention: Attention
  readonly #layers: readonly Layer[]
  readonly #logits: readonly Product[]
  readonly #rotations: readonly RotationTable[]
  readonly #bytes: Uint8Array
  readonly #floats: Float32Array
  /** Of the last step. */
  #logitRows = 0

  constructor(parts: GraphParts) {
    this.#parts = parts
    this.spec = parts.spec
    this.window = parts.views.widest
    this.maxRows = parts.maxRows
    this.maxLogitRows = parts.maxLogitRows
    const layerBytes = kvLayerBytes(parts.spec, parts.kv)
    this.pages = new KvPool({ ...parts.pool, layers: parts.spec.layers, layerBytes }, parts.memory)
    const staging = { ...parts.buffers.staging, checksum: parts.checksum }
    this.staging = new Staging(this.pages, staging, parts.kernels, parts.memory)
    this.linearMemoryBytes = parts.memory.buffer.byteLength
    this.#linear = new Linear(parts.kernels, parts.buffers)
    const { kernels, spec, kv, buffers, memory } = parts
    this.#attention = new Attention(kernels, spec, kv, buffers, memory, this.pages)
    this.#layers = parts.tensors.layers.map((layer) =>
      layerOf(layer, parts.buffers, this.#stride(parts.spec.hidden)),
    )
    this.#logits = [
      { matrix: parts.tensors.head, out: parts.buffers.logits, stride: this.#stride(parts.spec.vocab) },
    ]
    this.#rotations = parts.views.list.map(({ position }) => rotationTable(position))
    this.signal = new HostSignal(kernels, memory)
    this.#bytes = new Uint8Array(parts.memory.buffer)
    this.#floats = new Float32Array(parts.memory.buffer)
  }

  /** To be called when the model is given up: the host holds the memory of an instance that may listen until it is collected. */
  release(): void {
    this.signal.end()
  }

  logits(index: number): Float32Array {
    const at = (this.#parts.buffers.logits >>> 2) + index * padded(this.spec.vocab)
    return this.#floats.subarray(at, at + this.spec.vocab)
  }

  hidden(index: number): Float32Array {
    const at = (this.#parts.buffers.normed >>> 2) + (this.#logitRows + index) * padded(this.spec.hidden)
    return this.#floats.subarray(at, at + this.spec.hidden)
  }

  /**
   * Runs the first layer on whatever memory holds, and some of the head, so that the host compiles the kernels with its better
   * compiler while weights still stream in. Leaves nothing that a real step would read: pages are written before they are seen.
   */
  warmUp(): void {
    const count = Math.min(this.maxRows, this.pages.count * PAGE_POSITIONS, WARM_UP_ROWS)
    const rows = Array.from({ length: count }, (_, position): Row => ({
      id: 0,
      position,
      pages: Array.from({ length: Math.ceil(count / PAGE_POSITIONS) }, (_, page) => page),
      yields: 'nothing',
    }))
    const [one] = rows
    for (let i = 0; i < WARM_UPS; i++) this.#run(rows, 1)
    for (let i = 1; i < WARM_UPS; i++) this.#run([one], 1)
    const [{ matrix, out, stride }] = this.#logits
    const part = { ...matrix, rows: Math.floor(matrix.rows / WARM_HEAD / TILE_ROWS) * TILE_ROWS }
    const { normed } = this.#parts.buffers
    this.#linear.multiply(normed, this.#stride(this.spec.hidden), 1, [{ matrix: part, out, stride }])
  }

  /** See Model.run. */
  run(rows: readonly Row[]): Outputs {
    this.#run(rows, this.#layers.length)
    return this
  }

  #run(rows: readonly Row[], layers: number): void {
    if (rows.length === 0 || rows.length > this.maxRows) throw new RangeError(`${rows.length} rows in a step`)
    const all = rows.map((_, i) => i)
    const wanted = all.filter((i) => rows[i].yields !== 'nothing')
    this.#logitRows = wanted.filter((i) => rows[i].yields === 'logits').length
    if (this.#logitRows > this.maxLogitRows) throw new RangeError(`${this.#logitRows} rows ask for logits`)
    const views = rows.map((row, i) => this.#viewsOf(row, i))
    rows.forEach((row, i) => this.#embed(this.#parts.buffers.x + i * this.#stride(this.spec.hidden), row.id))
    for (let index = 0; index < layers; index++) {
      // Of the last layer the others are of use for their keys and values alone.
      const kept = index === layers - 1 ? wanted : all
      this.#attend(index, rows, views, kept)
      this.#mlp(this.#layers[index], kept.length)
    }
    this.#head(wanted.map((i) => rows[i].yields))
  }

  /** Leaves the `kept` rows, by number, at the front of the residual stream. */
  #attend(index: number, rows: readonly Row[], views: readonly RowViews[], kept: readonly number[]): void {
    const layer = this.#layers[index]
    const view = this.#parts.views.ofLayer[index]
    const { buffers: b, kernels } = this.#parts
    const { hidden, heads, kvHeads, headDim } = this.spec
    this.#norm(b.normed, b.x, layer.attnNorm, rows.length)
    const products = kept.length === 0 ? layer.kv : layer.qkv
    this.#linear.apply(b.normed, this.#stride(hidden), rows.length, products)
    this.#residual(rows.length)
    // All keys and values of the step first: every query, of the same chunk too, reads them from the pages.
    const [q, k, v] = b.qkv.at
    for (let i = 0; i < rows.length; i++) {
      const { pages, position } = rows[i]
      const key = k + i * b.qkv.stride
      const value = v + i * b.qkv.stride
      const { half, rotation } = views[i][view].turn
      this.#normHeads(key, layer.kNorm, kvHeads)
      kernels.rope(key, key, kvHeads, headDim, half, rotation)
      const page = pages[Math.floor(position / PAGE_POSITIONS)]
      if (page === undefined) throw new RangeError(`no page for position ${position}`)
      this.#attention.write(index, page, position % PAGE_POSITIONS, key, value)
    }
    const stride = this.#stride(heads * headDim)
    const alibi = this.#parts.views.list[view].position.kind === 'alibi'
    kept.forEach((i, to) => {
      const out = b.attended + to * stride
      const query = q + i * b.qkv.stride
      const { sight, turn } = views[i][view]
      this.#normHeads(query, layer.qNorm, heads)
      const warm = to > 0 && rows[kept[to - 1]].pages === rows[i].pages
      this.#attention.attend(out, query, rows[i], sight, turn, index, alibi, warm)
      if (i !== to) this.#moveRow(to, i)
    })
    this.#linear.apply(b.attended, stride, kept.length, layer.o)
    this.#addBranch(layer.attnPostNorm, kept.length)
  }

  #moveRow(to: number, from: number): void {
    const stride = this.#stride(this.spec.hidden)
    const { x } = this.#parts.buffers
    this.#bytes.copyWithin(x + to * stride, x + from * stride, x + (from + 1) * stride)
  }

  #mlp(layer: Layer, rows: number): void {
    const { buffers: b, kernels } = this.#parts
    const { hidden, ffn, mlp } = this.spec
    this.#norm(b.normed, b.x, layer.mlpNorm, rows)
    this.#linear.apply(b.normed, this.#stride(hidden), rows, layer.gateUp)
    this.#residual(rows)
    const [first, up] = b.gateUp.at
    const { stride } = b.gateUp
    for (let at = 0; at < rows * stride; at += stride) {
      if (mlp.kind === 'plain') kernels.gelu(first + at, first + at, ffn)
      else if (mlp.activation === 'silu') kernels.silu_mul(first + at, first + at, up + at, ffn)
      else kernels.gelu_mul(first + at, first + at, up + at, ffn)
    }
    this.#linear.apply(first, stride, rows, layer.down)
    this.#addBranch(layer.mlpPostNorm, rows)
  }

  /** Where the stream goes on from the normed input, puts that in its place. */
  #residual(rows: number): void {
    const { residual, hidden } = this.spec
    if (residual === undefined) return
    const { x, normed } = this.#parts.buffers
    const bytes = rows * this.#stride(hidden)
    this.#bytes.copyWithin(x, normed, normed + bytes)
    this.#parts.kernels.scale(x, rows * padded(hidden), residual)
  }

  #addBranch(postNorm: Norm | undefined, rows: number): void {
    const { x, branch } = this.#parts.buffers
    if (postNorm !== undefined) this.#norm(branch, branch, postNorm, rows)
    this.#parts.kernels.add(x, branch, rows * padded(this.spec.hidden))
  }

  /** What the rows at the front of the residual stream yield: hidden states, those that become logits first. */
  #head(yields: readonly Yield[]): void {
    const { buffers: b, tensors, kernels } = this.#parts
    const width = this.#stride(this.spec.hidden)
    let [logits, hidden] = [0, this.#logitRows]
    yields.forEach((what, i) => {
      const to = what === 'logits' ? logits++ : hidden++
      this.#norm(b.normed + to * width, b.x + i * width, tensors.finalNorm, 1)
    })
    if (logits === 0) return
    this.#linear.multiply(b.normed, width, logits, this.#logits)
    if (tensors.headScale === undefined) return
    const stride = this.#stride(this.spec.vocab)
    for (let i = 0; i < logits; i++) kernels.mul(b.logits + i * stride, tensors.headScale.at, this.spec.vocab)
  }

  #embed(out: number, id: number): void {
    const { embedding } = this.#parts.tensors
    const { at, kind, cols } = embedding
    const { kernels } = this.#parts
    if (kind === 'f32') this.#bytes.copyWithin(out, at + id * cols * 4, at + (id + 1) * cols * 4)
    else kernels[`embed_${kind}`](out, at, id, cols)
    const { embeddingScale, hidden } = this.spec
    if (embeddingScale !== 1) kernels.scale(out, hidden, embeddingScale)
  }

  #norm(out: number, x: number, { weight, bias }: Norm, rows: number): void {
    const stride = this.#stride(this.spec.hidden)
    const { kernels } = this.#parts
    const { hidden, norm } = this.spec
    for (let at = 0; at < rows * stride; at += stride) {
      if (bias === undefined) kernels.rms_norm(out + at, x + at, weight.at, hidden, norm.eps)
      else kernels.layer_norm(out + at, x + at, weight.at, bias.at, hidden, norm.eps)
    }
  }

  #normHeads(x: number, weight: Matrix | undefined, heads: number): void {
    if (weight === undefined) return
    const { headDim, norm } = this.spec
    for (let at = x; at < x + heads * headDim * 4; at += headDim * 4)
      this.#parts.kernels.rms_norm(at, at, weight.at, headDim, norm.eps)
  }

  /** Fills the i-th row's rotations on the way. */
  #viewsOf(row: Row, i: number): RowViews {
    return this.#parts.views.list.map(({ window }, view) => {
      const sight = sightOf(row, window)
      const table = this.#rotations[view]
      const width = 2 * table.half
      const rotation = this.#parts.buffers.rotations[view] + i * 2 * width * 4
      const sinkRotation = rotation + width * 4
      table.fill(this.#floats.subarray(rotation >>> 2, (rotation >>> 2) + width), row.position, row.shape)
      if (sight.sinks.pages > 0) {
        const out = this.#floats.subarray(sinkRotation >>> 2, (sinkRotation >>> 2) + width)
        table.fill(out, sight.sinkPosition, row.shape)
      }
      const turn = { half: table.half, rotation, sinkRotation, factor: this.#factorAt(sight) }
      return { sight, turn }
    })
  }

  /** The scores' factor: with LogN it grows with the position in the cache beyond the trained length. */
  #factorAt({ sinkPosition }: Sight): number {
    const { scale, logn } = this.spec.attention
    // Where a query stands in the cache: its own position until something fell out of sight, then the same for all, sinks or none.
    const seen = sinkPosition + 1
    if (logn === undefined || seen <= logn) return Math.fround(scale)
    return Math.fround((scale * log(seen)) / log(logn))
  }

  #stride(columns: number): number {
    return padded(columns) * 4
  }
}
