// Multiplying activations by a stored matrix of any kind: picks the kernel, quantises the activations once per input.

import type { Kernels } from '../kernels/kernels.ts'
import { BLOCK, X4_BYTES } from '../kernels/layout.ts'
import type { TensorKind } from '../weights/manifest.ts'
import { padded } from './buffers.ts'

/** A stored matrix in linear memory. */
export type Matrix = { at: number; kind: TensorKind; rows: number; cols: number }

/** (rows, cols) f32 in linear memory, `stride` bytes from row to row. */
export type Activations = { at: number; rows: number; stride: number }

/** A matrix, and where its product with the activations goes. */
export type Product = readonly [matrix: Matrix, out: number]

export class Linear {
  readonly #kernels: Kernels
  readonly #quantised: number
  readonly #spare: number

  constructor(kernels: Kernels, buffers: { activations: number; spare: number }) {
    this.#kernels = kernels
    this.#quantised = buffers.activations
    this.#spare = buffers.spare
  }

  /**
   * out = matrix x for each product: all matrices read the same x and have x's columns.
   * out (rows rounded up to 4 when more than one, padded(matrix.rows)) f32.
   */
  multiply(x: Activations, products: readonly Product[]): void {
    if (products.some(([matrix]) => matrix.kind !== 'f32')) this.#quantise(x, products[0][0].cols)
    for (let i = 0; i < products.length; i++) this.#multiplyOne(x, products[i][0], products[i][1])
  }

  #multiplyOne(x: Activations, { at, kind, rows, cols }: Matrix, out: number): void {
    const stride = padded(rows) * 4
    if (kind === 'f32') {
      this.#kernels.matmul_f32(out, stride, at, x.at, x.stride, rows, cols, x.rows)
    } else if (x.rows === 1) {
      this.#kernels[`gemv_${kind}_q8`](out, at, this.#quantised, rows, cols)
    } else {
      this.#kernels[`gemm_${kind}_q8`](out, stride, at, this.#quantised, rows, cols, Math.ceil(x.rows / 4))
    }
  }

  #quantise(x: Activations, cols: number): void {
    if (x.rows === 1) {
      this.#kernels.quantize_x1(this.#quantised, x.at, cols, this.#spare)
      return
    }
    const groupBytes = Math.ceil(cols / BLOCK) * X4_BYTES
    for (let row = 0; row < x.rows; row += 4) {
      const tokens = Math.min(4, x.rows - row)
      const out = this.#quantised + (row / 4) * groupBytes
      this.#kernels.quantize_x4(out, x.at + row * x.stride, x.stride, tokens, cols, this.#spare)
    }
  }
}
