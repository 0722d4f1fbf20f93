// A character automaton is a regular language with explicit states, each with a way to an end.

import { ANY_CHAR, MAX_CHAR, type CharRanges } from './char-ranges.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'
import type { RegexTerm } from './regex-term.ts'
import { spend } from './work-budget.ts'

/** Code points from `low` to `high` lead to the state `to`. */
export type Edge = { low: number; high: number; to: number }

/** A state: where characters lead, sorted; whether the string may end; characters to the nearest end. */
export type DfaState = { edges: readonly Edge[]; isEnd: boolean; toEnd: number }

/** The first state is the start. There are no states from which no end is reached; without any the language is empty. */
export type CharDfa = readonly DfaState[]

/** All strings. */
export const ANY_TEXT: CharDfa = [
  { edges: ANY_CHAR.map(([low, high]) => ({ low, high, to: 0 })), isEnd: true, toEnd: 0 },
]

/** Throws GrammarError above LIMITS.regexStates states. */
export function dfaOf(start: RegexTerm, nothing: RegexTerm): CharDfa {
  return exploreDfa(start, {
    isEnd: (term) => term.isNullable,
    edges: (term) => edgesOf(term, nothing),
    keyOf: (term) => term.id,
  })
}

/** Strings of both. */
export function intersect(a: CharDfa, b: CharDfa): CharDfa {
  if (a === ANY_TEXT || b === ANY_TEXT) return a === ANY_TEXT ? b : a
  if (a.length === 0 || b.length === 0) return []
  return exploreDfa([0, 0] as readonly [number, number], {
    isEnd: ([i, j]) => a[i].isEnd && b[j].isEnd,
    edges: ([i, j]) => common(a[i].edges, b[j].edges),
    keyOf: ([i, j]) => i * b.length + j,
  })
}

/** Strings of `a` that are not in `b`. */
export function without(a: CharDfa, b: CharDfa): CharDfa {
  if (b.length === 0 || a.length === 0) return a
  // The state b.length stands for: no string of b begins so.
  const complete = (j: number): Edge[] => {
    const edges: Edge[] = []
    let from = 0
    for (const edge of j < b.length ? b[j].edges : []) {
      if (edge.low > from) edges.push({ low: from, high: edge.low - 1, to: b.length })
      edges.push(edge)
      from = edge.high + 1
    }
    if (from <= MAX_CHAR) edges.push({ low: from, high: MAX_CHAR, to: b.length })
    return edges
  }
  return exploreDfa([0, 0] as readonly [number, number], {
    isEnd: ([i, j]) => a[i].isEnd && !(j < b.length && b[j].isEnd),
    edges: ([i, j]) => common(a[i].edges, complete(j)),
    keyOf: ([i, j]) => i * (b.length + 1) + j,
  })
}

export type Explored<S> = {
  isEnd: (state: S) => boolean
  edges: (state: S) => { low: number; high: number; to: S }[]
  keyOf: (state: S) => number | string
}

/** All states that can be reached, without those that reach no end. */
export function exploreDfa<S>(
  start: S,
  { isEnd, edges, keyOf }: Explored<S>,
  most: number = LIMITS.regexStates,
): CharDfa {
  const numbers = new Map<number | string, number>([[keyOf(start), 0]])
  const found: S[] = [start]
  const all: { edges: Edge[]; isEnd: boolean }[] = []
  for (let i = 0; i < found.length; i++) {
    const out: Edge[] = []
    const leading = edges(found[i])
    spend(2 + leading.length)
    for (const { low, high, to } of leading) {
      let number = numbers.get(keyOf(to))
      if (number === undefined) {
        number = found.length
        if (number >= most) throw new GrammarError(`the pattern needs more than ${most} states`)
        numbers.set(keyOf(to), number)
        found.push(to)
      }
      const last = out.at(-1)
      if (last?.to === number && last.high + 1 === low) last.high = high
      else out.push({ low, high, to: number })
    }
    all.push({ edges: out, isEnd: isEnd(found[i]) })
  }
  return pruned(all)
}

/** Drops states without an end, and counts the characters to the nearest one. */
function pruned(states: readonly { edges: readonly Edge[]; isEnd: boolean }[]): CharDfa {
  const into: number[][] = states.map(() => [])
  states.forEach(({ edges }, from) => edges.forEach(({ to }) => into[to].push(from)))
  const toEnd = states.map(({ isEnd }) => (isEnd ? 0 : Infinity))
  const queue = [...states.keys()].filter((i) => states[i].isEnd)
  for (const state of queue) {
    for (const from of into[state]) {
      if (toEnd[from] !== Infinity) continue
      toEnd[from] = toEnd[state] + 1
      queue.push(from)
    }
  }
  if (toEnd[0] === Infinity) return []
  const kept = [...states.keys()].filter((i) => toEnd[i] !== Infinity)
  const numbers = new Map(kept.map((old, number) => [old, number]))
  return kept.map((old) => ({
    isEnd: states[old].isEnd,
    toEnd: toEnd[old],
    edges: states[old].edges.flatMap(({ low, high, to }) => {
      const number = numbers.get(to)
      return number === undefined ? [] : [{ low, high, to: number }]
    }),
  }))
}

/** Characters that a term treats alike lead to one derivative. */
function edgesOf(term: RegexTerm, nothing: RegexTerm): { low: number; high: number; to: RegexTerm }[] {
  const marks = new Set<number>()
  for (const [low, high] of ANY_CHAR) marks.add(low).add(high + 1)
  term.boundaries(marks)
  const sorted = [...marks].sort((a, b) => a - b)
  const edges: { low: number; high: number; to: RegexTerm }[] = []
  for (let i = 0; i + 1 < sorted.length; i++) {
    const [low, high] = [sorted[i], sorted[i + 1] - 1]
    if (!isChar(low)) continue
    const to = term.derive(low)
    if (to !== nothing) edges.push({ low, high, to })
  }
  return edges
}

function isChar(char: number): boolean {
  return ANY_CHAR.some(([low, high]) => char >= low && char <= high)
}

function common(
  a: readonly Edge[],
  b: readonly Edge[],
): { low: number; high: number; to: readonly [number, number] }[] {
  const out: { low: number; high: number; to: readonly [number, number] }[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    const low = Math.max(a[i].low, b[j].low)
    const high = Math.min(a[i].high, b[j].high)
    if (low <= high) out.push({ low, high, to: [a[i].to, b[j].to] })
    if (a[i].high < b[j].high) i++
    else j++
  }
  return out
}

/** Where a character leads; -1: nowhere. */
export function dfaStep({ edges }: DfaState, char: number): number {
  let [low, high] = [0, edges.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const edge = edges[middle]
    if (char < edge.low) high = middle - 1
    else if (char > edge.high) low = middle + 1
    else return edge.to
  }
  return -1
}

/** Some character from `low` to `high` leads somewhere. */
export function leadsOn({ edges }: DfaState, low: number, high: number): boolean {
  return edges.some((edge) => edge.low <= high && edge.high >= low)
}

/** The automaton of one set of characters, one of them. */
export function charsDfa(ranges: CharRanges): CharDfa {
  return [
    { edges: ranges.map(([low, high]) => ({ low, high, to: 1 })), isEnd: false, toEnd: 1 },
    { edges: [], isEnd: true, toEnd: 0 },
  ]
}

/** These texts alone. */
export function wordsDfa(words: Iterable<string>): CharDfa {
  type Node = { next: Map<number, Node>; isEnd: boolean; id: number }
  let nodes = 0
  const node = (): Node => ({ next: new Map(), isEnd: false, id: nodes++ })
  const root = node()
  for (const word of words) {
    let at = root
    for (const char of word) {
      const code = char.codePointAt(0) ?? 0
      const next = at.next.get(code) ?? node()
      at.next.set(code, next)
      at = next
    }
    at.isEnd = true
  }
  return exploreDfa(root, {
    isEnd: ({ isEnd }) => isEnd,
    keyOf: ({ id }) => id,
    edges: ({ next }) =>
      Array.from(next, ([code, to]) => ({ low: code, high: code, to })).sort((a, b) => a.low - b.low),
  })
}
