// The schema of chat completions checks the body of POST /v1/chat/completions and makes an order of it.

import * as z from 'zod/mini'
import { IsletError } from '../../../lib/errors.ts'
import type { JsonObject } from '../../../lib/json-value.ts'
import { written } from '../../../protocol/written.ts'
import { sentField, type ChangedFields } from '../../http/body.ts'
import { bodySchema, validate } from '../../validate.ts'
import { responseFormat, structuredOutputs } from '../answer-format.ts'
import type { Asked } from '../dialect.ts'
import {
  emptyArray,
  integer,
  neutral,
  sharedFields,
  templateVariables,
  toolChoice,
  unsupported,
} from '../fields.ts'
import { isletOrder } from '../islet-options.ts'
import { sharedOrder, type Order } from '../order.ts'
import { checkResults } from '../tool-results.ts'
import { toolsAsSent, toolsSchema } from '../tools.ts'
import { messagesSchema, toChatMessages } from './messages.ts'
import type { ChatReply } from './writer.ts'

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
  response_format: responseFormat(),
  structured_outputs: structuredOutputs(),
  modalities: neutral('["text"]', z.array(z.literal('text')).check(z.length(1))),
  reasoning_effort: neutral('"none"', z.literal('none')),
  audio: unsupported(),
  prediction: unsupported(),
  web_search_options: unsupported(),
})

/**
 * Reads the body of POST /v1/chat/completions.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseChat(
  body: Record<string, unknown>,
  newSeed: () => number,
  changed: ChangedFields = new Map(),
): Order {
  const fields = validate(chatSchema, body)
  const tools = fields.tools ? toolsAsSent(sentField(body, changed, 'tools')) : []
  const messages = toChatMessages(sentField(body, changed, 'messages') as JsonObject[])
  checkResults(messages)
  if (fields.top_logprobs && fields.logprobs !== true) {
    throw new IsletError('invalid_request', 'top_logprobs needs "logprobs": true', { param: 'top_logprobs' })
  }
  return {
    ...sharedOrder(fields, newSeed, (name) => sentField(body, changed, name)),
    prompt: {
      kind: 'chat',
      messages,
      // A model that shall call nothing is told of nothing that it could call.
      ...(tools.length > 0 && fields.tool_choice !== 'none' && { tools }),
      ...(fields.chat_template_kwargs !== undefined && {
        variables: written(sentField(body, changed, 'chat_template_kwargs') as JsonObject),
      }),
    },
    maxTokens: fields.max_completion_tokens ?? fields.max_tokens,
    topLogprobs: fields.logprobs === true ? (fields.top_logprobs ?? 0) : undefined,
    ...isletOrder(fields.islet, fields.logprobs === true),
    echo: false,
  }
}

/** The same as what its dialect asks for: a body brings its whole prompt. */
export function askChat(...body: Parameters<typeof parseChat>): Asked<ChatReply> {
  const { prompt, ...order } = parseChat(...body)
  return { order, reply: { includeUsage: order.includeUsage }, prompt: () => Promise.resolve({ prompt }) }
}
