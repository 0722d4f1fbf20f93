// Helpers of the grammar's tests: whether a term takes a text, and texts found by walking at random.

import { NEVER, type Term } from '../../src/grammar/term.ts'

/** All of `text` belongs to the term. */
export function takes(term: Term, text: string): boolean {
  const end = term.terms.advance(term, new TextEncoder().encode(text))
  return end !== term.terms.nothing && end.shortest === 0
}

/** A small generator of numbers below one, the same in every run. */
export function randomOf(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return seed / 0x80000000
  }
}

/**
 * Random bytes that the term allows, `most` at most, and from there the shortest way to the end. Throws where a state has no way on,
 * or says another length than its way has.
 */
export function walk(start: Term, random: () => number, most: number): string {
  const { terms } = start
  let term = start
  const bytes: number[] = []
  while (bytes.length < most) {
    const allowed: number[] = []
    for (let byte = 0; byte < 256; byte++) if (terms.step(term, byte) !== terms.nothing) allowed.push(byte)
    if (term.shortest === NEVER || (allowed.length === 0 && term.shortest > 0))
      throw new Error(`no way on behind ${String.fromCharCode(...bytes)}`)
    if (allowed.length === 0 || (term.shortest === 0 && random() < 0.5)) break
    const byte = allowed[Math.floor(random() * allowed.length)]
    bytes.push(byte)
    term = terms.step(term, byte)
  }
  const rest = terms.shortestWay(term)
  if (rest.length > term.shortest) throw new Error('the shortest way is longer than it was said to be')
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    Uint8Array.from([...bytes, ...rest]),
  )
}
