// Narrow constants are scales and minimums of 8 bits under a unit a row (kernels/layout.ts). This file finds those that
// err least for codes that are given.

import { bf16ToF32, f16ToF32 } from '../formats/f16.ts'
import { BLOCK } from '../kernels/layout.ts'
import type { Codes } from './codes.ts'
import type { ColumnWeights } from './fit.ts'

export type NarrowKind = 'q4n' | 'q6'

/** Of a row: bf16 bits of its unit. Of a block: scale and minimum. */
export type NarrowConstants = { units: Uint16Array; scales: Uint8Array; minimums: Int8Array }

/** A weight is unit * (step * scale * (code - zero) + zero * minimum). */
const FORMS = { q4n: { zero: 8, step: 2 }, q6: { zero: 32, step: 1 } } as const

const MOST_SCALE = 255
const MOST_MINIMUM = 127

/** Units that are tried for a row: the least that all its constants fit, then a 128th more each time. More gained nothing. */
const UNITS = 4

/**
 * The constants of `codes` (q4m for q4n, q6), whose rows have `cols` columns, in 8 bits: those of the least squared error, weighed by
 * `weights`, if given.
 */
export function narrowConstants(
  kind: NarrowKind,
  codes: Codes,
  cols: number,
  weights?: ColumnWeights,
): NarrowConstants {
  const { rows, blocks } = codes
  const out = {
    units: new Uint16Array(rows),
    scales: new Uint8Array(rows * blocks),
    minimums: new Int8Array(rows * blocks),
  }
  const fit = new RowFit(kind, blocks)
  for (let row = 0; row < rows; row++) {
    const first = fit.load(codes, row, cols, weights)
    let least = Infinity
    for (let bits = first; bits < first + UNITS; bits++) {
      const error = fit.under(bf16ToF32(bits))
      if (!(error < least)) continue
      least = error
      out.units[row] = bits
      out.scales.set(fit.scales, row * blocks)
      out.minimums.set(fit.minimums, row * blocks)
    }
  }
  return out
}

/** Gives each of (rows, cols) `values` the code that is nearest to it under the narrow constants. */
export function recode(
  kind: NarrowKind,
  codes: Codes,
  { units, scales, minimums }: NarrowConstants,
  values: Float32Array,
  cols: number,
): void {
  const { zero, step } = FORMS[kind]
  const last = kind === 'q4n' ? 15 : 63
  for (let row = 0; row < values.length / cols; row++) {
    const unit = bf16ToF32(units[row])
    for (let col = 0; col < cols; col++) {
      const block = row * codes.blocks + Math.floor(col / BLOCK)
      const scale = unit * step * scales[block]
      if (scale === 0) continue
      const level = Math.round((values[row * cols + col] - unit * zero * minimums[block]) / scale) + zero
      codes.codes[block * BLOCK + (col % BLOCK)] = Math.min(last, Math.max(0, level))
    }
  }
}

/** Fits the constants of one row under a unit; holds scratch for it. */
class RowFit {
  /** What `under` found. */
  readonly scales: Uint8Array
  readonly minimums: Int8Array
  readonly #form: { zero: number; step: number }
  // Of each block: its constants, f16 as they were; mean and variance of its codes, as the columns weigh, and their weight.
  readonly #scale: Float64Array
  readonly #minimum: Float64Array
  readonly #mean: Float64Array
  readonly #variance: Float64Array
  readonly #weight: Float64Array

  constructor(kind: NarrowKind, blocks: number) {
    this.#form = FORMS[kind]
    this.scales = new Uint8Array(blocks)
    this.minimums = new Int8Array(blocks)
    this.#scale = new Float64Array(blocks)
    this.#minimum = new Float64Array(blocks)
    this.#mean = new Float64Array(blocks)
    this.#variance = new Float64Array(blocks)
    this.#weight = new Float64Array(blocks)
  }

  /** Takes a row; bits of the least unit under which all its constants fit. */
  load(
    { codes, scales, minimums, blocks }: Codes,
    row: number,
    cols: number,
    weights?: ColumnWeights,
  ): number {
    const { zero, step } = this.#form
    let need = 0
    for (let block = 0; block < blocks; block++) {
      const index = row * blocks + block
      let weight = 0
      let sum = 0
      let squares = 0
      for (let i = 0; i < BLOCK && block * BLOCK + i < cols; i++) {
        const own = weights?.[block * BLOCK + i] ?? 1
        const code = codes[index * BLOCK + i]
        weight += own
        sum += own * code
        squares += own * code * code
      }
      const mean = sum / weight
      const scale = f16ToF32(scales[index])
      const minimum = f16ToF32(minimums[index])
      this.#scale[block] = scale
      this.#minimum[block] = minimum
      this.#mean[block] = mean
      this.#variance[block] = Math.max(0, squares / weight - mean * mean)
      this.#weight[block] = weight
      const height = Math.abs(minimum + scale * zero)
      need = Math.max(need, scale / (step * MOST_SCALE), height / (zero * MOST_MINIMUM))
    }
    const bits = new Uint32Array(Float32Array.of(need).buffer)[0] >>> 16
    return bf16ToF32(bits) < need ? bits + 1 : bits
  }

  /** Of the scales about each block's own, each with the minimum that suits it, those that err least; their error. */
  under(unit: number): number {
    this.scales.fill(0)
    this.minimums.fill(0)
    if (unit === 0) return 0
    const { zero, step } = this.#form
    let total = 0
    for (let block = 0; block < this.scales.length; block++) {
      const scale = this.#scale[block]
      const mean = this.#mean[block]
      const nearest = Math.round(scale / (unit * step))
      let least = Infinity
      for (let code = Math.max(0, nearest - 1); code <= Math.min(MOST_SCALE, nearest + 1); code++) {
        const own = unit * step * code
        // The line through the codes' mean stays where it was.
        const height = this.#minimum[block] + scale * mean - own * (mean - zero)
        const wanted = Math.round(height / (unit * zero))
        const minimum = Math.max(-MOST_MINIMUM, Math.min(MOST_MINIMUM, wanted))
        const slope = own - scale
        const offset = unit * zero * minimum - height
        const error = this.#weight[block] * (slope * slope * this.#variance[block] + offset * offset)
        if (error >= least) continue
        least = error
        this.scales[block] = code
        this.minimums[block] = minimum
      }
      total += least
    }
    return total
  }
}
