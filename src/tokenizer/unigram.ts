// The unigram encoder finds the segmentation with the highest sum of log probabilities, by Viterbi. Sums are
// float32 as in SentencePiece, and the first of equals wins, so ties fall alike.

import { TOKEN } from './format.ts'
import { characterEnd } from './normalise.ts'
import { KEPT_BYTES, utf8Into } from './utf8.ts'
import type { Vocabulary } from './vocabulary.ts'

/** An unknown character costs this much more than the least likely token. */
const UNKNOWN_PENALTY = 10
/**
 * User-defined tokens have a positive score that grows with their bytes, so that they win over all others.
 */
const BONUS = 0.1

/** Appends the ids of a normalised text; `unknown` gets the bytes of a character that no token covers. */
export type PieceEncoder = (
  text: string,
  out: number[],
  unknown: (bytes: Uint8Array, start: number, end: number) => void,
) => void

export function unigramEncoder(vocabulary: Vocabulary): PieceEncoder {
  const { scores, types, settings } = vocabulary
  const unknownScore = Math.fround(lowestScore(scores, types) - UNKNOWN_PENALTY)
  const scratch = { bytes: new Uint8Array(0) }
  // Best way to end at each byte: its sum, where its last token begins (-1: no way yet), and that token's id.
  let sums = new Float32Array(0)
  let begins = new Int32Array(0)
  let ids = new Int32Array(0)
  let at = 0 // where the tokens begin that are being offered

  const reserve = (length: number): void => {
    if (sums.length <= length) {
      const capacity = 2 ** Math.ceil(Math.log2(length + 256))
      sums = new Float32Array(capacity)
      begins = new Int32Array(capacity)
      ids = new Int32Array(capacity)
    }
    begins.fill(-1, 0, length + 1)
  }

  const offer = (id: number, end: number, score: number): void => {
    const sum = Math.fround(score + sums[at])
    if (begins[end] >= 0 && !(sum > sums[end])) return
    sums[end] = sum
    begins[end] = at
    ids[end] = id
  }
  const offerToken = (id: number, end: number): void =>
    offer(id, end, types[id] === TOKEN.userDefined ? Math.fround(BONUS * (end - at) - BONUS) : scores[id])

  /** Encodes one word; sums go on from `carried`, so that cutting at spaces changes no rounding. */
  const encodeWord = (
    word: string,
    carried: number,
    out: number[],
    unknown: Parameters<PieceEncoder>[2],
  ): number => {
    const length = utf8Into(word, scratch)
    const { bytes } = scratch
    reserve(length)
    sums[0] = carried
    for (at = 0; at < length;) {
      const next = characterEnd(bytes, at, length)
      if (!vocabulary.eachToken(bytes, at, length, next, offerToken)) offer(-1, next, unknownScore)
      at = next
    }
    const path: number[] = []
    for (let end = length; end > 0; end = begins[end]) path.push(end)
    for (const end of path.reverse()) {
      if (ids[end] >= 0) out.push(ids[end])
      else unknown(bytes, begins[end], end)
    }
    return sums[length]
  }

  return (text, out, unknown) => {
    let sum = 0
    if (!settings.cutAtSpaces) encodeWord(text, sum, out, unknown)
    else for (const [word] of text.matchAll(/ *[^ ]+| +/g)) sum = encodeWord(word, sum, out, unknown)
    if (sums.length > KEPT_BYTES) {
      sums = new Float32Array(0)
      begins = ids = new Int32Array(0)
    }
    if (scratch.bytes.length > KEPT_BYTES) scratch.bytes = new Uint8Array(0)
  }
}

function lowestScore(scores: Float32Array, types: Uint8Array): number {
  let lowest = Infinity
  for (let id = 0; id < types.length; id++) {
    if (types[id] === TOKEN.normal) lowest = Math.min(lowest, scores[id])
  }
  return Number.isFinite(lowest) ? lowest : 0
}
