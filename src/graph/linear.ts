// Linear multiplies activations by a stored matrix: it picks the kernel and quantises each input once.

import type { Kernels } from '../kernels/kernels.ts'
import { isBySpan, rowGroupBytes, TILE_ROWS, tensorBytes, x1Bytes, x4Bytes } from '../kernels/layout.ts'
import type { TensorKind } from '../kernels/layout.ts'
import { leaveResidue, type ResidueViews } from './residue.ts'

/** A stored matrix in linear memory. */
export type Matrix = { at: number; kind: TensorKind; rows: number; cols: number; refined?: boolean }

/** A stored vector that is added. */
export type Addend = { at: number; kind: 'f32' | 'f16'; cols: number }

/** A matrix, and where its product with the activations goes: `stride` bytes from row to row. */
export type Product = { matrix: Matrix; out: number; stride: number }

/** A vector added to each row of a result. */
export type Bias = Addend & { out: number; stride: number }

/** Products of one input, and what is added to them. */
export type Affine = { products: readonly Product[]; biases: readonly Bias[] }

export class Linear {
  readonly #kernels: Kernels
  readonly #quantised: number
  readonly #spare: number
  readonly #fine: number
  readonly #views: ResidueViews
  /** The same of four bits. */
  readonly #vectorRows: number

  constructor(
    kernels: Kernels,
    buffers: { activations: number; spare: number; fine: number },
    { buffer }: WebAssembly.Memory,
  ) {
    this.#kernels = kernels
    this.#vectorRows = kernels.q4_vector_rows()
    this.#quantised = buffers.activations
    this.#spare = buffers.spare
    this.#fine = buffers.fine
    this.#views = { i8: new Int8Array(buffer), i16: new Int16Array(buffer), f32: new Float32Array(buffer) }
  }

  /**
   * out += matrix x residue of x for each product, behind `multiply`: x, one row of it, is multiplied by twice the bits.
   * Leaves the residue in its place. Products are of one kind; others are left as they are.
   */
  refine(x: number, products: readonly Product[], row: number): void {
    const [{ matrix: first }] = products
    const { kind, cols } = first
    if (kind === 'f32') return
    this.#quantise('x1', x, 0, 1, cols)
    leaveResidue(this.#views, x, this.#quantised, cols, isBySpan(kind))
    this.#quantise('x1', x, 0, 1, cols)
    for (const { matrix, out, stride } of products) {
      if (matrix.kind !== kind) continue
      for (let first = 0; first < matrix.rows; first += FINE_ROWS) {
        const weights = matrix.at + (first / TILE_ROWS) * rowGroupBytes(kind, cols)
        const count = Math.min(FINE_ROWS, matrix.rows - first)
        this.#kernels[GEMV[kind]](this.#fine, weights, this.#quantised, count, cols)
        this.#kernels.add(out + row * stride + first * 4, this.#fine, count)
      }
    }
  }

  /** out = matrix x + bias: as `multiply`, with the biases of the results. */
  apply(x: number, stride: number, rows: number, { products, biases }: Affine): void {
    this.multiply(x, stride, rows, products)
    for (const bias of biases) addToRows(this.#kernels, bias, bias.out, bias.stride, rows)
  }

  /**
   * out = matrix x for each product: all matrices read the same x and have x's columns. x (rows, cols) f32,
   * `stride` bytes from row to row; out (rows rounded up to 4 when more than one, padded(matrix.rows)) f32.
   */
  multiply(x: number, stride: number, rows: number, products: readonly Product[]): void {
    let format: Format | undefined
    for (let i = 0; i < products.length; i++) {
      const { matrix, out, stride: outStride } = products[i]
      const { at, kind, cols } = matrix
      if (kind === 'f32') {
        this.#kernels.matmul_f32(out, outStride, at, x, stride, matrix.rows, cols, rows)
        continue
      }
      const wanted = rows <= (isBySpan(kind) ? this.#vectorRows : VECTOR_ROWS) ? 'x1' : 'x4'
      if (format !== wanted) this.#quantise(wanted, x, stride, rows, cols)
      format = wanted
      if (wanted === 'x1') this.#byRow(products[i], kind, rows)
      else
        this.#kernels[GEMM[kind]](out, outStride, at, this.#quantised, matrix.rows, cols, Math.ceil(rows / 4))
    }
  }

  /** Matrix x vector for each row, in parts of the matrix that stay in the cache from row to row. */
  #byRow({ matrix, out, stride }: Product, kind: keyof typeof GEMV, rows: number): void {
    const { at, cols } = matrix
    const groupBytes = rowGroupBytes(kind, cols)
    const part = rows === 1 ? matrix.rows : Math.max(1, Math.floor(CACHED_BYTES / groupBytes)) * TILE_ROWS
    for (let first = 0; first < matrix.rows; first += part) {
      const weights = at + (first / TILE_ROWS) * groupBytes
      const count = Math.min(part, matrix.rows - first)
      for (let row = 0; row < rows; row++) {
        const to = out + row * stride + first * 4
        this.#kernels[GEMV[kind]](to, weights, this.#vectorAt(row, cols), count, cols)
      }
    }
  }

  /** Where one row's quantised activations lie. */
  #vectorAt(row: number, cols: number): number {
    return this.#quantised + row * x1Bytes(cols)
  }

  #quantise(format: Format, x: number, stride: number, rows: number, cols: number): void {
    if (format === 'x1') {
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

/** Adds a vector, if there is one, to each of `rows` rows, `stride` bytes apart. */
export function addToRows(
  kernels: Kernels,
  vector: Addend | undefined,
  to: number,
  stride: number,
  rows: number,
): void {
  if (vector === undefined) return
  const { at, kind, cols } = vector
  for (let row = 0; row < rows; row++) kernels[ADD[kind]](to + row * stride, at, cols)
}

const ADD = { f32: 'add', f16: 'add_half' } as const

/** Quantised activations: a row for itself, or four rows side by side (kernels/layout.ts). */
type Format = 'x1' | 'x4'

/** Up to here matrix x vector, row by row, of kinds of more than four bits: the second row finds the matrix in the cache. */
const VECTOR_ROWS = 2

/** Rows of a matrix that are multiplied by a residue at once. */
export const FINE_ROWS = 960

/** What surely stays in a core's own cache. */
const CACHED_BYTES = 256 * 1024

const GEMV = {
  q4: 'gemv_q4_q8',
  q4m: 'gemv_q4m_q8',
  q4n: 'gemv_q4n_q8',
  q5: 'gemv_q5_q8',
  q6: 'gemv_q6_q8',
  q8: 'gemv_q8_q8',
} as const
const GEMM = {
  q4: 'gemm_q4_q8',
  q4m: 'gemm_q4m_q8',
  q4n: 'gemm_q4n_q8',
  q5: 'gemm_q5_q8',
  q6: 'gemm_q6_q8',
  q8: 'gemm_q8_q8',
} as const

/**
 * Products whose results lie side by side, as few as can be: matrices of one kind that follow each other in
 * memory, whole row groups each, are one matrix.
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
