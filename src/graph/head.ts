// The head turns rows of the residual stream into hidden states, and hidden states into logits.

import { TILE_ROWS } from '../kernels/layout.ts'
import { padded, rowBytes } from './buffers.ts'
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
  /** Of the rows of the first kind, where the last are of another. */
  readonly #first: readonly Product[]
  readonly #floats: Float32Array
  /** Of the last step. */
  #logitRows = 0

  constructor(parts: StageParts, tensors: HeadTensors, linear: Linear) {
    this.#parts = parts
    this.#tensors = tensors
    this.#linear = linear
    let out = parts.buffers.logits
    this.#products = tensors.table.map((matrix) => {
      const product = { matrix, out, stride: rowBytes(parts.spec.vocab) }
      out += matrix.rows * 4
      return product
    })
    const [first, last] = [tensors.table[0].kind, tensors.table[tensors.table.length - 1].kind]
    this.#first = first === last ? [] : this.#products.filter(({ matrix }) => matrix.kind === first)
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
    if (logits === 0) return
    const { scale, centre, offset } = this.#tensors
    const stride = rowBytes(spec.vocab)
    addToRows(kernels, centre, b.normed, width, logits)
    this.#linear.multiply(b.normed, width, logits, this.#products)
    // The first rows are those of the tokens that texts are made of.
    if (this.#first.length > 0)
      for (let i = 0; i < logits; i++) this.#linear.refine(b.normed + i * width, this.#first, i)
    addToRows(kernels, offset, b.logits, stride, logits)
    if (scale === undefined) return
    for (let i = 0; i < logits; i++) kernels.mul(b.logits + i * stride, scale.at, spec.vocab)
  }

  logits(index: number): Float32Array {
    const { buffers, spec } = this.#parts
    const at = (buffers.logits >>> 2) + index * padded(spec.vocab)
    return this.#floats.subarray(at, at + spec.vocab)
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
