// An order is what a body asks for in plain fields, whatever the dialect.
// The caller adds who asked and where it goes.

import type * as z from 'zod/mini'
import type { CallRule, GenerateRequest } from '../../protocol/generation.ts'
import { IsletError } from '../../lib/errors.ts'
import type { Given } from '../validate.ts'
import { formatOf } from './answer-format.ts'
import type { sharedFields, StopField } from './fields.ts'
import { saidOf, samplingOf, twice, type SamplingFields } from './sampling-fields.ts'

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
  /** The fields that `sampling` is made of: the model may recommend values for others. */
  said: SamplingFields
}

/** An order as its body says it: without a model it means the one that is served. */
export type BodyOrder = Omit<Order, 'model'> & { model: string | undefined }

export type SharedFields = Given<z.output<z.ZodMiniObject<typeof sharedFields>>>

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
    said: saidOf(fields),
  }
}

/** Most tokens of an answer by `max_tokens`, or by `n_predict` as llama-server says it; `usual` where neither is said. */
export function mostTokens(
  { max_tokens: limit, n_predict: predict }: Pick<SharedFields, 'max_tokens' | 'n_predict'>,
  usual?: number,
): number | undefined {
  if (predict === undefined) return limit ?? usual
  if (limit !== undefined) throw twice('n_predict', 'max_tokens')
  return predict === -1 ? undefined : predict
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
