// The request schemas check the bodies of the two completion endpoints and make a GenerateRequest of them.

import * as z from 'zod/mini'
import type { GenerateRequest, SamplingOptions } from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import { isEmptyArray, neutral, sharedFields, unsupported } from './fields.ts'
import { messagesSchema, toChatMessages } from './chat/messages.ts'
import { toolsSchema } from './tools.ts'
import { parsePrompt } from './completions/prompt.ts'
import { preview, ruled, validate, type Problem } from '../validate.ts'

/** What the body says; the caller adds who asked and where it goes. */
export type Order = Omit<
  GenerateRequest,
  'requestId' | 'tenant' | 'sessionKey' | 'hashLogits' | 'bodyHash' | 'retry' | 'reply'
> & {
  stream: boolean
  includeUsage: boolean
  /** `prompt_cache_key`. */
  cacheKey: string | undefined
  /** `user` or `safety_identifier`. */
  endUser: string | undefined
}

export const isAutoOrNone = (value: unknown): boolean => value === 'none' || value === 'auto'

/** The body of POST /v1/chat/completions. */
export const chatSchema = z.object({
  ...sharedFields,
  messages: messagesSchema,
  max_completion_tokens: sharedFields.max_tokens,
  logprobs: z.optional(z.boolean()),
  top_logprobs: z.optional(z.int().check(z.minimum(0), z.maximum(20))),
  tools: z.optional(toolsSchema),
  tool_choice: neutral(isAutoOrNone, '"none" or "auto"'),
  parallel_tool_calls: z.optional(z.boolean()),
  chat_template_kwargs: z.optional(z.record(z.string(), z.unknown())),
  functions: neutral(isEmptyArray, '[]'),
  function_call: neutral(isAutoOrNone, '"none" or "auto"'),
  response_format: neutral(isTextFormat, '{"type": "text"}'),
  modalities: neutral(
    (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
    '["text"]',
  ),
  reasoning_effort: neutral((value) => value === 'none', '"none"'),
  audio: unsupported(),
  prediction: unsupported(),
  web_search_options: unsupported(),
})

/** The body of POST /v1/completions. */
export const completionSchema = z.object({
  ...sharedFields,
  prompt: z.optional(z.unknown()),
  echo: z.optional(z.boolean()),
  logprobs: z.optional(ruled(checkLegacyLogprobs)),
  best_of: neutral((value) => value === 1, '1'),
  suffix: z.nullish(z.string()),
})

/** Length of a text completion when the request names none: OpenAI's documented default. */
const DEFAULT_COMPLETION_TOKENS = 16

/**
 * Reads the body of POST /v1/chat/completions.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseChat(body: Record<string, unknown>, newSeed: () => number): Order {
  const fields = validate(chatSchema, body)
  const tools = fields.tools ?? []
  if (fields.top_logprobs && fields.logprobs !== true) {
    throw new IsletError('invalid_request', 'top_logprobs needs "logprobs": true', { param: 'top_logprobs' })
  }
  return {
    ...sharedOrder(fields, newSeed),
    prompt: {
      kind: 'chat',
      messages: toChatMessages(fields.messages),
      // A model that shall call nothing is told of nothing that it could call.
      ...(tools.length > 0 && fields.tool_choice !== 'none' && { tools }),
      ...(fields.chat_template_kwargs !== undefined && { variables: fields.chat_template_kwargs }),
    },
    maxTokens: fields.max_completion_tokens ?? fields.max_tokens,
    topLogprobs: fields.logprobs === true ? (fields.top_logprobs ?? 0) : undefined,
    echo: false,
  }
}

/**
 * Reads the body of POST /v1/completions.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseCompletion(body: Record<string, unknown>, newSeed: () => number): Order {
  const fields = validate(completionSchema, body)
  return {
    ...sharedOrder(fields, newSeed),
    prompt: withSuffix(parsePrompt(fields.prompt), fields.suffix ?? ''),
    maxTokens: fields.max_tokens ?? DEFAULT_COMPLETION_TOKENS,
    topLogprobs: fields.logprobs === false ? undefined : (fields.logprobs as number | undefined),
    echo: fields.echo ?? false,
  }
}

/** Whether the model can fill a gap, the lane knows. */
function withSuffix(prompt: GenerateRequest['prompt'], after: string): GenerateRequest['prompt'] {
  if (after === '') return prompt
  if (prompt.kind === 'text') return { ...prompt, after }
  throw new IsletError('invalid_request', 'suffix needs a prompt of text', { param: 'suffix' })
}

type SharedFields = z.output<z.ZodMiniObject<typeof sharedFields>>
type SamplingFields = Pick<
  SharedFields,
  | 'temperature'
  | 'top_k'
  | 'top_p'
  | 'min_p'
  | 'repetition_penalty'
  | 'presence_penalty'
  | 'frequency_penalty'
  | 'seed'
  | 'logit_bias'
>

function sharedOrder(fields: SharedFields, newSeed: () => number) {
  const stream = fields.stream ?? false
  if (fields.stream_options !== undefined && !stream) {
    throw new IsletError('invalid_request', 'stream_options needs "stream": true', {
      param: 'stream_options',
    })
  }
  return {
    model: fields.model,
    stream,
    store: fields.store ?? true,
    background: false,
    includeUsage: fields.stream_options?.include_usage ?? false,
    stop: stopsOf(fields.stop),
    ignoreEos: fields.ignore_eos ?? false,
    truncation: fields.truncation ?? ('disabled' as const),
    cacheKey: fields.prompt_cache_key,
    endUser: fields.user ?? fields.safety_identifier,
    sampling: samplingOf(fields, newSeed),
  }
}

/** The checked `stop` of a body, as a list. */
export function stopsOf(stop: unknown): string[] {
  return typeof stop === 'string' ? [stop] : ((stop as string[] | undefined) ?? [])
}

/** How tokens are picked, with what is off where the body says nothing. */
export function samplingOf(fields: SamplingFields, newSeed: () => number): SamplingOptions {
  const seed = fields.seed as number | undefined
  const biases = Object.entries((fields.logit_bias ?? {}) as Record<string, number>)
  return {
    temperature: fields.temperature ?? 1,
    topK: Math.max(0, fields.top_k ?? 0), // -1 is vLLM's word for off
    topP: fields.top_p ?? 1,
    minP: fields.min_p ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    presencePenalty: fields.presence_penalty ?? 0,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    seed: seed === undefined ? newSeed() >>> 0 : Number(BigInt.asUintN(32, BigInt(seed))),
    logitBias: biases.map(([id, bias]) => [Number(id), bias]),
  }
}

/** True for `{"type": "text"}`. */
export function isTextFormat(value: unknown): boolean {
  return (value as { type?: unknown } | null)?.type === 'text'
}

function checkLegacyLogprobs(value: unknown): Problem | undefined {
  const count = value as number
  if (value === false || (Number.isInteger(value) && count >= 0 && count <= 5)) return undefined
  return { code: 'invalid_request', says: `must be an integer from 0 to 5, not ${preview(value)}` }
}
