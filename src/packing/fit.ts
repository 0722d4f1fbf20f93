// BlockFit finds the scale and the minimum of one block that err least. Codes and constants are fitted in
// turns from several starts, then single codes are moved by one level. Only + - * /: the same bits on every
// host.
//
// Given codes q, the straight line x ~ scale * q + minimum that errs least explains C^2 / V of the block's
// sum of squares, with C = sum of q x and V = sum of q^2, both about their means (about 0 where a kind has no
// minimum). So a start is judged, and a code moved, without looking at the values again. Every sum is weighed
// by what the columns weigh: 1, or the mean square of what they are multiplied by.

import { BLOCK } from '../kernels/layout.ts'
import { f16ToF32, f32ToF16, isF16Special } from '../formats/f16.ts'

/** What a kind can hold: whole codes low..high, times a scale, plus a minimum if it has one. */
export type Levels = { low: number; high: number; minimum: boolean }

/** Constants of a block: f16 bits. Without a minimum it is 0. */
export type Constants = { scale: number; minimum: number }

/**
 * Where the lowest and the highest level start from, in steps inside the extremes, all pairs: clipping an
 * outlier may pay, at one end or both, and so may a level beyond the extremes, which lets all others move.
 * More starts gain 0.1 %.
 */
const ENDS = [-0.6, 0, 0.7]
/**
 * The same for a scale alone. Its levels reach one step further on one side, so each is tried with both
 * signs.
 */
const SCALE_ENDS = [-1, 0, 1]
/** A start settles within this many turns, or is no good one. */
const TURNS = 8
/** A gain below this share is rounding. */
const GAIN = 1 + 1e-11
/**
 * Codes that are not all equal spread by 1 - 1/n at least where all columns weigh 1, else by nearly the least weight;
 * less is rounding.
 */
const LEAST_SPREAD = 0.25

/** What each column of a matrix weighs in a sum of squared errors: above 0. */
export type ColumnWeights = Readonly<Float64Array>

/** Finds constants block by block; holds scratch for one block. */
export class BlockFit {
  readonly #levels: Levels
  readonly #values = new Float64Array(BLOCK) // the block's, less their mean where there is a minimum
  readonly #codes = new Int32Array(BLOCK)
  readonly #weights = new Float64Array(BLOCK).fill(1)
  #count = 0
  #mean = 0
  #weight = 0 // of all columns of the block
  #leastSpread = LEAST_SPREAD
  // Of the codes as they are now: weighed sums of q, q^2 and q x.
  #sumQ = 0
  #sumQq = 0
  #sumQx = 0

  constructor(levels: Levels) {
    this.#levels = levels
  }

  /**
   * The constants for values [start, end), at most 32 and all finite: those of the smallest squared error
   * found, or undefined where none is below `bound`. `weights`, if any, are those of the block's columns.
   */
  search(
    values: Float32Array,
    start: number,
    end: number,
    bound: number,
    weights?: ColumnWeights,
  ): Constants | undefined {
    const { least, most } = this.#load(values, start, end, weights)
    if (least === most && this.#levels.minimum) return undefined
    let best = 0
    let scale = 0
    let offset = 0
    for (const line of this.#starts(least, most)) {
      this.#settle(line.scale, line.offset)
      this.#moveCodes()
      this.#settle(this.#fitScale(), this.#fitOffset())
      const explained = this.#explained()
      if (explained > best) {
        best = explained
        scale = this.#fitScale()
        offset = this.#fitOffset()
      }
    }
    return best === 0 ? undefined : this.#round(scale, offset, bound)
  }

  /** Copies the block, less its mean where a minimum takes that up; its extremes. */
  #load(
    values: Float32Array,
    start: number,
    end: number,
    weights: ColumnWeights | undefined,
  ): { least: number; most: number } {
    this.#count = end - start
    if (weights !== undefined) this.#weights.set(weights)
    let sum = 0
    let weight = 0
    let lightest = Infinity
    for (let i = 0; i < this.#count; i++) {
      const own = this.#weights[i]
      sum += own * values[start + i]
      weight += own
      if (own < lightest) lightest = own
    }
    this.#weight = weight
    this.#leastSpread = LEAST_SPREAD * lightest
    this.#mean = this.#levels.minimum ? sum / weight : 0
    let least = Infinity
    let most = -Infinity
    for (let i = 0; i < this.#count; i++) {
      const value = values[start + i] - this.#mean
      this.#values[i] = value
      if (value < least) least = value
      if (value > most) most = value
    }
    return { least, most }
  }

  /** Lines x = scale * q + offset to start from. */
  *#starts(least: number, most: number): Generator<{ scale: number; offset: number }> {
    const { low, high, minimum } = this.#levels
    if (minimum) {
      const step = (most - least) / (high - low)
      for (const below of ENDS) {
        for (const above of ENDS) {
          const scale = (step * (high - low - below - above)) / (high - low)
          yield { scale, offset: least + below * step - scale * low }
        }
      }
      return
    }
    const reach = Math.max(most, -least)
    for (const inside of SCALE_ENDS) {
      const scale = reach / (inside - low)
      yield { scale, offset: 0 }
      yield { scale: -scale, offset: 0 }
    }
  }

  /** Codes nearest to the line, the line nearest to the codes, until that gains nothing. */
  #settle(scale: number, offset: number): void {
    let before = 0
    for (let turn = 0; turn < TURNS; turn++) {
      this.#recode(scale, offset)
      const explained = this.#explained()
      if (!(explained > before * GAIN)) return
      before = explained
      scale = this.#fitScale()
      offset = this.#fitOffset()
    }
  }

  /** Each value's nearest code on the line, and the sums over them. */
  #recode(scale: number, offset: number): void {
    const { low, high } = this.#levels
    const values = this.#values
    const codes = this.#codes
    const weights = this.#weights
    const count = this.#count
    const inverse = scale === 0 ? 0 : 1 / scale
    const shift = 0.5 - low - offset * inverse
    const last = high - low
    let sumQ = 0
    let sumQq = 0
    let sumQx = 0
    for (let i = 0; i < count; i++) {
      const place = values[i] * inverse + shift
      const code = (place < 0 ? 0 : place > last ? last : place | 0) + low
      codes[i] = code
      const share = weights[i] * code
      sumQ += share
      sumQq += share * code
      sumQx += share * values[i]
    }
    this.#sumQ = sumQ
    this.#sumQq = sumQq
    this.#sumQx = sumQx
  }

  /**
   * Moves single codes by one level wherever the best line for the changed codes errs less, until none does:
   * what turns of codes and line, which move all codes at once, get stuck before.
   */
  #moveCodes(): void {
    const { low, high, minimum } = this.#levels
    const values = this.#values
    const codes = this.#codes
    const weights = this.#weights
    const count = this.#count
    const share = minimum ? 1 / this.#weight : 0
    const leastSpread = this.#leastSpread
    let sumQ = this.#sumQ
    let sumQq = this.#sumQq
    let sumQx = this.#sumQx
    let least = this.#explained() * GAIN
    for (let sweep = 0, moved = true; moved && sweep < TURNS; sweep++) {
      moved = false
      for (let i = 0; i < count; i++) {
        for (let by = -1; by <= 1; by += 2) {
          const code = codes[i] + by
          if (code < low || code > high) continue
          const step = by * weights[i]
          const q = sumQ + step
          const qq = sumQq + step * (codes[i] + code)
          const qx = sumQx + step * values[i]
          const spread = qq - q * q * share
          if (spread < leastSpread || !(qx * qx > least * spread)) continue
          codes[i] = code
          sumQ = q
          sumQq = qq
          sumQx = qx
          least = ((qx * qx) / spread) * GAIN
          moved = true
        }
      }
    }
    this.#sumQ = sumQ
    this.#sumQq = sumQq
    this.#sumQx = sumQx
  }

  #spread(): number {
    return this.#levels.minimum ? this.#sumQq - (this.#sumQ * this.#sumQ) / this.#weight : this.#sumQq
  }

  /** How much of the sum of squares the best line through these codes explains. */
  #explained(): number {
    const spread = this.#spread()
    return spread < this.#leastSpread ? 0 : (this.#sumQx * this.#sumQx) / spread
  }

  #fitScale(): number {
    const spread = this.#spread()
    return spread < this.#leastSpread ? 0 : this.#sumQx / spread
  }

  /** The centred values have a mean of 0: the line's height at the codes' mean. */
  #fitOffset(): number {
    return this.#levels.minimum ? (-this.#fitScale() * this.#sumQ) / this.#weight : 0
  }

  /**
   * The line in f16: of the three scales around it, each with the minimum that is best for its own codes, the
   * one that errs least as it will be stored; undefined unless below `bound`.
   */
  #round(scale: number, offset: number, bound: number): Constants | undefined {
    const { minimum } = this.#levels
    const middle = f32ToF16(scale)
    let best: Constants | undefined
    for (const half of [middle - 1, middle, middle + 1]) {
      // Kernels take no negative scale beside a minimum; least squares gives none, but for rounding about 0.
      if (half < 0 || isF16Special(half) || (minimum && half > 0x7fff)) continue
      const rounded = f16ToF32(half)
      this.#recode(rounded, offset)
      const height = minimum ? f32ToF16(this.#mean - (rounded * this.#sumQ) / this.#weight) : 0
      if (isF16Special(height)) continue
      const error = this.#error(rounded, f16ToF32(height) - this.#mean)
      if (!(error < bound)) continue
      bound = error
      best = { scale: half, minimum: height }
    }
    return best
  }

  /** The squared error with each value's nearest code. */
  #error(scale: number, offset: number): number {
    this.#recode(scale, offset)
    let sum = 0
    for (let i = 0; i < this.#count; i++) {
      const difference = scale * this.#codes[i] + offset - this.#values[i]
      sum += this.#weights[i] * (difference * difference)
    }
    return sum
  }
}
