// A built-in format lays a prompt out in parts: texts, and tokens between them. Each text is encoded apart
// and never read for special tokens.

import { IsletError } from '../lib/errors.ts'
import type { Budget, Sliced } from '../lib/sliced.ts'
import { nameMatcher, splitAtNames, type NameMatcher } from '../tokenizer/special.ts'
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
export function* encodeLayout(
  tokenizer: Tokenizer,
  { head, rounds, tail }: ChatLayout,
  budget: Budget,
): Sliced<LayoutIds> {
  const matcher = nameMatcher(namesInText(tokenizer, [...head, ...rounds.flat(), ...tail]))
  const encode = function* (parts: readonly ChatPart[]): Sliced<number[]> {
    const ids: number[] = []
    for (const part of parts) {
      if (typeof part !== 'string') {
        ids.push(idOfPart(tokenizer, part))
        continue
      }
      for (const piece of yield* cutInside(part, matcher, budget))
        for (const id of yield* tokenizer.encodeSliced(piece, budget)) ids.push(id)
    }
    return ids
  }
  const ids: LayoutIds = { head: yield* encode(head), rounds: [], tail: [] }
  for (const round of rounds) ids.rounds.push(yield* encode(round))
  ids.tail = yield* encode(tail)
  return ids
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
function* cutInside(text: string, names: NameMatcher | undefined, budget: Budget): Sliced<string[]> {
  const pieces: string[] = []
  let rest = ''
  const plain = (part: string): undefined => void (rest += part)
  const name = (found: string): undefined => {
    pieces.push(rest + found.slice(0, 1))
    rest = found.slice(1)
  }
  yield* splitAtNames(text, names, plain, name, budget)
  pieces.push(rest)
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
