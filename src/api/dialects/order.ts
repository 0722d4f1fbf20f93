// An order is what a body asks for in plain fields, whatever the dialect.
// The caller adds who asked and where it goes.

import type * as z from 'zod/mini'
import {
  DEFAULT_SAMPLING,
  type CallRule,
  type GenerateRequest,
  type SamplingOptions,
} from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import type { Given } from '../validate.ts'
import { formatOf } from './answer-format.ts'
import type { sharedFields, StopField } from './fields.ts'

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

/** An order as its body says it: without a model it means the one that is served. */
export type BodyOrder = Omit<Order, 'model'> & { model: string | undefined }

export type SharedFields = Given<z.output<z.ZodMiniObject<typeof sharedFields>>>
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

/**
 * What chat and text completions say alike; the prompt, its length and log probabilities are each one's own.
 * `sent` gives fields as they were written; `rule` is of a chat that offers functions.
 */
export function sharedOrder(
  fields: SharedFields,
  newSeed: () => number,
  sent: (name: string) => unknown,
  rule?: CallRule,
) {
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
    ...formOf(sent, stopsOf(fields.stop), rule),
    ...(typeof fields.n === 'number' && fields.n > 1 && { choices: fields.n }),
    ignoreEos: fields.ignore_eos ?? false,
    truncation: fields.truncation ?? ('disabled' as const),
    cacheKey: fields.prompt_cache_key,
    endUser: fields.user ?? fields.safety_identifier,
    sampling: samplingOf(fields, newSeed),
  }
}

/** What an answer must be. Calls alone have no text that a format could hold. */
export function formOf(
  sent: (name: string) => unknown,
  stop: readonly string[],
  rule: CallRule | undefined,
  stopField?: StopField,
): Pick<Order, 'grammar' | 'grammarParam' | 'callRule'> {
  return {
    ...(rule?.required !== true && formatOf(sent, stop, stopField)),
    ...(rule !== undefined && { callRule: rule }),
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
