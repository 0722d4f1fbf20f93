// An answer parser takes an answer's text in any pieces and yields the pieces of content, thought and calls.
// How the text was cut changes nothing: the result is that of the whole text at once.

import { joinCalls, type CallPiece, type ToolCall } from '../../protocol/generation.ts'

/** One thing of an answer, in order. */
export type AnswerPiece =
  { kind: 'content'; text: string } | { kind: 'reasoning'; text: string } | { kind: 'call'; call: CallPiece }

export interface AnswerParser {
  /** Takes the next text; gives what is certain. Text that may begin a mark or a call is held back. */
  push(text: string): AnswerPiece[]
  /** The end of the answer: gives what was held back. */
  end(): AnswerPiece[]
  /** A call is open that a grammar holds: no stop string cuts it. */
  readonly isInCall?: boolean
}

/** The whole of an answer. */
export type ParsedAnswer = { content: string; reasoning: string; calls: ToolCall[] }

export function parseWhole(parser: AnswerParser, text: string): ParsedAnswer {
  return joinPieces([...parser.push(text), ...parser.end()])
}

/** All pieces of an answer, in order. */
export function joinPieces(pieces: readonly AnswerPiece[]): ParsedAnswer {
  const answer: ParsedAnswer = { content: '', reasoning: '', calls: [] }
  for (const piece of pieces) if (piece.kind !== 'call') answer[piece.kind] += piece.text
  answer.calls = joinCalls(pieces.flatMap((piece) => (piece.kind === 'call' ? [piece.call] : [])))
  return answer
}

/** Text as it comes. */
export function plainParser(): AnswerParser {
  return { push: content, end: () => [] }
}

/** A piece of content, or nothing for an empty text. */
export function content(text: string): AnswerPiece[] {
  return text === '' ? [] : [{ kind: 'content', text }]
}

/** A piece of thought, or nothing for an empty text. */
export function reasoning(text: string): AnswerPiece[] {
  return text === '' ? [] : [{ kind: 'reasoning', text }]
}

/**
 * How much of the end of a text may become the mark with what follows: the length of the longest such part.
 */
export function heldLength(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length
  }
  return 0
}
