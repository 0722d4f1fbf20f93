// The schema of Messages checks the body of POST /v1/messages and makes an order of it.

import * as z from 'zod/mini'
import type { JsonObject } from '../../../lib/json-value.ts'
import type { GenerateRequest } from '../../../protocol/generation.ts'
import { written } from '../../../protocol/written.ts'
import { sentField, type ChangedFields } from '../../http/body.ts'
import { bodySchema, validate, type Given } from '../../validate.ts'
import { outputConfig } from '../answer-format.ts'
import type { ParsedBody } from '../dialect.ts'
import { ignored, integer, neutral, unsupported } from '../field-kinds.ts'
import { label, sharedFields, stopStrings, templateVariables } from '../fields.ts'
import { ignoredIn } from '../ignored.ts'
import { isletOrder } from '../islet-options.ts'
import { formOf } from '../order.ts'
import { saidOf, samplingOf } from '../sampling-fields.ts'
import { callingOf, typedChoice, typedToolChoice, type Calling } from '../tool-choice.ts'
import { inputToolsSchema, schemaFunctions } from '../tools.ts'
import { chatMessages, messageList, textBlocks } from './messages.ts'
import type { MessageReply } from './writer.ts'

/** As Anthropic documents none, what the other dialects take at most. */
const MAX_STOPS = 16

const thinking = () =>
  z.discriminatedUnion('type', [
    z.looseObject({ type: z.enum(['disabled', 'adaptive', 'between_tools']) }),
    z.looseObject({ type: z.literal('enabled'), budget_tokens: integer(1, Number.MAX_SAFE_INTEGER) }),
  ])

/** The fields that a prompt comes of, and those beside them that a count of its tokens is sent with too. */
export const promptFields = () => ({
  model: sharedFields.model,
  messages: messageList(),
  system: z.nullish(textBlocks()),
  tools: z.nullish(inputToolsSchema()),
  tool_choice: typedToolChoice(),
  chat_template_kwargs: templateVariables(),
  output_config: outputConfig(),
  thinking: z.nullish(thinking()),
  cache_control: ignored(),
  // There is one speed.
  speed: neutral('"standard"', z.literal('standard')),
  context_management: unsupported(),
  mcp_servers: unsupported(),
  user_profile_id: unsupported(),
})

const {
  n: _n,
  stop: _stop,
  stream_options: _options,
  user: _user,
  n_predict: _predict,
  safety_identifier: _safety,
  verbosity: _verbosity,
  moderation: _moderation,
  prompt_cache_retention: _retention,
  prompt_cache_options: _cacheOptions,
  ...shared
} = sharedFields

/** The body of POST /v1/messages. */
export const messagesSchema = bodySchema(() => ({
  ...shared,
  ...promptFields(),
  max_tokens: integer(1, Number.MAX_SAFE_INTEGER),
  stop_sequences: z.nullish(stopStrings(MAX_STOPS)),
  metadata: z.nullish(z.looseObject({ user_id: label() })),
  container: unsupported(),
  diagnostics: unsupported(),
  inference_geo: unsupported(),
  fallbacks: unsupported(),
}))

/** Checked fields that a prompt comes of. */
export type PromptFields = Given<z.output<z.ZodMiniObject<ReturnType<typeof promptFields>>>>

type ChatPrompt = Extract<GenerateRequest['prompt'], { kind: 'chat' }>

/**
 * The prompt of a checked body, and what its answer may call. `sent` gives fields as they were written, `stop` are the strings
 * that end the answer.
 * @throws IsletError with `param`, for messages, tools and choices that do not go together.
 */
export function promptOf(
  fields: PromptFields,
  sent: (name: string) => unknown,
  stop: readonly string[] = [],
): { prompt: ChatPrompt; calling: Calling } {
  const calling = callingOf({
    field: 'tool_choice',
    list: 'tools',
    offered: (fields.tools ?? []).map(({ name }) => name),
    nameAt: 'name',
    ...typedChoice(fields.tool_choice),
    stop,
    stopField: 'stop_sequences',
  })
  return {
    prompt: {
      kind: 'chat',
      messages: chatMessages(sent('system'), sent('messages') as JsonObject[]),
      ...(calling.told && { tools: schemaFunctions(sent('tools') as JsonObject[]) }),
      ...(fields.chat_template_kwargs !== undefined && {
        variables: written(sent('chat_template_kwargs') as JsonObject),
      }),
    },
    calling,
  }
}

/**
 * Reads the body of POST /v1/messages.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseMessages(
  body: Record<string, unknown>,
  newSeed: () => number,
  changed: ChangedFields = new Map(),
): ParsedBody<MessageReply> {
  const fields = validate(messagesSchema, body)
  const sent = (name: string): unknown => sentField(body, changed, name)
  const stop = fields.stop_sequences ?? []
  const { prompt, calling } = promptOf(fields, sent, stop)
  return {
    order: {
      model: fields.model,
      prompt,
      stream: fields.stream ?? false,
      store: fields.store ?? true,
      background: false,
      includeUsage: false,
      maxTokens: fields.max_tokens,
      stop,
      ...formOf(sent, stop, calling.rule, 'stop_sequences'),
      ignoreEos: fields.ignore_eos ?? false,
      truncation: fields.truncation ?? 'disabled',
      topLogprobs: undefined,
      ...isletOrder(fields.islet, false),
      echo: false,
      places: { functions: 'tools', parameters: 'input_schema' },
      cacheKey: fields.prompt_cache_key,
      endUser: fields.metadata?.user_id ?? undefined,
      sampling: samplingOf(fields, newSeed),
      said: saidOf(fields),
    },
    reply: { maxTokens: fields.max_tokens, ...ignoredIn(fields, sent, calling.rule) },
  }
}
