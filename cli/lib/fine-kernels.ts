// Fine kernels multiply by activations of sixteen bits: what quantising left of them is multiplied too.

import { isBySpan, TILES, x1Bytes, x4Bytes } from '../../src/kernels/layout.ts'
import type { Kernels } from '../../src/kernels/kernels.ts'
import { leaveResidue } from '../../src/graph/residue.ts'

export type FineOptions = {
  /** Whether the product with the weights at this address is to be fine. Asked at each product. */
  isFine(weights: number): boolean
  /** Where the graph has its own products of a residue: they are 0 where all products are fine. */
  residueProducts: number
}

const MATRIX_KINDS = Object.keys(TILES) as (keyof typeof TILES)[]

/** Activations as they were quantised last: up to four rows side by side (x4), or one (x1). */
type Input = {
  x: number
  stride: number
  rows: number
  cols: number
  spare: number
  four: boolean
  /** Their residue, quantised alike: by the token's scale or by blocks. */
  residues: Map<boolean, Uint8Array>
}

/** `own`, but for the products that are to be fine. Rows of activations must stay as they are until they are multiplied. */
export function fineKernels(own: Kernels, { buffer }: WebAssembly.Memory, options: FineOptions): Kernels {
  const bytes = new Uint8Array(buffer)
  const floats = new Float32Array(buffer)
  const views = { i8: new Int8Array(buffer), i16: new Int16Array(buffer), f32: floats }
  const inputs = new Map<number, Input>()

  const quantise = (out: number, { x, stride, rows, cols, spare, four }: Input): void => {
    if (four) own.quantize_x4(out, x, stride, rows, cols, spare)
    else own.quantize_x1(out, x, cols, spare)
  }
  const residueOf = (out: number, input: Input, byToken: boolean): Uint8Array => {
    const { x, stride, rows, cols, spare, four, residues } = input
    const known = residues.get(byToken)
    if (known !== undefined) return known
    const before = Array.from({ length: rows }, (_, row) => {
      const at = x + row * stride
      const values = floats.slice(at >>> 2, (at >>> 2) + cols)
      own.quantize_x1(out, at, cols, spare)
      leaveResidue(views, at, out, cols, byToken)
      return values
    })
    quantise(out, input)
    const residue = bytes.slice(out, out + (four ? x4Bytes : x1Bytes)(cols))
    before.forEach((values, row) => floats.set(values, (x + row * stride) >>> 2))
    quantise(out, input)
    residues.set(byToken, residue)
    return residue
  }
  /** Multiplies twice, as the inputs at `outs` stand and by their residues; `results` are what is added up. */
  const twice = (
    product: () => void,
    outs: readonly number[],
    byToken: boolean,
    results: number[][],
  ): void => {
    product()
    const first = results.map(([at, count]) => floats.slice(at >>> 2, (at >>> 2) + count))
    const before = outs.map((out) => {
      const input = inputs.get(out)
      if (input === undefined) throw new Error('a product of activations that were not quantised')
      const residue = residueOf(out, input, byToken)
      const kept = bytes.slice(out, out + residue.length)
      bytes.set(residue, out)
      return kept
    })
    product()
    before.forEach((kept, i) => bytes.set(kept, outs[i]))
    results.forEach(([at, count], row) => {
      for (let i = 0; i < count; i++) floats[(at >>> 2) + i] += first[row][i]
    })
  }
  const gemv =
    (kernel: Kernels['gemv_q8_q8'], byToken: boolean): Kernels['gemv_q8_q8'] =>
    (y, w, x, rows, cols) => {
      const product = (): void => kernel(y, w, x, rows, cols)
      if (!options.isFine(w)) return product()
      if (y === options.residueProducts) bytes.fill(0, y, y + rows * 4)
      else twice(product, [x], byToken, [[y, rows]])
    }
  const gemm =
    (kernel: Kernels['gemm_q8_q8'], byToken: boolean): Kernels['gemm_q8_q8'] =>
    (y, stride, w, x, rows, cols, groups) => {
      const product = (): void => kernel(y, stride, w, x, rows, cols, groups)
      if (!options.isFine(w)) return product()
      const outs = Array.from({ length: groups }, (_, group) => x + group * x4Bytes(cols))
      const results = Array.from({ length: 4 * groups }, (_, token) => [y + token * stride, rows])
      twice(product, outs, byToken, results)
    }
  const products = MATRIX_KINDS.flatMap((kind) => {
    const byToken = isBySpan(kind)
    return [
      [`gemv_${kind}_q8`, gemv(own[`gemv_${kind}_q8`], byToken)],
      [`gemm_${kind}_q8`, gemm(own[`gemm_${kind}_q8`], byToken)],
    ]
  })
  return {
    ...own,
    ...(Object.fromEntries(products) as Partial<Kernels>),
    quantize_x1(out, x, cols, spare) {
      inputs.set(out, { x, stride: 0, rows: 1, cols, spare, four: false, residues: new Map() })
      own.quantize_x1(out, x, cols, spare)
    },
    quantize_x4(out, x, stride, rows, cols, spare) {
      inputs.set(out, { x, stride, rows, cols, spare, four: true, residues: new Map() })
      own.quantize_x4(out, x, stride, rows, cols, spare)
    },
  }
}
