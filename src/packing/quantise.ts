// Float rows to INT8, 6-bit and INT4 codes. Constants are rounded to f16 first and codes chosen for the rounded ones.

import { f16ToF32, f32ToF16, isF16Special } from '../formats/f16.ts'
import { IsletError } from '../lib/errors.ts'
import { roundTiesToEven } from '../lib/math-f32.ts'
import { BLOCK } from '../kernels/layout.ts'
import { type Codes, emptyCodes } from './codes.ts'

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
 * (rows, cols) f32 to 4 or 6 bits in blocks of 32 with scale and minimum. Of some shrunk ranges, each refined by least
 * squares, the one with the smallest squared error is taken. Padding columns get the code nearest to 0.
 */
export function quantiseRange(kind: 'q4m' | 'q6', values: Float32Array, rows: number, cols: number): Codes {
  const top = kind === 'q4m' ? 15 : 63
  const out = emptyCodes(kind, rows, cols)
  eachBlock(values, rows, cols, out, (block, start, end, at) => {
    const best = bestRange(values, start, end, top)
    out.scales[block] = best.scale
    out.minimums[block] = best.minimum
    const scale = f16ToF32(best.scale)
    const minimum = f16ToF32(best.minimum)
    for (let i = 0; i < BLOCK; i++) {
      out.codes[at + i] = level(start + i < end ? values[start + i] : 0, scale, minimum, top)
    }
  })
  return out
}

/** Share of the block's range that the levels cover: outliers may be worth clipping. */
const SHRINKS = [1, 0.95, 0.9, 0.84, 0.78]

function bestRange(
  values: Float32Array,
  start: number,
  end: number,
  top: number,
): { scale: number; minimum: number } {
  let low = Infinity
  let high = -Infinity
  for (let i = start; i < end; i++) {
    if (values[i] < low) low = values[i]
    if (values[i] > high) high = values[i]
  }
  const first = rounded((high - low) / top, low)
  let best = first
  let bestError = squaredError(values, start, end, first, top)
  for (const shrink of SHRINKS) {
    const cut = ((high - low) * (1 - shrink)) / 2
    const refined = leastSquares(values, start, end, rounded(((high - low) * shrink) / top, low + cut), top)
    const error = squaredError(values, start, end, refined, top)
    if (error < bestError) {
      best = refined
      bestError = error
    }
  }
  return best
}

/** Scale and minimum that fit these values best, given the codes that `range` picks for them. */
function leastSquares(values: Float32Array, start: number, end: number, range: Range, top: number): Range {
  const scale = f16ToF32(range.scale)
  const minimum = f16ToF32(range.minimum)
  let sumQ = 0
  let sumQq = 0
  let sumX = 0
  let sumQx = 0
  for (let i = start; i < end; i++) {
    const q = level(values[i], scale, minimum, top)
    sumQ += q
    sumQq += q * q
    sumX += values[i]
    sumQx += q * values[i]
  }
  const count = end - start
  const spread = count * sumQq - sumQ * sumQ
  if (spread === 0) return range
  const fitted = (count * sumQx - sumQ * sumX) / spread
  return rounded(fitted, (sumX - fitted * sumQ) / count)
}

type Range = { scale: number; minimum: number } // f16 bits

function rounded(scale: number, minimum: number): Range {
  return { scale: finiteHalf(scale), minimum: finiteHalf(minimum) }
}

function squaredError(values: Float32Array, start: number, end: number, range: Range, top: number): number {
  const scale = f16ToF32(range.scale)
  const minimum = f16ToF32(range.minimum)
  let sum = 0
  for (let i = start; i < end; i++) {
    const difference = level(values[i], scale, minimum, top) * scale + minimum - values[i]
    sum += difference * difference
  }
  return sum
}

function level(value: number, scale: number, minimum: number, top: number): number {
  if (scale === 0) return 0
  return Math.min(top, Math.max(0, Math.round((value - minimum) / scale)))
}

function code(value: number, scale: number, limit: number): number {
  if (scale === 0) return 0
  return Math.min(limit, Math.max(-limit, roundTiesToEven(value / scale)))
}

/**
 * The f16 scale for INT8: amax / steps rounded down, so that half a step never grows; rounded up among subnormals,
 * where rounding down could cost more than half a step at the largest value.
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

/** Calls `each` with the block's number, the values it covers (fewer than 32 at a ragged edge), and where its codes start. */
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
