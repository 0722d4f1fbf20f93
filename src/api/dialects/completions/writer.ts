// The writer of text completions words an answer as text, with log probabilities in parallel arrays.

import type { TokenLogprob } from '../../../protocol/generation.ts'
import type { Collected } from '../../http/collect.ts'
import type { Writer } from '../../http/sse.ts'
import { chunkWriter, wholeCompletion, type ChunkChoices, type ChunkReply } from '../chunk-writer.ts'
import { completionFailure } from './errors.ts'

export type CompletionReply = ChunkReply<'text'>

/** Chunks and whole answers say the same of themselves. */
const OBJECT = 'text_completion'

/** The writer of a streamed answer. */
export function completionWriter(reply: CompletionReply): Writer {
  return chunkWriter(reply, { object: OBJECT, choices: textChoices(), fail: completionFailure })
}

/** An answer that is not streamed. */
export function wholeText(reply: CompletionReply, collected: Collected): object {
  const { text, logprobs, finish } = collected
  return wholeCompletion(reply, OBJECT, collected, () =>
    choice(text, textLogprobs(logprobs, 0), finish.reason),
  )
}

function textChoices(): ChunkChoices {
  let offset = 0
  return {
    start: () => [],
    text(event) {
      if (event.text === '' && event.logprobs === undefined) return []
      const logprobs = textLogprobs(event.logprobs, offset)
      offset += event.text.length
      return [choice(event.text, logprobs, null)]
    },
    finish: (reason) => choice('', null, reason),
  }
}

function choice(text: string, logprobs: object | null, finish_reason: string | null): object {
  return { index: 0, text, logprobs, finish_reason }
}

/** `offset` is where the first token starts in the answer, in UTF-16 units; null when none were asked for. */
function textLogprobs(tokens: readonly TokenLogprob[] | undefined, offset: number): object | null {
  if (tokens === undefined) return null
  const text_offset: number[] = []
  for (const { token } of tokens) {
    text_offset.push(offset)
    offset += token.length
  }
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset,
  }
}
