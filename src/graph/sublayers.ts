// Sublayers compute a layer's two halves, attention and MLP, and add them to the residual stream.

import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { Attention } from './attention.ts'
import { padded, rowBytes } from './buffers.ts'
import type { KvPool } from './kv-pool.ts'
import { layerOf, type Layer } from './layer.ts'
import { addToRows, type Affine, type Linear, type Matrix } from './linear.ts'
import type { Row } from './model.ts'
import { normRows, type Norm } from './norm.ts'
import type { RowView } from './row-views.ts'
import type { StageParts } from './stage-parts.ts'

export class Sublayers {
  readonly #parts: StageParts
  readonly #linear: Linear
  readonly #attention: Attention
  readonly #layers: readonly Layer[]
  readonly #bytes: Uint8Array

  constructor(parts: StageParts, linear: Linear, pool: KvPool) {
    const { kernels, spec, kv, buffers, memory, tensors } = parts
    this.#parts = parts
    this.#linear = linear
    this.#attention = new Attention(kernels, spec, kv, buffers, memory, pool)
    this.#layers = tensors.layers.map((layer) => layerOf(layer, buffers, rowBytes(spec.hidden)))
    this.#bytes = new Uint8Array(memory.buffer)
  }

  /**
   * Leaves the `kept` rows, by number, at the front of the residual stream, and returns which of those stand at position 0.
   * Layers are counted from the stage's first.
   */
  attend(index: number, rows: readonly Row[], views: readonly RowView[], kept: readonly number[]): number[] {
    const layer = this.#layers[index]
    const view = this.#parts.views.ofLayer[index]
    const { buffers: b, kernels } = this.#parts
    const { hidden, heads, kvHeads, headDim } = this.#parts.spec
    this.#norm(b.normed, b.x, layer.attnNorm, rows.length)
    const products = kept.length === 0 ? layer.kv : layer.qkv
    const stride = rowBytes(hidden)
    addToRows(kernels, layer.attnCentre, b.normed, stride, rows.length)
    this.#linear.apply(b.normed, stride, rows.length, products)
    const firstRows = layer.attnCentre === undefined ? [] : firstOf(rows)
    this.#refine(firstRows, b.normed, stride, products)
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
      addToRows(kernels, layer.keyCentre, key, 0, 1)
      if (position === 0) addToRows(kernels, layer.firstKey, key, 0, 1)
      this.#attention.write(index, page, position % PAGE_POSITIONS, key, value)
    }
    const headStride = rowBytes(heads * headDim)
    const alibi = this.#parts.views.list[view].position.kind === 'alibi'
    kept.forEach((i, to) => {
      const out = b.attended + to * headStride
      const query = q + i * b.qkv.stride
      const { sight, turn } = views[i][view]
      this.#normHeads(query, layer.qNorm, heads)
      const warm = to > 0 && rows[kept[to - 1]].pages === rows[i].pages
      this.#attention.attend(out, query, rows[i], sight, turn, index, alibi, warm, layer)
      if (i !== to) this.#moveRow(to, i)
    })
    const firstKept =
      firstRows.length === 0 ? firstRows : kept.flatMap((i, to) => (firstRows.includes(i) ? [to] : []))
    this.#linear.apply(b.attended, headStride, kept.length, layer.o)
    this.#refine(firstKept, b.attended, headStride, layer.o)
    this.#addBranch(layer.attnPostNorm, kept.length)
    return firstKept
  }

  /** Of the `rows` rows at the front of the residual stream; `first` stand at position 0. */
  mlp(index: number, rows: number, first: readonly number[]): void {
    const layer = this.#layers[index]
    const { buffers: b, kernels } = this.#parts
    const { hidden, ffn, mlp } = this.#parts.spec
    this.#norm(b.normed, b.x, layer.mlpNorm, rows)
    addToRows(kernels, layer.mlpCentre, b.normed, rowBytes(hidden), rows)
    this.#linear.apply(b.normed, rowBytes(hidden), rows, layer.gateUp)
    this.#refine(first, b.normed, rowBytes(hidden), layer.gateUp)
    this.#residual(rows)
    const [inner, up] = b.gateUp.at
    const { stride } = b.gateUp
    for (let at = 0; at < rows * stride; at += stride) {
      if (mlp.kind === 'plain') kernels.gelu(inner + at, inner + at, ffn)
      else if (mlp.activation === 'silu') kernels.silu_mul(inner + at, inner + at, up + at, ffn)
      else kernels.gelu_mul(inner + at, inner + at, up + at, ffn)
    }
    this.#linear.apply(inner, stride, rows, layer.down)
    this.#refine(first, inner, stride, layer.down)
    this.#addBranch(layer.mlpPostNorm, rows)
  }

  /**
   * What stands at position 0 is like no other row, far from their centre, and all rows behind attend to it: such rows are
   * multiplied with twice the bits.
   */
  #refine(first: readonly number[], x: number, stride: number, { products }: Affine): void {
    for (const row of first) this.#linear.refine(x + row * stride, products, row)
  }

  #moveRow(to: number, from: number): void {
    const stride = rowBytes(this.#parts.spec.hidden)
    const { x } = this.#parts.buffers
    this.#bytes.copyWithin(x + to * stride, x + from * stride, x + (from + 1) * stride)
  }

  /** Where the stream goes on from the normed input, puts that in its place. */
  #residual(rows: number): void {
    const { residual, hidden } = this.#parts.spec
    if (residual === undefined) return
    const { x, normed } = this.#parts.buffers
    const bytes = rows * rowBytes(hidden)
    this.#bytes.copyWithin(x, normed, normed + bytes)
    this.#parts.kernels.scale(x, rows * padded(hidden), residual)
  }

  #addBranch(postNorm: Norm | undefined, rows: number): void {
    const { x, branch } = this.#parts.buffers
    if (postNorm !== undefined) this.#norm(branch, branch, postNorm, rows)
    this.#parts.kernels.add(x, branch, rows * padded(this.#parts.spec.hidden))
  }

  #norm(out: number, x: number, norm: Norm, rows: number): void {
    normRows(this.#parts.kernels, this.#parts.spec, norm, out, x, rows)
  }

  #normHeads(x: number, weight: Matrix | undefined, heads: number): void {
    if (weight === undefined) return
    const { headDim, norm } = this.#parts.spec
    for (let at = x; at < x + heads * headDim * 4; at += headDim * 4)
      this.#parts.kernels.rms_norm(at, at, weight.at, headDim, norm.eps)
  }
}

/** Rows at position 0, by number: mostly none. */
function firstOf(rows: readonly Row[]): number[] {
  const first: number[] = []
  for (let i = 0; i < rows.length; i++) if (rows[i].position === 0) first.push(i)
  return first
}
