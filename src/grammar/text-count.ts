// A text count says how many texts an automaton takes; endless where it goes round.

import type { CharDfa, Edge } from './char-dfa.ts'

const known = new WeakMap<CharDfa, Float64Array>()

/** Texts from `state` to an end; Infinity where there is no longest one. */
export function textCount(dfa: CharDfa, state: number): number {
  let counts = known.get(dfa)
  if (counts === undefined) known.set(dfa, (counts = countAll(dfa)))
  return counts[state] ?? 0
}

/** Of an automaton that goes round, texts of `least` to `most` characters from `state` on: so many at least. */
export function leastTexts(dfa: CharDfa, state: number, least: number, most: number): number {
  // A way round has as many characters as there are states, at most.
  const rounds = Math.floor((most - Math.max(0, least)) / dfa.length) - 1
  const letters = (sum: number, { low, high, to }: Edge): number => sum + (dfa[to].isEnd ? high - low + 1 : 0)
  return Math.max(1, rounds, least <= 1 && most >= 1 ? dfa[state].edges.reduce(letters, 0) : 0)
}

/** States whose ways all end are taken off one after the other; what is left goes round. */
function countAll(dfa: CharDfa): Float64Array {
  const targets = dfa.map(({ edges }) => new Set(edges.map(({ to }) => to)))
  const sources: number[][] = dfa.map(() => [])
  targets.forEach((all, from) => all.forEach((to) => sources[to].push(from)))
  const left = targets.map(({ size }) => size)
  const counts = new Float64Array(dfa.length).fill(Infinity)
  const queue = [...left.keys()].filter((state) => left[state] === 0)
  for (const state of queue) {
    counts[state] = dfa[state].isEnd ? 1 : 0
    for (const { low, high, to } of dfa[state].edges) counts[state] += (high - low + 1) * counts[to]
    for (const from of sources[state]) if (--left[from] === 0) queue.push(from)
  }
  return counts
}
