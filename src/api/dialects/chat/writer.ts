// The chat writer words an answer as a message, or as deltas of one.
// Its parts are text, thoughts, calls and log probabilities.

import { joinCalls, type TokenLogprob } from '../../../protocol/generation.ts'
import type { Collected } from '../../http/collect.ts'
import type { Writer } from '../../http/sse.ts'
import { chunkWriter, wholeCompletion, type ChunkChoices, type ChunkReply } from '../chunk-writer.ts'
import { callDeltas, callObject } from '../tools.ts'
import { chatFailure } from './errors.ts'

export type ChatReply = ChunkReply<'chat'>

/** The writer of a streamed answer. */
export function chatWriter(reply: ChatReply): Writer {
  return chunkWriter(reply, { object: 'chat.completion.chunk', choices: deltaChoices(), fail: chatFailure })
}

/** An answer that is not streamed. */
export function wholeChat(reply: ChatReply, collected: Collected): object {
  const { text, reasoning, calls, logprobs, finish } = collected
  return wholeCompletion(reply, 'chat.completion', collected, (id) => {
    const message = {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...(calls.length > 0 && { tool_calls: calls.map((call, index) => callObject(id, index, call)) }),
      refusal: null,
    }
    return { index: 0, message, logprobs: chatLogprobs(logprobs), finish_reason: finish.reason }
  })
}

function deltaChoices(): ChunkChoices {
  let calls = 0
  return {
    // The role comes alone and before prefill: readers need it first, proxies need a first byte.
    start: () => [choice({ role: 'assistant', content: '' }, null, null)],
    text(event, id) {
      const deltas: object[] = []
      if (event.reasoning !== undefined) deltas.push({ reasoning_content: event.reasoning })
      if (event.text !== '') deltas.push({ content: event.text })
      for (const call of joinCalls(event.calls ?? [])) deltas.push(...callDeltas(id, calls++, call))
      if (deltas.length === 0 && event.logprobs !== undefined) deltas.push({ content: '' })
      return deltas.map((delta, index) =>
        choice(delta, index === 0 ? chatLogprobs(event.logprobs) : null, null),
      )
    },
    finish: (reason) => choice({}, null, reason),
  }
}

function choice(delta: object, logprobs: object | null, finish_reason: string | null): object {
  return { index: 0, delta, logprobs, finish_reason }
}

/** One entry for each token, arrays of successive chunks concatenate; null when none were asked for. */
function chatLogprobs(tokens: readonly TokenLogprob[] | undefined): object | null {
  if (tokens === undefined) return null
  const content = tokens.map(({ top, ...token }) => ({
    ...entry(token),
    top_logprobs: top.map(entry),
  }))
  return { content, refusal: null }
}

function entry({ token, logprob, bytes, restricted }: TokenLogprob['top'][number]): object {
  return { token, logprob, bytes, ...(restricted !== undefined && { islet_logprob: restricted }) }
}
