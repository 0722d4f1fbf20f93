// The head turns rows of the residual stream into hidden states, and these into logits as they are read.

import { TILE_ROWS } from '../kernels/layout.ts'
import { tableRows } from '../weights/layer-range.ts'
import { LOGITS_AT_ONCE, padded, rowBytes } from './buffers.ts'
import { addToRows, type Linear, type Product } from './linear.ts'
import type { Outputs, Yield } from './model.ts'
import { normRows } from './norm.ts'
import type { HeadTensors, StageParts } from './stage-parts.ts'

/** This part of the head is enough for the host to compile its kernel anew. */
const WARM_PART = 4

export class Head implements Outputs {
  readonly #parts: StageParts
  readonly #tensors: HeadTensors
  readonly #linear: Linear
  readonly #products: readonly Product[]
  /** Of the rows that are refined: all of one kind. */
  readonly #refined: readonly Product[]
  readonly #floats: Float32Array
  /** Rows of the table that are here. */
  readonly #rows: number
  /** Rows of the last step that yield logits. */
  #logitRows = 0
  /** Of these, the ones whose logits are there: [first, end). */
  #first = 0
  #end = 0

  constructor(parts: StageParts, tensors: HeadTensors, linear: Linear) {
    this.#parts = parts
    this.#tensors = tensors
    this.#linear = linear
    const { first, end } = tableRows(parts.spec, parts.range)
    this.#rows = end - first
    let out = parts.buffers.logits
    this.#products = tensors.table.map((matrix) => {
      const product = { matrix, out, stride: rowBytes(this.#rows) }
      out += matrix.rows * 4
      return product
    })
    this.#refined = this.#products.filter(({ matrix }) => matrix.refined)
    this.#floats = new Float32Array(parts.memory.buffer)
  }

  /**
   * What the rows at the front of the residual stream yield, of which `logitRows` become logits. Those come
   * first.
   */
  run(yields: readonly Yield[], logitRows: number): void {
    const { buffers: b, kernels, spec } = this.#parts
    const width = rowBytes(spec.hidden)
    this.#logitRows = logitRows
    let [logits, hidden] = [0, logitRows]
    yields.forEach((what, i) => {
      const to = what === 'logits' ? logits++ : hidden++
      normRows(kernels, spec, this.#tensors.norm, b.normed + to * width, b.x + i * width, 1)
    })
    this.#first = this.#end = 0
    if (logitRows > 0) this.#next()
  }

  /** Throws RangeError for a row that was there before those that are there now. */
  logits(index: number): Float32Array {
    while (index >= this.#end && this.#end < this.#logitRows) this.#next()
    if (index < this.#first) throw new RangeError('rows of logits are read in order')
    const at = (this.#parts.buffers.logits >>> 2) + (index - this.#first) * padded(this.#rows)
    return this.#floats.subarray(at, at + this.#rows)
  }

  /** Logits of the rows behind those that were there, in their place. What the rows were is lost. */
  #next(): void {
    const { buffers: b, kernels, spec } = this.#parts
    const width = rowBytes(spec.hidden)
    const x = b.normed + this.#end * width
    const rows = Math.min(LOGITS_AT_ONCE, this.#logitRows - this.#end)
    this.#first = this.#end
    this.#end += rows
    const { scale, centre, offset } = this.#tensors
    const stride = rowBytes(this.#rows)
    addToRows(kernels, centre, x, width, rows)
    this.#linear.multiply(x, width, rows, this.#products)
    if (this.#refined.length > 0)
      for (let i = 0; i < rows; i++) this.#linear.refine(x + i * width, this.#refined, i)
    addToRows(kernels, offset, b.logits, stride, rows)
    if (scale === undefined) return
    for (let i = 0; i < rows; i++) kernels.mul(b.logits + i * stride, scale.at, this.#rows)
  }

  hidden(index: number): Float32Array {
    const { buffers, spec } = this.#parts
    const at = (buffers.normed >>> 2) + (this.#logitRows + index) * padded(spec.hidden)
    return this.#floats.subarray(at, at + spec.hidden)
  }

  /** Multiplies by some of the rows of each kind, whatever memory holds. */
  warmUp(): void {
    const { buffers, spec } = this.#parts
    const parts = this.#products.map(({ matrix, out, stride }) => {
      const rows = Math.floor(matrix.rows / WARM_PART / TILE_ROWS) * TILE_ROWS
      return { matrix: { ...matrix, rows }, out, stride }
    })
    this.#linear.multiply(buffers.normed, rowBytes(spec.hidden), 1, parts)
  }
}
