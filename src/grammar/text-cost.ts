// A text cost is the number of bytes to a text's nearest end, escapes, UTF-8 and lengths included.

import type { CharDfa } from './char-dfa.ts'
import { GrammarError } from './grammar-error.ts'
import { pythonChar } from './python-char.ts'
import { spend } from './work-budget.ts'

/**
 * How characters are spelled. `raw`: as UTF-8, the term may end where the automaton does. `json`: inside a JSON string, up to and with
 * the closing quote, each character in the one way that JSON.stringify writes it. `free`: any escape that JSON has.
 * `python`: inside single quotes, each in one way.
 */
export type Spelling = 'raw' | 'json' | 'free' | 'python'

/**
 * Characters of a text: from `least` to `most`. Where there is no most, `closing`: behind so many only those come that bring its end
 * nearer, so that it ends soon whatever its automaton asks for.
 */
export type LengthBound = { least: number; most: number; closing?: number }

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Control characters that have a letter of their own: \b \t \n \f \r. */
const LETTERED = [8, 9, 10, 12, 13]

/** Bytes of a character in the shortest spelling that it has. */
function spelledLength(char: number, spelling: Spelling): number {
  if (char >= 0x80) return char < 0x800 ? 2 : char < 0x10000 ? 3 : 4
  if (spelling === 'raw') return 1
  if (spelling === 'python' && char < 0x80) return pythonChar(String.fromCharCode(char)).length
  if (char >= 0x20) return char === QUOTE || char === BACKSLASH ? 2 : 1
  return LETTERED.includes(char) ? 2 : 6
}

/** Letters and the like before what must be escaped; each of the others begins characters of one length. */
const CANDIDATES = [0x61, 0x30, 0x41, 0x20, 0x23, 0x5d, ...LETTERED, QUOTE, BACKSLASH, 0x80, 0x800, 0x10000]

/** Behind a single quote. */
const PYTHON_CANDIDATES = [...CANDIDATES, 0x28]

/** The character from `low` to `high` with the shortest spelling. */
function cheapest(low: number, high: number, spelling: Spelling): number {
  let [best, least] = [low, spelledLength(low, spelling)]
  for (const char of spelling === 'python' ? PYTHON_CANDIDATES : CANDIDATES) {
    if (char < low || char > high) continue
    const bytes = spelledLength(char, spelling)
    if (bytes < least || (bytes === least && char < 0x80 && best === low)) [best, least] = [char, bytes]
  }
  return best
}

/** States times lengths that one table holds. */
const MAX_CELLS = 1 << 19
const DEAD = 0xffffffff

/** An automaton and a bound of length whose table would be too large. */
function isTooLong(dfa: CharDfa, { least, most }: LengthBound): boolean {
  return !isFree(dfa) && ((most === Infinity ? least : most) + 1) * dfa.length > MAX_CELLS
}

/** One state that takes what it takes as often as one likes. */
function isFree(dfa: CharDfa): boolean {
  return dfa.length === 1 && dfa[0].isEnd && dfa[0].edges.length > 0
}

/** The costs of one language. */
export class TextCosts {
  readonly #dfa: CharDfa
  readonly #spelling: Spelling
  readonly #bound: LengthBound
  /** For each count and state, bytes to the nearest end; undefined where the count says it. */
  readonly #table: readonly Uint32Array[] | undefined
  readonly #perChar: number

  /** Throws GrammarError where the automaton and the bound are too large together. */
  constructor(dfa: CharDfa, spelling: Spelling, bound: LengthBound = { least: 0, most: Infinity }) {
    this.#dfa = dfa
    this.#spelling = spelling
    this.#bound = bound
    if (isTooLong(dfa, bound))
      throw new GrammarError(`a pattern of ${dfa.length} states beside this length is too much`)
    this.#perChar = dfa.length === 0 ? 0 : Math.min(...this.#edgeCosts(0))
    if (!isFree(dfa)) this.#table = this.#rows()
  }

  /** The count after one more character: beyond all that matters it stays. */
  after(count: number): number {
    const { least, most, closing = 0 } = this.#bound
    return most === Infinity ? Math.min(count + 1, Math.max(least, closing)) : count + 1
  }

  /** From `state` behind `count` characters the next one may lead to `to`. */
  leads(state: number, count: number, to: number): boolean {
    const rest = this.rest(to, this.after(count))
    return rest < (count < (this.#bound.closing ?? Infinity) ? Infinity : this.rest(state, count))
  }

  /** Bytes to the nearest end, without a closing quote; Infinity where none can be reached. */
  rest(state: number, count: number): number {
    if (count > this.#bound.most || this.#bound.least > this.#bound.most) return Infinity
    if (this.#table === undefined) return Math.max(0, this.#bound.least - count) * this.#perChar
    const bytes = this.#table[Math.min(count, this.#table.length - 1)][state]
    return bytes === DEAD ? Infinity : bytes
  }

  /** The character from `low` to `high` on the shortest way, and the bytes of it and all that follows. */
  best(state: number, count: number, low = 0, high = 0x10ffff): { char: number; bytes: number } | undefined {
    const next = this.after(count)
    let [char, least] = [-1, Infinity]
    for (const edge of this.#dfa[state].edges) {
      if (edge.low > high || edge.high < low || !this.leads(state, count, edge.to)) continue
      const own = cheapest(Math.max(low, edge.low), Math.min(high, edge.high), this.#spelling)
      const bytes = spelledLength(own, this.#spelling) + this.rest(edge.to, next)
      if (bytes < least) [char, least] = [own, bytes]
    }
    return char < 0 ? undefined : { char, bytes: least }
  }

  /** Some character from `low` to `high` leads to an end. */
  takes(state: number, count: number, low: number, high: number): boolean {
    return this.#dfa[state].edges.some(
      (edge) => edge.low <= high && edge.high >= low && this.leads(state, count, edge.to),
    )
  }

  /** What each edge of a state costs. */
  #edgeCosts(state: number): number[] {
    return this.#dfa[state].edges.map(({ low, high }) =>
      spelledLength(cheapest(low, high, this.#spelling), this.#spelling),
    )
  }

  /** From the last count to the first: each row needs the next. */
  #rows(): Uint32Array[] {
    const { least, most } = this.#bound
    const dfa = this.#dfa
    const costs = dfa.map((_, state) => this.#edgeCosts(state))
    const last = most === Infinity ? least : most
    const rows: Uint32Array[] = []
    spend((last * dfa.length) >> 3)
    for (let count = last; count >= 0; count--) {
      const next = rows.at(-1)
      const row = Uint32Array.from(dfa, ({ isEnd }) => (isEnd && count >= least ? 0 : DEAD))
      if (next === undefined) {
        rows.push(most === Infinity ? nearestEnds(dfa, costs) : row)
        continue
      }
      dfa.forEach(({ edges }, state) => {
        edges.forEach(({ to }, i) => {
          if (next[to] !== DEAD) row[state] = Math.min(row[state], costs[state][i] + next[to])
        })
      })
      rows.push(row)
    }
    return rows.reverse()
  }
}

/** Bytes to the nearest end whatever the length, by Dijkstra's algorithm over small whole costs. */
function nearestEnds(dfa: CharDfa, costs: readonly (readonly number[])[]): Uint32Array {
  const into: [from: number, cost: number][][] = dfa.map(() => [])
  dfa.forEach(({ edges }, from) => edges.forEach(({ to }, i) => into[to].push([from, costs[from][i]])))
  const ends = Uint32Array.from(dfa, ({ isEnd }) => (isEnd ? 0 : DEAD))
  const levels: number[][] = [[...dfa.keys()].filter((state) => dfa[state].isEnd)]
  for (let bytes = 0; bytes < levels.length; bytes++) {
    for (const state of levels[bytes] ?? []) {
      if (ends[state] !== bytes) continue
      for (const [from, cost] of into[state]) {
        if (bytes + cost >= ends[from]) continue
        ends[from] = bytes + cost
        ;(levels[bytes + cost] ??= []).push(from)
      }
    }
  }
  return ends
}
