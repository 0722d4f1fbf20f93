// The body of POST /v1/responses has a rule for each of OpenAI's fields.
// Our sampling fields are the same as elsewhere.

import * as z from 'zod/mini'
import type { ChatMessage, Json } from '../../../protocol/generation.ts'
import { IsletError } from '../../../lib/errors.ts'
import {
  emptyArray,
  ignored,
  jsonBounds,
  label,
  neutral,
  sharedFields,
  templateVariables,
  toolChoice,
  unsupported,
} from '../fields.ts'
import { entriesOf, objectLike, type JsonObject } from '../../../lib/json-value.ts'
import { written, type Written } from '../../../protocol/written.ts'
import { sentField, type ChangedFields } from '../../http/body.ts'
import { formatOf, structuredOutputs, textSettings } from '../answer-format.ts'
import { isletOrder } from '../islet-options.ts'
import { samplingOf, stopsOf, type Order } from '../order.ts'
import { MAX_TOOLS } from '../tools.ts'
import { atMost, bodySchema, preview, validate, worded } from '../../validate.ts'
import { inputMessages, inputSchema, resultsIn, type ResultPlace } from './input.ts'
import type { ResponseReply } from './object.ts'

/** OpenAI's limits of metadata: pairs, and characters of a name and of a value. */
const [MAX_PAIRS, MAX_NAME, MAX_TEXT] = [16, 64, 512]
const metadata = worded(
  atMost(
    MAX_PAIRS,
    z.nullish(z.record(z.string().check(z.maxLength(MAX_NAME)), z.string().check(z.maxLength(MAX_TEXT)))),
  ),
  'invalid_request',
  (value) =>
    `must be an object of at most ${MAX_PAIRS} strings of at most ${MAX_TEXT} characters, with names of at most ${MAX_NAME}, not ${preview(value)}`,
)

const tool = z.looseObject({
  type: z.literal('function'),
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  description: z.nullish(z.string()),
  parameters: z.nullish(z.record(z.string(), z.unknown())),
  strict: z.nullish(z.boolean()),
})

const {
  max_tokens: maxTokens,
  n: _n,
  stream_options: _options,
  verbosity: _verbosity,
  ...shared
} = sharedFields

/** The body of POST /v1/responses. */
export const responseSchema = bodySchema({
  ...shared,
  input: inputSchema,
  instructions: z.nullish(z.string()),
  max_output_tokens: maxTokens,
  previous_response_id: label(),
  background: z.nullish(z.boolean()),
  metadata,
  tools: z.nullish(z.array(tool).check(z.maxLength(MAX_TOOLS), ...jsonBounds())),
  tool_choice: toolChoice(),
  parallel_tool_calls: z.nullish(z.boolean()),
  chat_template_kwargs: templateVariables(),
  text: textSettings(),
  structured_outputs: structuredOutputs(),
  reasoning: neutral(
    '{"effort": "none"}',
    z.catchall(z.object({ effort: z.nullish(z.literal('none')) }), z.null()),
  ),
  // A client that keeps its own history asks for this always. No reasoning here is encrypted: there is nothing to include.
  include: neutral(
    '[] or ["reasoning.encrypted_content"]',
    z.array(z.literal('reasoning.encrypted_content')).check(z.maxLength(1)),
  ),
  top_logprobs: neutral('0', z.literal(0)),
  context_management: neutral('[]', emptyArray()),
  stream_options: z.nullish(z.strictObject({ include_obfuscation: z.nullish(z.literal(false)) })),
  // It limits built-in tools, of which there are none.
  max_tool_calls: ignored(),
  conversation: unsupported(),
  prompt: unsupported(),
  image: unsupported(),
  access_programs: unsupported(),
})

export type ResponseOrder = {
  /** All but the prompt, which needs the turn before. */
  order: Omit<Order, 'prompt'>
  input: ChatMessage[]
  /** The call that each result in the input answers, by its place. */
  results: ResultPlace[]
  instructions: string | undefined
  /** Functions in the form that chat templates know. */
  tools: Written<object>[]
  variables: Written<Record<string, unknown>> | undefined
  previous: string | undefined
  shown: ResponseReply['shown']
}

/**
 * Reads the body of POST /v1/responses.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseResponse(
  body: Record<string, unknown>,
  newSeed: () => number,
  changed: ChangedFields = new Map(),
): ResponseOrder {
  const fields = validate(responseSchema, body)
  const [stream, store, background] = [
    fields.stream ?? false,
    fields.store ?? true,
    fields.background ?? false,
  ]
  if (fields.stream_options !== undefined && !stream) throw refuse('stream_options', 'needs "stream": true')
  if (background && !store) throw refuse('background', 'needs "store": true: its answer is read later')
  const input = inputMessages(fields.input)
  if (input.length === 0) throw refuse('input', 'must have an item beside reasoning')
  const tools = fields.tools ?? []
  const sampling = samplingOf(fields, newSeed)
  return {
    order: {
      model: fields.model,
      stream,
      store,
      background,
      includeUsage: false,
      maxTokens: fields.max_output_tokens,
      stop: stopsOf(fields.stop),
      ...formatOf((name) => sentField(body, changed, name), stopsOf(fields.stop)),
      ignoreEos: fields.ignore_eos ?? false,
      truncation: fields.truncation ?? 'disabled',
      topLogprobs: undefined,
      ...isletOrder(fields.islet, false),
      echo: false,
      cacheKey: fields.prompt_cache_key,
      endUser: fields.user ?? fields.safety_identifier,
      sampling,
    },
    input,
    results: resultsIn(fields.input),
    instructions: fields.instructions,
    tools:
      fields.tool_choice === 'none' || tools.length === 0
        ? []
        : (sentField(body, changed, 'tools') as JsonObject[]).map(chatTool),
    variables:
      fields.chat_template_kwargs === undefined
        ? undefined
        : written(sentField(body, changed, 'chat_template_kwargs') as JsonObject),
    previous: fields.previous_response_id,
    shown: {
      instructions: fields.instructions ?? null,
      max_output_tokens: fields.max_output_tokens ?? null,
      max_tool_calls: null,
      metadata: fields.metadata ?? {},
      parallel_tool_calls: fields.parallel_tool_calls ?? true,
      previous_response_id: fields.previous_response_id ?? null,
      prompt_cache_key: fields.prompt_cache_key ?? null,
      reasoning: { effort: null, summary: null },
      safety_identifier: fields.safety_identifier ?? null,
      service_tier: 'default',
      store,
      temperature: sampling.temperature,
      text: { format: (fields.text?.format ?? { type: 'text' }) as Json },
      tool_choice: fields.tool_choice ?? 'auto',
      tools: tools.map((given) => ({ description: null, parameters: null, strict: null, ...given })) as Json,
      top_logprobs: 0,
      top_p: sampling.topP,
      truncation: fields.truncation ?? 'disabled',
      user: fields.user ?? null,
    },
  }
}

/** A flat function in the wrapper that templates know, with its fields in their places. */
function chatTool(given: JsonObject): Written<object> {
  const fields = entriesOf(given).filter(([key, value]) => key !== 'type' && value !== null)
  return written(
    objectLike(given, [
      ['type', 'function'],
      ['function', objectLike(given, fields)],
    ]),
  )
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
