// Random numbers have no state: they are keyed by the seed and counted by the position. So a sequence may be
// continued anywhere. Philox-4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2,
// 3", SC 2011).

const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const KEY_STEP_0 = 0x9e3779b9
const KEY_STEP_1 = 0xbb67ae85
const ROUNDS = 10

/** Four unsigned 32-bit words from a counter of four and a key of two. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [a, b, c, d] = counter
  let [k0, k1] = key
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, a)
    const low0 = Math.imul(MULTIPLIER_0, a)
    const high1 = multiplyHigh(MULTIPLIER_1, c)
    const low1 = Math.imul(MULTIPLIER_1, c)
    a = high1 ^ b ^ k0
    b = low1
    c = high0 ^ d ^ k1
    d = low0
    k0 = (k0 + KEY_STEP_0) | 0
    k1 = (k1 + KEY_STEP_1) | 0
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0]
}

/**
 * A double in [0, 1) with 53 random bits. `seed`: unsigned 32 bits; `position`: an integer below 2^53; `draw`: unsigned
 * 32 bits, for one number after the other at a position; `use`: 1 for numbers that pick no id.
 */
export function uniform(seed: number, position: number, draw = 0, use: 0 | 1 = 0): number {
  const [high, low] = philox([position >>> 0, Math.floor(position / 2 ** 32), draw, use], [seed, 0])
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53
}

/** The upper 32 bits of the 64-bit product of two unsigned words, from 16-bit halves. */
function multiplyHigh(x: number, y: number): number {
  const xLow = x & 0xffff
  const xHigh = x >>> 16
  const yLow = y & 0xffff
  const yHigh = y >>> 16
  // Each sum stays below 2^32 + 2^17, exact in a double.
  const middle = xHigh * yLow + ((xLow * yLow) >>> 16)
  const carry = (middle % 0x10000) + xLow * yHigh
  return xHigh * yHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)
}
