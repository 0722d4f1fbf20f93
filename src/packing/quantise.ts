// This file quantises float rows to INT8, 6-bit and INT4 codes. Constants are rounded to f16 first, and codes
// are chosen for the rounded ones.

import { f16ToF32, f32ToF16, isF16Special } from '../formats/f16.ts'
import { IsletError } from '../lib/errors.ts'
import { roundTiesToEven } from '../lib/math-f32.ts'
import { BLOCK } from '../kernels/layout.ts'
import { type CodeKind, type Codes, emptyCodes, ZERO_CODE } from './codes.ts'
import { BlockFit, type ColumnWeights, type Constants, type Levels } from './fit.ts'

/** How 4- and 6-bit blocks get their constants: by error, or from their extremes alone (round to nearest). */
export const ROUNDINGS = ['search', 'nearest'] as const
export type Rounding = (typeof ROUNDINGS)[number]

/** (rows, cols) f32 to INT8 in blocks of 32: scale = amax / 127, each value within half of that. */
export function quantiseQ8(values: Float32Array, rows: number, cols: number): Codes {
  const out = emptyCodes('q8', rows, cols)
  eachBlock(values, rows, cols, out, (block, start, end, at) => {
    const amax = largest(values, start, end)
    const half = scaleBelow(amax, 127)
    const scale = f16ToF32(half)
    out.scales[block] = half
    for (let i = start; i < end; i++) out.codes[at + i - start] = 128 + code(values[i], scale, 127)
  })
  return out
}

/**
 * (rows, cols) f32 to 4, 5 or 6 bits in blocks of 32, with scale and minimum (q4m, q6) or a scale alone (q4, q5).
 * `search` (fit.ts) never errs more on a block than `nearest`, in squares that `weights` weighs, if given. Padding
 * columns get the code nearest to 0.
 */
export function quantiseBlocks(
  kind: Exclude<CodeKind, 'q8'>,
  values: Float32Array,
  rows: number,
  cols: number,
  rounding: Rounding = 'search',
  weights?: ColumnWeights,
): Codes {
  const levels = LEVELS[kind]
  const fit = rounding === 'search' ? new BlockFit(levels) : undefined
  const out = emptyCodes(kind, rows, cols)
  // Stored codes start at 0; those of a scale alone stand for low..high.
  const zero = levels.minimum ? 0 : ZERO_CODE[kind]
  eachBlock(values, rows, cols, out, (block, start, end, at) => {
    const extremes = constantsOfExtremes(values, start, end, levels)
    const own = weights?.subarray(start % cols, (start % cols) + end - start)
    const bound = squaredError(values, start, end, extremes, levels, own)
    const constants = fit?.search(values, start, end, bound, own) ?? extremes
    out.scales[block] = constants.scale
    if (levels.minimum) out.minimums[block] = constants.minimum
    const scale = f16ToF32(constants.scale)
    const minimum = f16ToF32(constants.minimum)
    for (let i = 0; i < BLOCK; i++) {
      out.codes[at + i] = zero + level(start + i < end ? values[start + i] : 0, scale, minimum, levels)
    }
  })
  return out
}

const LEVELS: Readonly<Record<Exclude<CodeKind, 'q8'>, Levels>> = {
  q4: { low: -8, high: 7, minimum: false },
  q4m: { low: 0, high: 15, minimum: true },
  q5: { low: -16, high: 15, minimum: false },
  q6: { low: 0, high: 63, minimum: true },
}

/**
 * The levels spread evenly from the least value to the largest; a scale alone puts the largest magnitude at
 * `low`.
 */
function constantsOfExtremes(values: Float32Array, start: number, end: number, levels: Levels): Constants {
  let least = Infinity
  let most = -Infinity
  for (let i = start; i < end; i++) {
    if (values[i] < least) least = values[i]
    if (values[i] > most) most = values[i]
  }
  const { low, high, minimum } = levels
  if (minimum) return { scale: finiteHalf((most - least) / (high - low)), minimum: finiteHalf(least) }
  return { scale: finiteHalf((-least > most ? least : most) / low), minimum: 0 }
}

function squaredError(
  values: Float32Array,
  start: number,
  end: number,
  constants: Constants,
  levels: Levels,
  weights: ColumnWeights | undefined,
): number {
  const scale = f16ToF32(constants.scale)
  const minimum = f16ToF32(constants.minimum)
  let sum = 0
  for (let i = start; i < end; i++) {
    const difference = level(values[i], scale, minimum, levels) * scale + minimum - values[i]
    sum += (weights?.[i - start] ?? 1) * (difference * difference)
  }
  return sum
}

/** The level nearest to a value. */
function level(value: number, scale: number, minimum: number, { low, high }: Levels): number {
  if (scale === 0) return Math.min(high, Math.max(low, 0))
  return Math.min(high, Math.max(low, Math.round((value - minimum) / scale)))
}

function code(value: number, scale: number, limit: number): number {
  if (scale === 0) return 0
  return Math.min(limit, Math.max(-limit, roundTiesToEven(value / scale)))
}

/**
 * The f16 scale for INT8: amax / steps rounded down, so that half a step never grows; rounded up among
 * subnormals, where rounding down could cost more than half a step at the largest value.
 */
function scaleBelow(amax: number, steps: number): number {
  const wanted = amax / steps
  let half = finiteHalf(wanted)
  if (f16ToF32(half) > wanted && half > 0) half--
  if (amax > f16ToF32(half) * (steps + 0.5)) half++
  return half
}

/** f16 bits of a finite value; a block whose constants no f16 can hold is no model's. */
export function finiteHalf(value: number): number {
  const half = f32ToF16(value)
  if (isF16Special(half)) {
    throw new IsletError(
      'invalid_file',
      `a block needs the constant ${value}, outside the range of a 16-bit float`,
    )
  }
  return half
}

function largest(values: Float32Array, start: number, end: number): number {
  let amax = 0
  for (let i = start; i < end; i++) {
    const magnitude = Math.abs(values[i])
    if (magnitude > amax) amax = magnitude
  }
  return amax
}

/**
 * Calls `each` with the block's number, the values it covers (fewer than 32 at a ragged edge), and where its
 * codes start.
 */
function eachBlock(
  values: Float32Array,
  rows: number,
  cols: number,
  out: Codes,
  each: (block: number, start: number, end: number, at: number) => void,
): void {
  if (values.length < rows * cols) throw new RangeError(`${values.length} values for ${rows} x ${cols}`)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < cols; column += BLOCK) {
      const block = row * out.blocks + column / BLOCK
      const start = row * cols + column
      each(block, start, Math.min(start + BLOCK, (row + 1) * cols), block * BLOCK)
    }
  }
}
