// Kept scores are log probabilities of questions that a tenant asks again, in memory alone and bounded.

import { sha256 } from '../lib/sha256.ts'
import type { ScoredIds } from '../answer/score-prompts.ts'

/** Most log probabilities that a lane keeps: half a megabyte with what holds them. */
const MOST_KEPT = 16_384

export class KeptScores {
  readonly #most: number
  /** The one used last stands last. */
  readonly #kept = new Map<string, number[][]>()
  #size = 0

  /** `most`: log probabilities in all. */
  constructor(most = MOST_KEPT) {
    this.#most = most
  }

  /** What is kept under a name that covers all the scores depend on. */
  get(name: string): number[][] | undefined {
    const scores = this.#kept.get(name)
    if (scores === undefined) return undefined
    this.#kept.delete(name)
    this.#kept.set(name, scores)
    return scores
  }

  /** Keeps scores, in the place of those that were not asked for for longest. */
  set(name: string, scores: number[][]): void {
    const size = sizeOf(scores)
    if (size > this.#most || this.#kept.has(name)) return
    for (const [oldest, old] of this.#kept) {
      if (this.#size + size <= this.#most) break
      this.#kept.delete(oldest)
      this.#size -= sizeOf(old)
    }
    this.#kept.set(name, scores)
    this.#size += size
  }
}

function sizeOf(scores: readonly number[][]): number {
  return scores.reduce((sum, { length }) => sum + length, 0)
}

/** The name of scores: `facts` are the tenant, the model and its window. */
export function scoresName(facts: readonly unknown[], { prompt, continuations }: ScoredIds): string {
  const hash = sha256()
  hash.update(new TextEncoder().encode(JSON.stringify([facts, prompt, continuations])))
  return hash.hex()
}
