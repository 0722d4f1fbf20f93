// The request schemas check the bodies of the two completion endpoints and make a GenerateRequest of them.

import * as z from 'zod/mini'
import { DEFAULT_SAMPLING, type GenerateRequest, type SamplingOptions } from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import {
  emptyArray,
  integer,
  neutral,
  sharedFields,
  templateVariables,
  textFormat,
  toolChoice,
  unsupported,
} from './fields.ts'
import { messagesSchema, toChatMessages } from './chat/messages.ts'
import { toolsSchema } from './tools.ts'
import { promptSchema, toPrompt } from './completions/prompt.ts'
import { bodySchema, validate, type Given } from '../validate.ts'

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

/** The body of POST /v1/chat/completions. */
export const chatSchema = bodySchema({
  ...sharedFields,
  messages: messagesSchema,
  max_completion_tokens: sharedFields.max_tokens,
  logprobs: z.nullish(z.boolean()),
  top_logprobs: z.nullish(integer(0, 20)),
  tools: z.nullish(toolsSchema),
  tool_choice: toolChoice(),
  parallel_tool_calls: z.nullish(z.boolean()),
  chat_template_kwargs: templateVariables(),
  functions: neutral('[]', emptyArray()),
  function_call: toolChoice(),
  response_format: neutral('{"type": "text"}', textFormat()),
  modalities: neutral('["text"]', z.array(z.literal('text')).check(z.length(1))),
  reasoning_effort: neutral('"none"', z.literal('none')),
  audio: unsupported(),
  prediction: unsupported(),
  web_search_options: unsupported(),
})

const logprobsWords = 'must be an integer from 0 to 5'

/** The body of POST /v1/completions. */
export const completionSchema = bodySchema({
  ...sharedFields,
  prompt: promptSchema,
  echo: z.nullish(z.boolean()),
  logprobs: z.nullish(z.union([z.literal(false), integer(0, 5, logprobsWords)], logprobsWords)),
  best_of: neutral('1', z.literal(1)),
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
    prompt: withSuffix(toPrompt(fields.prompt), fields.suffix ?? ''),
    maxTokens: fields.max_tokens ?? DEFAULT_COMPLETION_TOKENS,
    topLogprobs: fields.logprobs === false ? undefined : fields.logprobs,
    echo: fields.echo ?? false,
  }
}

/** Whether the model can fill a gap, the lane knows. */
function withSuffix(prompt: GenerateRequest['prompt'], after: string): GenerateRequest['prompt'] {
  if (after === '') return prompt
  if (prompt.kind === 'text') return { ...prompt, after }
  throw new IsletError('invalid_request', 'suffix needs a prompt of text', { param: 'suffix' })
}

type SharedFields = Given<z.output<z.ZodMiniObject<typeof sharedFields>>>
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
export function stopsOf(stop: SharedFields['stop']): string[] {
  return typeof stop === 'string' ? [stop] : (stop ?? [])
}

/** How tokens are picked, with DEFAULT_SAMPLING where the body says nothing, and a new seed. */
export function samplingOf(fields: SamplingFields, newSeed: () => number): SamplingOptions {
  const { seed, logit_bias: biases = {} } = fields
  const usual = DEFAULT_SAMPLING
  return {
    temperature: fields.temperature ?? usual.temperature,
    topK: Math.max(0, fields.top_k ?? usual.topK), // -1 is vLLM's word for off
    topP: fields.top_p ?? usual.topP,
    minP: fields.min_p ?? usual.minP,
    repetitionPenalty: fields.repetition_penalty ?? usual.repetitionPenalty,
    presencePenalty: fields.presence_penalty ?? usual.presencePenalty,
    frequencyPenalty: fields.frequency_penalty ?? usual.frequencyPenalty,
    seed: seed === undefined ? newSeed() >>> 0 : Number(BigInt.asUintN(32, BigInt(seed))),
    logitBias: Object.entries(biases).map(([id, bias]) => [Number(id), bias]),
  }
}
