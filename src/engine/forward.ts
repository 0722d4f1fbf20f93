// The one graph of all families: rows of tokens through embedding, layers and head. Reads the spec, knows no family.

import type { WindowOptions } from '../cache/window.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { PAGE_POSITIONS, TILE_ROWS } from '../kernels/layout.ts'
import type { LayerRole, ModelSpec } from '../models/spec.ts'
import { Attention, sightOf, type Sight } from './attention.ts'
import { kvLayerBytes, padded, type KvKind, type StepBuffers } from './buffers.ts'
import { KvPool } from './kv-pool.ts'
import { joined, Linear, type Matrix, type Product } from './linear.ts'
import type { Model, Row } from './model.ts'
import { rotationTable, type RotationTable } from './rotation.ts'

export type LayerTensors = Record<LayerRole, Matrix>

export type ModelTensors = { embedding: Matrix; layers: LayerTensors[]; finalNorm: Matrix; head: Matrix }

/** A layer's tensors with where each product goes: made once, so that a step allocates next to nothing. */
type Layer = {
  attnNorm: Matrix
  qkv: Product[]
  o: Product[]
  mlpNorm: Matrix
  gateUp: Product[]
  down: Product[]
}

export type GraphParts = {
  spec: ModelSpec
  window: WindowOptions
  kv: KvKind
  kernels: Kernels
  memory: WebAssembly.Memory
  tensors: ModelTensors
  buffers: StepBuffers
  /** Where the KV pages begin, and how many there are. */
  pool: { at: number; pageCount: number }
  maxRows: number
  maxLogitRows: number
}

/** V8 compiles a kernel anew after a few milliseconds of it; more would only delay the weights. */
const WARM_UPS = 2

/** Of the head this part is enough for that. */
const WARM_HEAD = 4

export class Graph implements Model {
  readonly spec: ModelSpec
  readonly window: WindowOptions
  readonly maxRows: number
  readonly maxLogitRows: number
  readonly pageCount: number
  readonly pageBytes: number
  readonly linearMemoryBytes: number
  readonly #parts: GraphParts
  readonly #linear: Linear
  readonly #attention: Attention
  readonly #layers: readonly Layer[]
  readonly #logits: readonly Product[]
  readonly #rotation: RotationTable
  readonly #pool: KvPool
  readonly #bytes: Uint8Array
  readonly #floats: Float32Array

  constructor(parts: GraphParts) {
    this.#parts = parts
    this.spec = parts.spec
    this.window = parts.window
    this.maxRows = parts.maxRows
    this.maxLogitRows = parts.maxLogitRows
    this.pageCount = parts.pool.pageCount
    const layerBytes = kvLayerBytes(parts.spec, parts.kv)
    this.#pool = new KvPool({ ...parts.pool, layers: parts.spec.layers, layerBytes }, parts.memory)
    this.pageBytes = this.#pool.pageBytes
    this.linearMemoryBytes = parts.memory.buffer.byteLength
    this.#linear = new Linear(parts.kernels, parts.buffers)
    const { kernels, spec, kv, buffers, memory } = parts
    this.#attention = new Attention(kernels, spec, kv, buffers, memory, this.#pool)
    this.#layers = parts.tensors.layers.map((layer) =>
      layerOf(layer, parts.buffers, this.#stride(parts.spec.hidden)),
    )
    this.#logits = [
      { matrix: parts.tensors.head, out: parts.buffers.logits, stride: this.#stride(parts.spec.vocab) },
    ]
    this.#rotation = rotationTable(parts.spec.position)
    this.#bytes = new Uint8Array(parts.memory.buffer)
    this.#floats = new Float32Array(parts.memory.buffer)
    const { window, sinks } = parts.window
    if (window !== undefined) this.#fillRotation(parts.maxRows, sinks + window - 1)
  }

  logits(index: number): Float32Array {
    const at = (this.#parts.buffers.logits >>> 2) + index * padded(this.spec.vocab)
    return this.#floats.subarray(at, at + this.spec.vocab)
  }

  copyPage(to: number, from: number): void {
    this.#pool.copy(to, from)
  }

  readPage(page: number): Uint8Array {
    return this.#pool.read(page)
  }

  writePage(page: number, bytes: Uint8Array): void {
    this.#pool.write(page, bytes)
  }

  /**
   * Runs the first layer on whatever memory holds, and some of the head, so that the host compiles the kernels with its better
   * compiler while weights still stream in. Leaves nothing that a real step would read: pages are written before they are seen.
   */
  warmUp(): void {
    const count = Math.min(this.maxRows, this.pageCount * PAGE_POSITIONS)
    const rows = Array.from({ length: count }, (_, position): Row => ({
      id: 0,
      position,
      pages: Array.from({ length: Math.ceil(count / PAGE_POSITIONS) }, (_, page) => page),
      logits: false,
    }))
    const [one] = rows
    for (let i = 0; i < WARM_UPS; i++) this.#run(rows, 1)
    for (let i = 1; i < WARM_UPS; i++) this.#run([one], 1)
    const [{ matrix, out, stride }] = this.#logits
    const part = { ...matrix, rows: Math.floor(matrix.rows / WARM_HEAD / TILE_ROWS) * TILE_ROWS }
    const { normed } = this.#parts.buffers
    this.#linear.multiply(normed, this.#stride(this.spec.hidden), 1, [{ matrix: part, out, stride }])
  }

  forward(rows: readonly Row[]): void {
    this.#run(rows, this.#layers.length)
  }

  #run(rows: readonly Row[], layers: number): void {
    if (rows.length === 0 || rows.length > this.maxRows) throw new RangeError(`${rows.length} rows in a step`)
    const all = rows.map((_, i) => i)
    const wanted = all.filter((i) => rows[i].logits)
    if (wanted.length > this.maxLogitRows) throw new RangeError(`${wanted.length} rows ask for logits`)
    const sights = rows.map((row) => sightOf(row, this.window))
    rows.forEach((row, i) => {
      this.#embed(this.#parts.buffers.x + i * this.#stride(this.spec.hidden), row.id)
      this.#fillRotation(i, row.position)
    })
    for (let index = 0; index < layers; index++) {
      // Of the last layer the others are of use for their keys and values alone.
      const kept = index === layers - 1 ? wanted : all
      this.#attend(index, rows, sights, kept)
      this.#mlp(this.#layers[index], kept.length)
    }
    this.#head(wanted.length)
  }

  /** Leaves the `kept` rows, by number, at the front of the residual stream. */
  #attend(index: number, rows: readonly Row[], sights: readonly Sight[], kept: readonly number[]): void {
    const layer = this.#layers[index]
    const { buffers: b, kernels } = this.#parts
    const { hidden, heads, kvHeads, headDim } = this.spec
    this.#norm(b.normed, b.x, layer.attnNorm, rows.length)
    this.#linear.multiply(b.normed, this.#stride(hidden), rows.length, layer.qkv)
    // All keys and values of the step first: every query, of the same chunk too, reads them from the pages.
    const [q, k, v] = b.qkv.at
    for (let i = 0; i < rows.length; i++) {
      const { pages, position } = rows[i]
      const key = k + i * b.qkv.stride
      const value = v + i * b.qkv.stride
      kernels.rope(key, key, kvHeads, headDim, this.#rotation.half, this.#rotationAt(i))
      const page = pages[Math.floor(position / PAGE_POSITIONS)]
      if (page === undefined) throw new RangeError(`no page for position ${position}`)
      this.#attention.write(index, page, position % PAGE_POSITIONS, key, value)
    }
    const stride = this.#stride(heads * headDim)
    const sinkRotation = this.#rotationAt(this.maxRows)
    kept.forEach((i, to) => {
      const out = b.attended + to * stride
      const query = q + i * b.qkv.stride
      this.#attention.attend(out, query, rows[i], sights[i], this.#rotationAt(i), sinkRotation, index)
      if (i !== to) this.#moveRow(to, i)
    })
    this.#linear.multiply(b.attended, stride, kept.length, layer.o)
    kernels.add(b.x, b.branch, kept.length * padded(hidden))
  }

  #moveRow(to: number, from: number): void {
    const stride = this.#stride(this.spec.hidden)
    const { x } = this.#parts.buffers
    this.#bytes.copyWithin(x + to * stride, x + from * stride, x + (from + 1) * stride)
  }

  #mlp(layer: Layer, rows: number): void {
    const { buffers: b, kernels } = this.#parts
    const { hidden, ffn } = this.spec
    this.#norm(b.normed, b.x, layer.mlpNorm, rows)
    this.#linear.multiply(b.normed, this.#stride(hidden), rows, layer.gateUp)
    const [gate, up] = b.gateUp.at
    const { stride } = b.gateUp
    for (let at = 0; at < rows * stride; at += stride) kernels.silu_mul(gate + at, gate + at, up + at, ffn)
    this.#linear.multiply(gate, stride, rows, layer.down)
    kernels.add(b.x, b.branch, rows * padded(hidden))
  }

  /** Logits of the rows that asked, which are at the front by now. */
  #head(rows: number): void {
    const { buffers: b, tensors } = this.#parts
    this.#norm(b.normed, b.x, tensors.finalNorm, rows)
    if (rows > 0) this.#linear.multiply(b.normed, this.#stride(this.spec.hidden), rows, this.#logits)
  }

  #embed(out: number, id: number): void {
    const { embedding } = this.#parts.tensors
    const { at, kind, cols } = embedding
    if (kind === 'f32') this.#bytes.copyWithin(out, at + id * cols * 4, at + (id + 1) * cols * 4)
    else this.#parts.kernels[`embed_${kind}`](out, at, id, cols)
  }

  #norm(out: number, x: number, weight: Matrix, rows: number): void {
    const stride = this.#stride(this.spec.hidden)
    for (let i = 0; i < rows; i++) {
      this.#parts.kernels.rms_norm(
        out + i * stride,
        x + i * stride,
        weight.at,
        this.spec.hidden,
        this.spec.norm.eps,
      )
    }
  }

  #fillRotation(index: number, position: number): void {
    const at = this.#rotationAt(index) >>> 2
    this.#rotation.fill(this.#floats.subarray(at, at + 2 * this.#rotation.half), position)
  }

  #rotationAt(index: number): number {
    return this.#parts.buffers.rotations + index * this.spec.position.rotaryDim * 4
  }

  #stride(columns: number): number {
    return padded(columns) * 4
  }
}

function layerOf(tensors: LayerTensors, b: StepBuffers, branchStride: number): Layer {
  const [q, k, v] = b.qkv.at
  const [gate, up] = b.gateUp.at
  const branch = { out: b.branch, stride: branchStride }
  return {
    attnNorm: tensors.attn_norm,
    qkv: joined([
      { matrix: tensors.q, out: q, stride: b.qkv.stride },
      { matrix: tensors.k, out: k, stride: b.qkv.stride },
      { matrix: tensors.v, out: v, stride: b.qkv.stride },
    ]),
    o: [{ matrix: tensors.o, ...branch }],
    mlpNorm: tensors.mlp_norm,
    gateUp: joined([
      { matrix: tensors.gate, out: gate, stride: b.gateUp.stride },
      { matrix: tensors.up, out: up, stride: b.gateUp.stride },
    ]),
    down: [{ matrix: tensors.down, ...branch }],
  }
}
