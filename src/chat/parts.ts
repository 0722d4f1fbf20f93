// What a built-in chat format yields: texts, each encoded apart and never read for special tokens, and tokens between them.

import { IsletError } from '../lib/errors.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** A text, or a token: by name, by id, or the tokenizer's own beginning or end of a sequence. */
export type Part = string | { token: string } | { id: number } | { special: 'bos' | 'eos' }

/**
 * A prompt in the pieces by which the originals shorten it: rounds may go from the front, head and tail stay.
 * A round is a user's message and what belongs to it.
 */
export type Layout = { head: Part[]; rounds: Part[][]; tail: Part[] }

/** The same pieces as ids. */
export type LayoutIds = { head: number[]; rounds: number[][]; tail: number[] }

/** Throws unsupported_format where the tokenizer lacks a token that the format needs. */
export function encodeParts(tokenizer: Tokenizer, parts: readonly Part[]): number[] {
  const ids: number[] = []
  for (const part of parts) {
    if (typeof part === 'string') for (const id of tokenizer.encode(part)) ids.push(id)
    else ids.push(idOfPart(tokenizer, part))
  }
  return ids
}

/** The parts as their authors would write them, with tokens by their names. */
export function showParts(tokenizer: Tokenizer, parts: readonly Part[]): string {
  return parts
    .map((part) => (typeof part === 'string' ? part : tokenizer.nameOf(idOfPart(tokenizer, part))))
    .join('')
}

function idOfPart(tokenizer: Tokenizer, part: Exclude<Part, string>): number {
  if ('id' in part) {
    if (part.id < tokenizer.vocabSize) return part.id
    throw missing(`token ${part.id}`)
  }
  if ('token' in part) {
    const id = tokenizer.idOf(part.token)
    if (id !== undefined) return id
    throw missing(part.token)
  }
  const id = part.special === 'bos' ? tokenizer.bosId : tokenizer.eosId
  if (id !== undefined) return id
  throw missing(part.special.toUpperCase())
}

function missing(what: string): IsletError {
  return new IsletError(
    'unsupported_format',
    `the tokenizer has no ${what}, which this model's chat format needs; name another format with --chat`,
  )
}
