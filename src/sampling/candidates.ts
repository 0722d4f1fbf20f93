// Candidates are the ids that may still be chosen; top_k, top_p and min_p narrow them down. They stay in
// order of id and are never sorted.

import { exp } from '../lib/math.ts'

/** Work space for one choice at a time; samplers of one vocabulary share it. */
export type Scratch = {
  readonly vocab: number
  /** Processed scores, (vocab). */
  readonly row: Float32Array
  /** What candidates are ordered by where that is not their scores, (vocab). */
  readonly keys: Float32Array
  /** Candidates in rising order, (vocab); and what each weighs. */
  readonly ids: Uint16Array | Int32Array
  readonly weights: Float32Array
  /** One sum for each value of a digit. */
  readonly sums: Float64Array
}

/**
 * Scratch for rows of `vocab` logits, each part made when it is first needed: greedy needs none, a draw 6 bytes a logit, or 8 from
 * 65,537 ids on, and 4 more once a penalty or a bias is asked for, 4 once typical_p is. Loops take the parts out first: each
 * look-up costs as much as a weight.
 */
export function createScratch(vocab: number): Scratch {
  const [row, keys, weights] = [0, 1, 2].map(() => lazily(() => new Float32Array(vocab)))
  const ids = lazily(() => (vocab <= 1 << 16 ? new Uint16Array(vocab) : new Int32Array(vocab)))
  const sums = lazily(() => new Float64Array(1 << DIGITS[0].width))
  return {
    vocab,
    get row() {
      return row()
    },
    get keys() {
      return keys()
    },
    get ids() {
      return ids()
    },
    get weights() {
      return weights()
    },
    get sums() {
      return sums()
    },
  }
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** A float32 as three digits, the highest first. */
const DIGITS = [
  { shift: 21, width: 11 },
  { shift: 10, width: 11 },
  { shift: 0, width: 10 },
] as const

/**
 * Keeps the fewest candidates whose weights reach `target`, best score first and at equal scores the lower
 * id, and at least one. Finds the lowest score that stays digit by digit, as a radix sort would, with a sum
 * of weights for each value of the digit, and drops what is below at once: linear time whatever the scores.
 * Returns how many are left.
 */
export function keepBest(scratch: Scratch, count: number, scores: Float32Array, target: number): number {
  const { ids, weights, sums } = scratch
  const bits = new Int32Array(scores.buffer, scores.byteOffset, scores.length)
  const wanted = Math.max(target, Number.MIN_VALUE) // one at least
  let above = 0
  let lowest = 0 // the highest digits, as far as they are found, of the lowest score that stays
  for (const { shift, width } of DIGITS) {
    const size = 1 << width
    const first = (lowest << width) - (shift === DIGITS[0].shift ? size / 2 : 0)
    sums.fill(0, 0, size)
    for (let i = 0; i < count; i++) {
      const digit = (orderOf(bits[ids[i]]) >> shift) - first
      if (digit < size) sums[digit] += weights[i]
    }
    let digit = size - 1
    while (digit > 0 && above + sums[digit] < wanted) above += sums[digit--]
    lowest = first + digit
    let kept = 0
    for (let i = 0; i < count; i++) {
      if (orderOf(bits[ids[i]]) >> shift < lowest) continue
      ids[kept] = ids[i]
      weights[kept++] = weights[i]
    }
    count = kept
  }
  return dropTies(scratch, count, bits, { lowest, above, wanted })
}

/**
 * Of the candidates at the lowest score that stays, keeps the first that together with those above reach
 * `wanted`.
 */
function dropTies(
  { ids, weights }: Scratch,
  count: number,
  bits: Int32Array,
  { lowest, above, wanted }: { lowest: number; above: number; wanted: number },
): number {
  let kept = 0
  for (let i = 0; i < count; i++) {
    if (orderOf(bits[ids[i]]) === lowest) {
      if (above >= wanted) continue
      above += weights[i]
    }
    ids[kept] = ids[i]
    weights[kept++] = weights[i]
  }
  return kept
}

/** The bits of a float32 as an integer in the order of the numbers; -0 is 0. */
function orderOf(bits: number): number {
  return bits >= 0 ? bits : bits === -0x80000000 ? 0 : bits ^ 0x7fffffff
}

/**
 * The ids of the `count` largest values, best first, ties to the lower id. Keeps a short list in order: the
 * fastest for small counts, since after the first few hundred values hardly one gets into it.
 */
export function largest(values: Float32Array, count: number): number[] {
  const ids: number[] = []
  if (count === 0) return ids
  const last = values.length - 4
  let least = -Infinity // of a list that is full
  for (let id = 0; id < values.length; id++) {
    if (ids.length === count) {
      // Four at a time: one that gets in is rare.
      while (
        id < last &&
        !(values[id] > least || values[id + 1] > least || values[id + 2] > least || values[id + 3] > least)
      )
        id += 4
      if (!(values[id] > least)) continue
      ids.pop()
    }
    let slot = ids.length
    while (slot > 0 && values[ids[slot - 1]] < values[id]) slot--
    ids.splice(slot, 0, id)
    least = values[ids[ids.length - 1]]
  }
  return ids
}

const STEPS = 64 // of the table of 2^(i / 64)
const LN2 = 0.6931471805599453
const TABLE = Float64Array.from({ length: STEPS }, (_, i) => exp((i / STEPS) * LN2))
/**
 * Scores this far below the best (in units of the temperature) weigh nothing: e^-100 is below any float32.
 */
const FARTHEST = -100
const ROUNDER = 1.5 * 2 ** 52
const POWERS = Float64Array.from({ length: 146 }, (_, i) => 2 ** -i) // 100 / ln 2 = 144.3

/** e^x for FARTHEST < x <= 0, at most 1e-13 of it off: a table and four terms, for speed and equal bits. */
function nearExp(x: number): number {
  const rounded = x * (STEPS / LN2) + ROUNDER - ROUNDER // ties to even
  const n = rounded | 0 // made an integer once: loops take a quarter less
  const r = x - rounded * (LN2 / STEPS)
  const tail = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24))))
  return TABLE[n & (STEPS - 1)] * POWERS[-(n >> 6)] * tail
}

/**
 * Weighs each candidate by e^((score - best) / temperature) as float32, `best` being the largest score;
 * returns the sum in order of id.
 */
export function weigh(
  scratch: Scratch,
  count: number,
  scores: Float32Array,
  best: number,
  temperature: number,
): number {
  const { ids, weights } = scratch
  let sum = 0
  for (let i = 0; i < count; i++) {
    const x = (scores[ids[i]] - best) / temperature
    const weight = x > FARTHEST ? Math.fround(nearExp(x)) : 0
    weights[i] = weight
    sum += weight
  }
  return sum
}

/** The same of all ids, which become the candidates. */
export function weighAll(scratch: Scratch, scores: Float32Array, best: number, temperature: number): number {
  const { ids, weights } = scratch
  let sum = 0
  for (let id = 0; id < scores.length; id++) {
    const below = scores[id] - best
    const x = temperature === 1 ? below : below / temperature
    const weight = x > FARTHEST ? Math.fround(nearExp(x)) : 0
    ids[id] = id
    weights[id] = weight
    sum += weight
  }
  return sum
}

/** More than nearExp and exp together are off, of what they give. */
const OFF = 2 ** -42

/**
 * The sum of e^(score - best), `best` being the largest score: bit for bit that of exp, in order of id. Most terms are so small that
 * the sum rounds to the same whether they are a little larger or smaller; only where it does not, exp decides.
 */
export function sumOfExp(scores: Float32Array, best: number): number {
  let sum = 0
  for (let id = 0; id < scores.length; id++) {
    const x = scores[id] - best
    if (x > FARTHEST) {
      const term = nearExp(x)
      const off = term * OFF
      const next = sum + (term - off)
      if (next === sum + (term + off)) {
        sum = next
        continue
      }
    }
    sum += exp(x)
  }
  return sum
}
