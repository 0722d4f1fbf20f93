// The Response object holds a response and its parts as OpenAI words them.

import { parseExactJson } from '../../../lib/exact-json.ts'
import type { FinishEvent, Json } from '../../../protocol/generation.ts'
import type { Failure } from '../../http/errors.ts'
import type { Reply } from '../reply.ts'
import { responseError } from './errors.ts'

/**
 * Of a response's own id its reply has only what it is without a turn: a kept one is named after its turn.
 */
export type ResponseReply = Reply & {
  kind: 'response'
  background: boolean
  /** Fields of the request that every response object repeats, as it words them. */
  shown: { [name: string]: Json }
  /** Those that plain JSON would change, as their text. */
  written?: { [name: string]: string }
  /** Of a response in a conversation: what that is beside its items. */
  held?: Held
}

/** What a conversation is beside its items; seconds since 1970. */
export type Held = { created: number; metadata: Json }

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export type ContentItem = {
  id: string
  type: 'message' | 'reasoning'
  status: ItemStatus
  role?: 'assistant'
  summary?: []
  content: { type: string; text: string; annotations?: []; logprobs?: object[] }[]
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
  error?: Failure
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
    ...recommendedShown(reply),
    ...Object.fromEntries(
      Object.entries(reply.written ?? {}).map(([name, text]) => [name, parseExactJson(text)]),
    ),
    islet,
  }
}

/** Of what the model recommended: the fields that every response shows. */
function recommendedShown({ sampling = {} }: ResponseReply): { [name: string]: Json } {
  return Object.fromEntries(
    ['temperature', 'top_p'].flatMap((name) => (name in sampling ? [[name, sampling[name]]] : [])),
  )
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
