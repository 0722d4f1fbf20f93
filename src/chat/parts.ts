// A built-in format lays a prompt out in parts: texts, and tokens between them. Each text is encoded apart
// and never read for special tokens.

import { IsletError } from '../lib/errors.ts'
import { nameMatcher } from '../tokenizer/special.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** A text, or a token: by name, by id, or the tokenizer's own beginning or end of a sequence. */
export type ChatPart = string | { token: string } | { id: number } | { special: 'bos' | 'eos' }

/**
 * A prompt in the pieces by which the originals shorten it: rounds may go from the front, head and tail stay.
 * A round is a user's message and what belongs to it.
 */
export type ChatLayout = { head: ChatPart[]; rounds: ChatPart[][]; tail: ChatPart[] }

/** The same pieces as ids. */
export type LayoutIds = { head: number[]; rounds: number[][]; tail: number[] }

/** Throws unsupported_format where the tokenizer lacks a token that the format needs. */
export function encodeLayout(tokenizer: Tokenizer, { head, rounds, tail }: ChatLayout): LayoutIds {
  const matcher = nameMatcher(namesInText(tokenizer, [...head, ...rounds.flat(), ...tail]))
  const encode = (parts: readonly ChatPart[]): number[] => {
    const ids: number[] = []
    for (const part of parts) {
      if (typeof part !== 'string') ids.push(idOfPart(tokenizer, part))
      else
        for (const piece of cutInside(part, matcher)) for (const id of tokenizer.encode(piece)) ids.push(id)
    }
    return ids
  }
  return { head: encode(head), rounds: rounds.map(encode), tail: encode(tail) }
}

/**
 * Names of the format's own tokens that the tokenizer would also read out of a text: Baichuan marks its roles
 * with user-defined pieces, so whoever wrote one into a message could speak as somebody else.
 */
function namesInText(tokenizer: Tokenizer, parts: readonly ChatPart[]): string[] {
  const ids = new Set<number>()
  for (const part of parts) if (typeof part !== 'string') ids.add(idOfPart(tokenizer, part))
  return [...ids]
    .filter((id) => tokenizer.encode(tokenizer.nameOf(id)).includes(id))
    .map((id) => tokenizer.nameOf(id))
}

/** Cuts a text behind the first character of each name, so that encoding the pieces apart finds none. */
function cutInside(text: string, names: RegExp | undefined): string[] {
  const pieces: string[] = []
  let done = 0
  if (names !== undefined) {
    for (const match of text.matchAll(names)) {
      pieces.push(text.slice(done, match.index + 1))
      done = match.index + 1
    }
  }
  pieces.push(text.slice(done))
  return pieces
}

/** The parts as their authors would write them, with tokens by their names. */
export function showParts(tokenizer: Tokenizer, parts: readonly ChatPart[]): string {
  return parts
    .map((part) => (typeof part === 'string' ? part : tokenizer.nameOf(idOfPart(tokenizer, part))))
    .join('')
}

function idOfPart(tokenizer: Tokenizer, part: Exclude<ChatPart, string>): number {
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
