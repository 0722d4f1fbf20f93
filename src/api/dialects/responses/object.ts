// The Response object holds a response and its parts as OpenAI words them.

import type { ErrorBody } from '../../http/errors.ts'
import type { FinishEvent } from '../chunks.ts'
import type { ResponseReply } from '../reply.ts'

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export type ContentItem = {
  id: string
  type: 'message' | 'reasoning'
  status: ItemStatus
  role?: 'assistant'
  summary?: []
  content: { type: string; text: string; annotations?: []; logprobs?: [] }[]
}

export type CallItem = {
  id: string
  type: 'function_call'
  status: ItemStatus
  call_id: string
  name: string
  arguments: string
}

export type Item = ContentItem | CallItem

/** What of a response changes while it is made. */
export type Progress = {
  id: string
  status: ResponseStatus
  output: Item[]
  finish?: FinishEvent
  error?: ErrorBody['error']
  islet: object
}

/** A response as it stands. */
export function responseObject(reply: ResponseReply, progress: Progress): object {
  const { id, status, output, finish, error, islet } = progress
  const cut = status === 'incomplete' && finish?.reason === 'length'
  return {
    id,
    object: 'response',
    created_at: reply.created,
    status,
    background: reply.background,
    model: reply.model,
    error: error === undefined ? null : responseError(error),
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    output: structuredClone(output),
    usage: finish === undefined ? null : responseUsage(finish),
    ...reply.shown,
    islet,
  }
}

/** OpenAI has its own codes here; ours stands before the message. */
function responseError({ code, message }: ErrorBody['error']): object {
  const theirs = code === 'overloaded' ? 'rate_limit_exceeded' : 'server_error'
  return {
    code: code === 'context_length_exceeded' ? 'invalid_prompt' : theirs,
    message: `${code}: ${message}`,
  }
}

function responseUsage({ usage }: FinishEvent): object {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: 0 },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.promptTokens + usage.completionTokens,
  }
}
