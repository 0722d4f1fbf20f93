// A score tells how well a model foretells a text, and how far its distribution is from another's. `islet
// perplexity` and bench/quant-loss.ts report it. Float64 from src/lib/math.ts in a fixed order: equal bits
// on every host.

import { Feed } from '../../src/graph/feed.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { exp } from '../../src/lib/math.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'

/** A mean over tokens and its standard error, as if tokens were independent. */
export type Mean = { mean: number; error: number }

export type TextScore = {
  chunks: number
  /** Tokens that count: those after the first half of each chunk. */
  tokens: number
  /** -ln of the probability that the model gave to each token that came: nats a token. */
  nats: Mean
  /** Against another model over the same positions. */
  against:
    | {
        nats: Mean
        /** nats of the model less nats of the other, token by token. */
        difference: Mean
        /** Kullback-Leibler divergence of the model's distribution from the other's, nats a position. */
        kl: Mean
        /** Share of positions where both hold the same token likeliest; ties go to the lower id. */
        sameTop: number
      }
    | undefined
}

export type ScoreOptions = {
  /** Tokens of a chunk, at least 4; each starts with an empty cache. */
  context: number
  /** Stands in the place of each chunk's first token, where the model wants one. */
  bos: number | undefined
  /** The model to compare with: of the same vocabulary, and with as many rows a step. */
  against?: LocalModel | undefined
  onProgress?: (done: number, total: number) => void
}

/** The smallest chunk whose second half has a token. */
export const SMALLEST_CONTEXT = 4

/** Where what counts begins: the token at this place of a chunk is the last that is context alone. */
export function firstRow(context: number): number {
  return Math.floor(context / 2)
}

/** The ids that count in `ids`, chunk by chunk. Ids behind the last whole chunk do not. */
export function countedIds(ids: readonly number[], context: number): number[] {
  return chunksOf(ids, context).flatMap((chunk) => chunk.slice(firstRow(context) + 1))
}

/**
 * Runs `ids` in whole chunks of `context` tokens and scores the second half of each, given the first. Both
 * models need a KV pool for `context` positions. `invalid_request` for fewer ids than one chunk.
 */
export function scoreText(model: LocalModel, ids: readonly number[], options: ScoreOptions): TextScore {
  const { context, bos, against, onProgress } = options
  const chunks = chunksOf(ids, context)
  if (chunks.length === 0) {
    throw new IsletError(
      'invalid_request',
      `the text has ${ids.length} tokens, less than one chunk of ${context}: give a longer one or a smaller --context`,
      { param: 'FILE' },
    )
  }
  const step = Math.min(model.maxLogitRows, against?.maxLogitRows ?? model.maxLogitRows)
  const held = new Float32Array(against === undefined ? 0 : step * model.spec.vocab) // (step, vocab)
  const tally = { nats: newSum(), other: newSum(), difference: newSum(), kl: newSum(), same: 0 }
  for (const [index, chunk] of chunks.entries()) {
    const known = bos === undefined ? chunk : [bos, ...chunk.slice(1)]
    const own = new Feed(model)
    const other = against === undefined ? undefined : new Feed(against)
    const start = firstRow(context)
    own.run(known.slice(0, start))
    other?.run(known.slice(0, start))
    for (let from = start; from < context - 1; from += step) {
      const rows = known.slice(from, Math.min(from + step, context - 1))
      own.run(rows, (logits, position) => {
        if (other === undefined) add(tally.nats, surprise(logits, logSumExp(logits), chunk[position + 1]))
        else held.set(logits, (position - from) * logits.length)
      })
      other?.run(rows, (logits, position) => {
        const at = (position - from) * logits.length
        compare(held.subarray(at, at + logits.length), logits, chunk[position + 1], tally)
      })
    }
    onProgress?.(index + 1, chunks.length)
  }
  const { nats, other, difference, kl, same } = tally
  return {
    chunks: chunks.length,
    tokens: nats.count,
    nats: meanOf(nats),
    against:
      against === undefined
        ? undefined
        : {
            nats: meanOf(other),
            difference: meanOf(difference),
            kl: meanOf(kl),
            sameTop: same / kl.count,
          },
  }
}

type Sum = { count: number; sum: number; squares: number }
type Tally = { nats: Sum; other: Sum; difference: Sum; kl: Sum; same: number }

function compare(logits: Float32Array, reference: Float32Array, next: number, tally: Tally): void {
  const offset = logSumExp(logits)
  const referenceOffset = logSumExp(reference)
  const nats = surprise(logits, offset, next)
  const referenceNats = surprise(reference, referenceOffset, next)
  add(tally.nats, nats)
  add(tally.other, referenceNats)
  add(tally.difference, nats - referenceNats)
  add(tally.kl, divergence(reference, referenceOffset, logits, offset))
  if (likeliest(logits) === likeliest(reference)) tally.same++
}

/**
 * Sum of p (ln p - ln q) for the softmax p of `reference` and q of `logits`; the offsets are their logSumExp.
 */
export function divergence(
  reference: Float32Array,
  referenceOffset: number,
  logits: Float32Array,
  offset: number,
): number {
  let sum = 0
  for (let i = 0; i < reference.length; i++) {
    const p = reference[i] - referenceOffset
    sum += exp(p) * (p - (logits[i] - offset))
  }
  return sum
}

/** -ln of the probability of `id`, nats. */
function surprise(logits: Float32Array, offset: number, id: number): number {
  return offset - logits[id]
}

function likeliest(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i
  return best
}

/**
 * What `scoreText` runs of each chunk, and the first row that counts: the chunk's last token is foretold alone.
 */
export function scoredTexts(
  ids: readonly number[],
  { context, bos }: Pick<ScoreOptions, 'context' | 'bos'>,
): { ids: number[]; from: number }[] {
  return chunksOf(ids, context).map((chunk) => ({
    ids: [bos ?? chunk[0], ...chunk.slice(1, -1)],
    from: firstRow(context),
  }))
}

function chunksOf(ids: readonly number[], context: number): number[][] {
  const count = Math.floor(ids.length / context)
  return Array.from({ length: count }, (_, i) => ids.slice(i * context, (i + 1) * context))
}

function newSum(): Sum {
  return { count: 0, sum: 0, squares: 0 }
}

function add(sum: Sum, value: number): void {
  sum.count++
  sum.sum += value
  sum.squares += value * value
}

function meanOf({ count, sum, squares }: Sum): Mean {
  const mean = sum / count
  const variance = count < 2 ? 0 : Math.max(0, (squares - sum * mean) / (count - 1))
  return { mean, error: Math.sqrt(variance / count) }
}
