// A length bound counts the characters of a string beside its automaton, without a copy of it for each length.

import type { CharDfa, Edge } from './char-dfa.ts'
import { GrammarError } from './grammar-error.ts'

/** Lengths of the rest are looked up one by one up to here; above it a pattern beside a bound is too much. */
const MAX_LENGTHS = 65_536
/** States times lengths. */
const MAX_BITS = 1 << 22

/** At least `least` and at most `most` characters, over one automaton. */
export class LengthBound {
  readonly least: number
  readonly most: number
  readonly #rests: RestLengths | undefined

  /** Throws GrammarError where the automaton and the bound are too large together. */
  constructor(dfa: CharDfa, least: number, most: number) {
    this.least = least
    this.most = most
    const isFree = dfa.length === 1 && dfa[0].isEnd && dfa[0].edges.length > 0
    if (!isFree) this.#rests = new RestLengths(dfa, least, most)
  }

  /** The count after one more character: beyond all that matters it stays. */
  after(count: number): number {
    return this.most === Infinity ? Math.min(count + 1, this.least) : count + 1
  }

  /** From `state` with `count` characters before, an end within the bound can be reached. */
  isAlive(state: number, count: number): boolean {
    if (count > this.most) return false
    return (
      this.#rests === undefined || this.#rests.nearestEnd(state, this.least - count, this.most - count) >= 0
    )
  }

  /** The edge of a shortest way to an end within the bound. */
  nearest(dfa: CharDfa, state: number, count: number): Edge {
    const { edges } = dfa[state]
    if (this.#rests === undefined) return edges[0]
    const next = this.after(count)
    let best: Edge | undefined
    let length = Infinity
    for (const edge of edges) {
      const rest = this.#rests.nearestEnd(edge.to, this.least - next, this.most - next)
      if (rest >= 0 && rest < length) [best, length] = [edge, rest]
    }
    if (best === undefined) throw new RangeError('a bounded text has no way to an end')
    return best
  }
}

/** For each state, the lengths of the texts from it to an end, as bits. */
class RestLengths {
  readonly #bits: Uint8Array[]
  readonly #longest: number

  constructor(dfa: CharDfa, least: number, most: number) {
    // With no upper bound any length from `least` to `least` and a whole round of the automaton will do.
    this.#longest = most === Infinity ? least + dfa.length : most
    if (this.#longest > MAX_LENGTHS || this.#longest * dfa.length > MAX_BITS)
      throw new GrammarError(
        `a pattern of ${dfa.length} states beside a length of ${this.#longest} is too much`,
      )
    this.#bits = dfa.map(() => new Uint8Array(this.#longest + 1))
    dfa.forEach(({ isEnd }, state) => (this.#bits[state][0] = isEnd ? 1 : 0))
    const targets = dfa.map(({ edges }) => [...new Set(edges.map(({ to }) => to))])
    for (let length = 1; length <= this.#longest; length++)
      for (let state = 0; state < dfa.length; state++)
        if (targets[state].some((to) => this.#bits[to][length - 1] === 1)) this.#bits[state][length] = 1
  }

  /** The least length of a rest from `least` to `most`; -1: none. */
  nearestEnd(state: number, least: number, most: number): number {
    const bits = this.#bits[state]
    const last = Math.min(most, this.#longest)
    for (let length = Math.max(0, least); length <= last; length++) if (bits[length] === 1) return length
    return -1
  }
}
