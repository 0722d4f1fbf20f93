// One of many texts is a tree of their bytes, so that a byte looks at its own branch alone.

import type { Term, Terms } from './term.ts'

/** These texts alone; NOTHING where there are none. */
export function oneOf(terms: Terms, texts: Iterable<string>): Term {
  const encoder = new TextEncoder()
  const all = Array.from(new Set(texts), (text) => encoder.encode(text)).sort(compare)
  return all.length === 0 ? terms.nothing : tree(terms, all, 0)
}

/** Of sorted texts that share their first `from` bytes, what comes behind these. */
function tree(terms: Terms, texts: readonly Uint8Array[], from: number): Term {
  const [first, last] = [texts[0], texts[texts.length - 1]]
  let to = from
  while (to < first.length && first[to] === last[to]) to++
  const options: Term[] = first.length === to ? [terms.empty] : []
  for (let i = options.length; i < texts.length;) {
    let end = i + 1
    while (end < texts.length && texts[end][to] === texts[i][to]) end++
    options.push(tree(terms, texts.slice(i, end), to))
    i = end
  }
  return terms.pair(terms.literal(first.slice(from, to)), terms.either(...options))
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}
