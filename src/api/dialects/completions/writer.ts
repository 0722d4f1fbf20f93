// The writer of text completions words an answer as text, with log probabilities in parallel arrays.

import type { TextEvent, TokenLogprob } from '../../../protocol/generation.ts'
import type { Collected } from '../../http/collect.ts'
import type { Writer } from '../../http/sse.ts'
import { chunkWriter, wholeCompletion, type ChunkChoices, type ChunkReply } from '../chunk-writer.ts'
import { completionFailure } from './errors.ts'
import { spellings } from './spellings.ts'

export type CompletionReply = ChunkReply<'text'>

/** Chunks and whole answers say the same of themselves. */
const OBJECT = 'text_completion'

/** The writer of a streamed answer. */
export function completionWriter(reply: CompletionReply): Writer {
  return chunkWriter(reply, { object: OBJECT, choices: textChoices, fail: completionFailure })
}

/** An answer that is not streamed: what a stream says of each token, put together. */
export function wholeText(reply: CompletionReply, collected: Collected): object {
  return wholeCompletion(reply, OBJECT, collected, ({ text, texts, logprobs, reason }, index) => {
    const offsets = textOffsets()
    const entries = logprobs && textLogprobs(logprobs, texts.flatMap(offsets))
    return choice(index, text, entries ?? null, reason)
  })
}

function textChoices(index: number): ChunkChoices {
  const offsets = textOffsets()
  return {
    start: () => [],
    text(event) {
      const begins = offsets(event)
      if (event.text === '' && event.logprobs === undefined) return []
      const logprobs = event.logprobs && textLogprobs(event.logprobs, begins)
      return [choice(index, event.text, logprobs ?? null, null)]
    },
    finish: (reason) => choice(index, '', null, reason),
  }
}

function choice(index: number, text: string, logprobs: object | null, finish_reason: string | null): object {
  return { index, text, logprobs, finish_reason }
}

function textLogprobs(tokens: readonly TokenLogprob[], text_offset: number[]): object {
  const spelt = tokens.map(spellings)
  const tops = <T>(of: (rival: TokenLogprob['top'][number]) => T): object[] =>
    tokens.map(({ top }, at) =>
      Object.fromEntries(top.map((rival, rank) => [spelt[at].top[rank], of(rival)])),
    )
  const isRestricted = tokens.some(({ restricted }) => restricted !== undefined)
  return {
    tokens: spelt.map(({ chosen }) => chosen),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tops(({ logprob }) => logprob),
    text_offset,
    ...(isRestricted && {
      islet_token_logprobs: tokens.map(({ restricted }) => restricted ?? null),
      islet_top_logprobs: tops(({ restricted }) => restricted ?? null),
    }),
  }
}

/**
 * Gives for each event of an answer, one after the other, where its tokens begin in the text that is
 * returned, in code points. Text may come later than its tokens and without some of their bytes: a token
 * never points behind the text of its own event.
 */
function textOffsets(): (event: TextEvent) => number[] {
  let begin = 0
  return ({ text, logprobs = [] }) => {
    const end = begin + codePoints(text)
    let begun = begin
    const offsets = logprobs.map(({ bytes }) => {
      // A token of later bytes of a character begins where that character does.
      const offset = isContinuation(bytes[0]) ? Math.max(begin, begun - 1) : begun
      for (const byte of bytes) if (!isContinuation(byte)) begun++
      return Math.min(offset, end)
    })
    begin = end
    return offsets
  }
}

/** Whether a byte of UTF-8 goes on with a character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
