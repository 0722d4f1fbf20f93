// Texts through a grammar: whether they fit, and whether they may end.

import { compileGrammar, type Grammar } from '../../src/grammar/grammar.ts'
import { NEVER } from '../../src/grammar/term.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `no`: no text of the grammar begins so. `begin`: some do, it is none itself. */
export function reads({ terms, start }: Grammar, text: string | Uint8Array): 'whole' | 'begin' | 'no' {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text
  const { shortest } = terms.advance(start, bytes)
  return shortest === 0 ? 'whole' : shortest === NEVER ? 'no' : 'begin'
}

export const ebnf = (text: string): Grammar => compileGrammar({ kind: 'ebnf', text })

/** A shortest text of the grammar. */
export function shortestOf({ terms, start }: Grammar): string {
  return decoder.decode(terms.shortestWay(start))
}
