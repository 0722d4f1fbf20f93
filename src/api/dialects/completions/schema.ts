// The schema of text completions checks the body of POST /v1/completions and makes an order of it.

import * as z from 'zod/mini'
import type { GenerateRequest } from '../../../protocol/generation.ts'
import { IsletError } from '../../../lib/errors.ts'
import { sentField, type ChangedFields } from '../../http/body.ts'
import { bodySchema, validate } from '../../validate.ts'
import { responseFormat, structuredOutputs } from '../answer-format.ts'
import { askedOf, type Asked, type ParsedBody } from '../dialect.ts'
import { integer, neutral } from '../field-kinds.ts'
import { sharedFields } from '../fields.ts'
import { ignoredIn } from '../ignored.ts'
import { isletOrder } from '../islet-options.ts'
import { mostTokens, sharedOrder } from '../order.ts'
import { promptSchema, toPrompts } from './prompt.ts'
import type { CompletionReply } from './writer.ts'

const logprobsWords = 'must be an integer from 0 to 5'

/** The body of POST /v1/completions. */
export const completionSchema = bodySchema(() => ({
  ...sharedFields,
  /** 0 asks for the echo alone. */
  max_tokens: z.nullish(integer(0, Number.MAX_SAFE_INTEGER)),
  prompt: promptSchema(),
  echo: z.nullish(z.boolean()),
  logprobs: z.nullish(z.union([z.literal(false), integer(0, 5, logprobsWords)], logprobsWords)),
  best_of: neutral('1', z.literal(1)),
  suffix: z.nullish(z.string()),
  response_format: responseFormat(),
  structured_outputs: structuredOutputs(),
}))

/** Length of a text completion when the request names none: OpenAI's documented default. */
const DEFAULT_COMPLETION_TOKENS = 16

/**
 * Reads the body of POST /v1/completions.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseCompletion(
  body: Record<string, unknown>,
  newSeed: () => number,
  changed: ChangedFields = new Map(),
): ParsedBody<CompletionReply> {
  const fields = validate(completionSchema, body)
  const sent = (name: string): unknown => sentField(body, changed, name)
  if (fields.max_tokens === 0 && fields.echo !== true)
    throw new IsletError('invalid_request', 'max_tokens 0 asks for nothing: set echo, or at least 1', {
      param: 'max_tokens',
    })
  const [prompt, ...more] = toPrompts(fields.prompt, fields.n ?? 1).map((each) =>
    withSuffix(each, fields.suffix ?? ''),
  )
  // The tokens of a prompt with a gap are not those of its text.
  const hasGap = (fields.suffix ?? '') !== ''
  const scorePrompt = fields.echo === true && typeof fields.logprobs === 'number' && !hasGap
  const order = {
    ...sharedOrder(fields, newSeed, sent),
    prompt,
    ...(more.length > 0 && { morePrompts: more }),
    maxTokens: mostTokens(fields, DEFAULT_COMPLETION_TOKENS),
    topLogprobs: fields.logprobs === false ? undefined : fields.logprobs,
    ...isletOrder(fields.islet, typeof fields.logprobs === 'number'),
    echo: fields.echo ?? false,
    ...(scorePrompt && { scorePrompt: true as const }),
  }
  return { order, reply: { includeUsage: order.includeUsage, ...ignoredIn(fields, sent) } }
}

/** The same as what its dialect asks for: a body brings its whole prompt. */
export function askCompletion(...body: Parameters<typeof parseCompletion>): Asked<CompletionReply> {
  return askedOf(parseCompletion(...body))
}

/** Whether the model can fill a gap, the lane knows. */
function withSuffix(prompt: GenerateRequest['prompt'], after: string): GenerateRequest['prompt'] {
  if (after === '') return prompt
  if (prompt.kind === 'text') return { ...prompt, after }
  throw new IsletError('invalid_request', 'suffix needs a prompt of text', { param: 'suffix' })
}
