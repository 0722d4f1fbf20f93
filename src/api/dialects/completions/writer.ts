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
  const tops = <T>(of: (rival: TokenLogprob['top'][number]) => T): (object | null)[] =>
    tokens.map(({ top, unscored }, at) =>
      unscored ? null : Object.fromEntries(top.map((rival, rank) => [spelt[at].top[rank], of(rival)])),
    )
  const isRestricted = tokens.some(({ restricted }) => restricted !== undefined)
  return {
    tokens: spelt.map(({ chosen }) => chosen),
    token_logprobs: tokens.map(({ logprob, unscored }) => (unscored ? null : logprob)),
    top_logprobs: tops(({ logprob }) => logprob),
    text_offset,
    ...(isRestricted && {
      islet_token_logprobs: tokens.map(({ restricted }) => restricted ?? null),
      islet_top_logprobs: tops(({ restricted }) => restricted ?? null),
    }),
    ...(tokens.some(({ forced }) => forced !== undefined) && {
      islet_forced: tokens.map(({ forced }) => forced ?? false),
    }),
  }
}

/**
 * Gives for each event of an answer, one after the other, where its tokens begin in the text that is
 * returned, in code points: a token that begins inside a character points to it. Text may come later than
 * its tokens and without some of their bytes: a token never points behind the text of its own event.
 */
function textOffsets(): (event: TextEvent) => number[] {
  let begin = 0
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  return ({ text, logprobs = [] }) => {
    const end = begin + codePoints(text)
    let begun = begin
    const offsets = logprobs.map(({ bytes }) => {
      // What a character lacks does not come any more: it has been printed as one that is broken.
      if (bytes.length > 0 && !isContinuation(bytes[0])) begun += codePoints(decoder.decode())
      const offset = Math.min(begun, end)
      begun += codePoints(decoder.decode(Uint8Array.from(bytes), { stream: true }))
      return offset
    })
    begin = end
    return offsets
  }
}

/** Whether a byte of UTF-8 goes on with a character. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
