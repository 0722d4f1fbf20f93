// Multiplying activations by a stored matrix of any kind: picks the kernel, quantises the activations once per input.

import type { Kernels } from '../kernels/kernels.ts'
import { TILE_ROWS, tensorBytes, x1Bytes, x4Bytes } from '../kernels/layout.ts'
import type { TensorKind } from '../weights/manifest.ts'

/** A stored matrix in linear memory. */
export type Matrix = { at: number; kind: TensorKind; rows: number; cols: number }

/** A matrix, and where its product with the activations goes: `stride` bytes from row to row. */
export type Product = { matrix: Matrix; out: number; stride: number }

/** A vector added to each row of a result. */
export type Bias = { at: number; size: number; out: number; stride: number }

/** Products of one input, and what is added to them. */
export type Affine = { products: readonly Product[]; biases: readonly Bias[] }

export class Linear {
  readonly #kernels: Kernels
  readonly #quantised: number
  readonly #spare: number

  constructor(kernels: Kernels, buffers: { activations: number; spare: number }) {
    this.#kernels = kernels
    this.#quantised = buffers.activations
    this.#spare = buffers.spare
  }

  /** out = matrix x + bias: as `multiply`, with the biases of the results. */
  apply(x: number, stride: number, rows: number, { products, biases }: Affine): void {
    this.multiply(x, stride, rows, products)
    for (const { at, size, out, stride: outStride } of biases) {
      for (let row = 0; row < rows; row++) this.#kernels.add(out + row * outStride, at, size)
    }
  }

  /**
   * out = matrix x for each product: all matrices read the same x and have x's columns.
   * x (rows, cols) f32, `stride` bytes from row to row; out (rows rounded up to 4 when more than one, padded(matrix.rows)) f32.
   */
  multiply(x: number, stride: number, rows: number, products: readonly Product[]): void {
    let quantised = false
    for (let i = 0; i < products.length; i++) {
      const { matrix, out, stride: outStride } = products[i]
      const { at, kind, cols } = matrix
      if (kind === 'f32') {
        this.#kernels.matmul_f32(out, outStride, at, x, stride, matrix.rows, cols, rows)
        continue
      }
      if (!quantised) this.#quantise(x, stride, rows, cols)
      quantised = true
      if (rows > VECTOR_ROWS) {
        this.#kernels[GEMM[kind]](out, outStride, at, this.#quantised, matrix.rows, cols, Math.ceil(rows / 4))
        continue
      }
      for (let row = 0; row < rows; row++)
        this.#kernels[GEMV[kind]](out + row * outStride, at, this.#vectorAt(row, cols), matrix.rows, cols)
    }
  }

  /** Where one row's quantised activations lie. */
  #vectorAt(row: number, cols: number): number {
    return this.#quantised + row * x1Bytes(cols)
  }

  #quantise(x: number, stride: number, rows: number, cols: number): void {
    if (rows <= VECTOR_ROWS) {
      for (let row = 0; row < rows; row++)
        this.#kernels.quantize_x1(this.#vectorAt(row, cols), x + row * stride, cols, this.#spare)
      return
    }
    for (let row = 0; row < rows; row += 4) {
      const out = this.#quantised + (row / 4) * x4Bytes(cols)
      this.#kernels.quantize_x4(out, x + row * stride, stride, Math.min(4, rows - row), cols, this.#spare)
    }
  }
}

/** Up to here matrix x vector, row by row: the second row finds the matrix in the cache, and four rows at once cost more than two. */
const VECTOR_ROWS = 2

const GEMV = { q4: 'gemv_q4_q8', q4m: 'gemv_q4m_q8', q6: 'gemv_q6_q8', q8: 'gemv_q8_q8' } as const
const GEMM = { q4: 'gemm_q4_q8', q4m: 'gemm_q4m_q8', q6: 'gemm_q6_q8', q8: 'gemm_q8_q8' } as const

/**
 * Products whose results lie side by side, as few as can be: matrices of one kind that follow each other in memory, whole row groups
 * each, are one matrix.
 */
export function joined(products: readonly Product[]): Product[] {
  const out: Product[] = []
  for (const product of products) {
    const last = out.at(-1)
    if (last === undefined || !follows(last, product)) {
      out.push(product)
      continue
    }
    const { matrix } = last
    out[out.length - 1] = { ...last, matrix: { ...matrix, rows: matrix.rows + product.matrix.rows } }
  }
  return out
}

function follows({ matrix, out }: Product, next: Product): boolean {
  const { at, kind, rows, cols } = matrix
  if (kind === 'f32' || next.matrix.kind !== kind || next.matrix.cols !== cols || rows % TILE_ROWS !== 0)
    return false
  return next.matrix.at === at + tensorBytes(kind, rows, cols) && next.out === out + rows * 4
}
