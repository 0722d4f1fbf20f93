// The unigram encoder finds the segmentation with the highest sum of log probabilities, by Viterbi. Sums are
// float32 as in SentencePiece, and the first of equals wins, so ties fall alike.

import type { Sliced } from '../lib/sliced.ts'
import { TOKEN } from './format.ts'
import { characterEnd } from './normalise.ts'
import type { PieceEncoder, WriteUnknown } from './pieces.ts'
import { utf8Into } from './utf8.ts'
import type { Vocabulary } from './vocabulary.ts'
import { utf8InWindows } from './windows.ts'

/** An unknown character costs this much more than the least likely token. */
const UNKNOWN_PENALTY = 10
/**
 * User-defined tokens have a positive score that grows with their bytes, so that they win over all others.
 */
const BONUS = 0.1

/** UTF-16 units. A longer word has memory of its own: other texts may be encoded between its slices. */
const LONG_WORD = 1 << 11
/** Bytes between two looks at the budget. */
const STRIDE = 1 << 11

/** Makes encoders of a text's words, in order. */
export function unigramEncoder(vocabulary: Vocabulary, unknown: WriteUnknown): () => PieceEncoder {
  const { scores, types } = vocabulary
  const lowest = Math.fround(lowestScore(scores, types) - UNKNOWN_PENALTY)
  const shared = new Lattice(vocabulary, lowest)
  return () => {
    let sum = 0 // goes on from word to word, so that cutting at spaces changes no rounding
    return (word, out, budget) => {
      if (word.length > LONG_WORD) {
        const own = new Lattice(vocabulary, lowest)
        const encodeLong = function* (): Sliced<void> {
          const length = yield* utf8InWindows(word, own, budget)
          own.begin(length, sum)
          while (!own.advance(STRIDE)) if (budget.spend(STRIDE)) yield
          sum = own.sum
          const path = own.path()
          for (let i = path.length - 1; i >= 0; i--) {
            own.write(path[i], out, unknown)
            if (i % STRIDE === 0 && budget.spend(STRIDE)) yield
          }
        }
        return encodeLong()
      }
      shared.begin(utf8Into(word, shared), sum)
      shared.advance(Infinity)
      sum = shared.sum
      const path = shared.path()
      for (let i = path.length - 1; i >= 0; i--) shared.write(path[i], out, unknown)
      return undefined
    }
  }
}

/** All ways through the bytes of a word, and the best one to each of them. */
class Lattice {
  bytes = new Uint8Array(256)
  readonly #vocabulary: Vocabulary
  readonly #unknownScore: number
  // Best way to end at each byte: its sum, where its last token begins (-1: no way yet), and that token's id.
  #sums = new Float32Array(0)
  #begins = new Int32Array(0)
  #ids = new Int32Array(0)
  #length = 0
  #at = 0 // where the tokens begin that are being offered

  constructor(vocabulary: Vocabulary, unknownScore: number) {
    this.#vocabulary = vocabulary
    this.#unknownScore = unknownScore
  }

  /** The sum of the best way to the end. */
  get sum(): number {
    return this.#sums[this.#length]
  }

  /** Begins a word of `length` bytes with a sum so far. */
  begin(length: number, carried: number): void {
    if (this.#sums.length <= length) {
      this.#sums = new Float32Array(length + 256)
      this.#begins = new Int32Array(length + 256)
      this.#ids = new Int32Array(length + 256)
    }
    this.#begins.fill(-1, 0, length + 1)
    this.#sums[0] = carried
    this.#length = length
    this.#at = 0
  }

  /** Offers the tokens that begin in the next `units` bytes; true at the end of the word. */
  advance(units: number): boolean {
    const { bytes } = this
    const length = this.#length
    const stop = Math.min(this.#at + units, length)
    while (this.#at < stop) {
      const next = characterEnd(bytes, this.#at, length)
      if (!this.#vocabulary.eachToken(bytes, this.#at, length, next, this.#offerToken))
        this.#offer(-1, next, this.#unknownScore)
      this.#at = next
    }
    return this.#at >= length
  }

  /** Where the tokens of the best way end, the last one first. */
  path(): number[] {
    const ends: number[] = []
    for (let end = this.#length; end > 0; end = this.#begins[end]) ends.push(end)
    return ends
  }

  /** Appends the id of the token that ends at `end`, or those of an unknown character. */
  write(end: number, out: number[], unknown: WriteUnknown): void {
    if (this.#ids[end] >= 0) out.push(this.#ids[end])
    else unknown(out, this.bytes, this.#begins[end], end)
  }

  readonly #offerToken = (id: number, end: number): void => {
    const { types, scores } = this.#vocabulary
    const score = types[id] === TOKEN.userDefined ? Math.fround(BONUS * (end - this.#at) - BONUS) : scores[id]
    this.#offer(id, end, score)
  }

  #offer(id: number, end: number, score: number): void {
    const sums = this.#sums
    const sum = Math.fround(score + sums[this.#at])
    if (this.#begins[end] >= 0 && !(sum > sums[end])) return
    sums[end] = sum
    this.#begins[end] = this.#at
    this.#ids[end] = id
  }
}

function lowestScore(scores: Float32Array, types: Uint8Array): number {
  let lowest = Infinity
  for (let id = 0; id < types.length; id++) {
    if (types[id] === TOKEN.normal) lowest = Math.min(lowest, scores[id])
  }
  return Number.isFinite(lowest) ? lowest : 0
}
