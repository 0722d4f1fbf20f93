// The chat writer words an answer as a message, or as deltas of one.
// Its parts are text, thoughts, calls and log probabilities.

import type { CallPiece, FinishReason, TokenLogprob, ToolCall } from '../../../protocol/generation.ts'
import type { Collected } from '../../http/collect.ts'
import type { Writer } from '../../http/sse.ts'
import { chunkWriter, wholeCompletion, type ChunkChoices, type ChunkReply } from '../chunk-writer.ts'
import { tokenEntries } from '../token-entries.ts'
import { callDeltas, callObject, functionDeltas } from '../tools.ts'
import { chatFailure } from './errors.ts'

export type ChatReply = ChunkReply<'chat'> & {
  /** Functions were offered in the old spelling, so calls are told in it. */
  functions?: true
  /** The request named the function that is called: the end of its call is a `stop`, as OpenAI has it. */
  named?: true
}

/** The writer of a streamed answer. */
export function chatWriter(reply: ChatReply): Writer {
  return chunkWriter(reply, {
    object: 'chat.completion.chunk',
    choices: (index) => deltaChoices(reply, index),
    fail: chatFailure,
  })
}

/** An answer that is not streamed. */
export function wholeChat(reply: ChatReply, collected: Collected): object {
  return wholeCompletion(reply, 'chat.completion', collected, (answer, index, id) => {
    const { text, reasoning, calls, logprobs, reason } = answer
    const message = {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...callFields(reply, ownId(id, index), calls),
      refusal: null,
    }
    return {
      index,
      message,
      logprobs: chatLogprobs(logprobs),
      finish_reason: finishReason(reply, reason),
    }
  })
}

/** What the ids of an answer's calls are made of: no two answers share one. */
function ownId(id: string, index: number): string {
  return index === 0 ? id : `${id}_${index}`
}

/** The old spelling has room for one call. */
function callFields({ functions }: ChatReply, id: string, calls: readonly ToolCall[]): object {
  if (calls.length === 0) return {}
  if (functions === true) return { function_call: calls[0] }
  return { tool_calls: calls.map((call, index) => callObject(id, index, call)) }
}

function finishReason({ functions, named }: ChatReply, reason: FinishReason): string {
  if (reason !== 'tool_calls') return reason
  if (named === true) return 'stop'
  return functions === true ? 'function_call' : reason
}

function deltaChoices(reply: ChatReply, index: number): ChunkChoices {
  let calls = 0
  const pieceDeltas = (id: string, piece: CallPiece): object[] => {
    if (piece.name !== undefined) calls++
    if (reply.functions !== true) return callDeltas(ownId(id, index), calls - 1, piece)
    return calls > 1 ? [] : functionDeltas(piece)
  }
  return {
    // The role comes alone and before prefill: readers need it first, proxies need a first byte.
    start: () => [choice(index, { role: 'assistant', content: '' }, null, null)],
    text(event, id) {
      const deltas: object[] = []
      if (event.reasoning !== undefined) deltas.push({ reasoning_content: event.reasoning })
      if (event.text !== '') deltas.push({ content: event.text })
      for (const piece of event.calls ?? []) deltas.push(...pieceDeltas(id, piece))
      if (deltas.length === 0 && event.logprobs !== undefined) deltas.push({ content: '' })
      return deltas.map((delta, nth) =>
        choice(index, delta, nth === 0 ? chatLogprobs(event.logprobs) : null, null),
      )
    },
    finish: (reason) => choice(index, {}, null, finishReason(reply, reason)),
  }
}

function choice(index: number, delta: object, logprobs: object | null, finish_reason: string | null): object {
  return { index, delta, logprobs, finish_reason }
}

/** Null when none were asked for. */
function chatLogprobs(tokens: readonly TokenLogprob[] | undefined): object | null {
  return tokens === undefined ? null : { content: tokenEntries(tokens), refusal: null }
}
