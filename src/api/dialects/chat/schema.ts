// The schema of chat completions checks the body of POST /v1/chat/completions and makes an order of it.

import * as z from 'zod/mini'
import { IsletError } from '../../../lib/errors.ts'
import type { JsonObject } from '../../../lib/json-value.ts'
import { written } from '../../../protocol/written.ts'
import { sentField, type ChangedFields } from '../../http/body.ts'
import { bodySchema, validate } from '../../validate.ts'
import { responseFormat, structuredOutputs } from '../answer-format.ts'
import { askedOf, type Asked, type ParsedBody } from '../dialect.ts'
import { integer, neutral, unsupported } from '../field-kinds.ts'
import { effort, sharedFields, templateVariables } from '../fields.ts'
import { ignoredIn } from '../ignored.ts'
import { isletOrder } from '../islet-options.ts'
import { mostTokens, sharedOrder, stopsOf, type BodyOrder } from '../order.ts'
import {
  callingOf,
  chatToolChoice,
  functionCall,
  functionChoice,
  wrappedChoice,
  type Calling,
} from '../tool-choice.ts'
import { checkResults } from '../tool-results.ts'
import { functionsSchema, toolsAsSent, toolsSchema, wrappedFunctions } from '../tools.ts'
import { messagesSchema, toChatMessages } from './messages.ts'
import type { ChatReply } from './writer.ts'

/** The body of POST /v1/chat/completions. */
export const chatSchema = bodySchema(() => ({
  ...sharedFields,
  messages: messagesSchema(),
  max_completion_tokens: sharedFields.max_tokens,
  logprobs: z.nullish(z.boolean()),
  top_logprobs: z.nullish(integer(0, 20)),
  tools: z.nullish(toolsSchema()),
  tool_choice: chatToolChoice(),
  parallel_tool_calls: z.nullish(z.boolean()),
  chat_template_kwargs: templateVariables(),
  functions: z.nullish(functionsSchema()),
  function_call: functionCall(),
  response_format: responseFormat(),
  structured_outputs: structuredOutputs(),
  modalities: neutral('["text"]', z.array(z.literal('text')).check(z.length(1))),
  reasoning_effort: z.nullish(effort()),
  audio: unsupported(),
  prediction: unsupported(),
  web_search_options: unsupported(),
}))

type ChatFields = ReturnType<typeof validate<typeof chatSchema>>

/**
 * Reads the body of POST /v1/chat/completions.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseChat(
  body: Record<string, unknown>,
  newSeed: () => number,
  changed: ChangedFields = new Map(),
): ParsedBody<ChatReply> {
  const fields = validate(chatSchema, body)
  const sent = (name: string): unknown => sentField(body, changed, name)
  const functions = (fields.functions ?? []).length > 0
  const { rule, told, exact } = functions ? functionCalling(fields) : toolCalling(fields)
  const messages = toChatMessages(sent('messages') as JsonObject[])
  checkResults(messages)
  if (fields.top_logprobs && fields.logprobs !== true) throw refuse('top_logprobs', 'needs "logprobs": true')
  const order: BodyOrder = {
    ...sharedOrder(fields, newSeed, sent, rule),
    prompt: {
      kind: 'chat',
      messages,
      // A model that shall call nothing is told of nothing that it could call.
      ...(told && {
        tools: functions
          ? wrappedFunctions(sent('functions') as JsonObject[])
          : toolsAsSent(sent('tools') as JsonObject[]),
      }),
      ...(fields.chat_template_kwargs !== undefined && {
        variables: written(sent('chat_template_kwargs') as JsonObject),
      }),
    },
    maxTokens: fields.max_completion_tokens ?? mostTokens(fields),
    topLogprobs: fields.logprobs === true ? (fields.top_logprobs ?? 0) : undefined,
    ...isletOrder(fields.islet, fields.logprobs === true),
    echo: false,
    ...placesOf(functions, fields.max_completion_tokens !== undefined),
  }
  const reply = {
    includeUsage: order.includeUsage,
    ...(functions && { functions: true as const }),
    ...(exact && { named: true as const }),
    ...ignoredIn(fields, sent, rule),
  }
  return { order, reply }
}

/** Errors name what the client wrote, which chat completions have two spellings of. */
function placesOf(functions: boolean, completion: boolean): Pick<BodyOrder, 'places'> {
  if (!functions && !completion) return {}
  return {
    places: {
      ...(functions && { functions: 'functions' }),
      ...(completion && { maxTokens: 'max_completion_tokens' }),
    },
  }
}

function toolCalling({ tools, tool_choice, function_call, ...fields }: ChatFields): Calling {
  const named = functionChoice(function_call)
  if (named.exact === true) throw refuse('function_call', 'names a function, but there are no functions')
  return callingOf({
    field: 'tool_choice',
    list: 'tools',
    offered: (tools ?? []).map((tool) => tool.function.name),
    nameAt: 'function.name',
    choice: wrappedChoice(tool_choice),
    single: fields.parallel_tool_calls === false,
    stop: stopsOf(fields.stop),
  })
}

/** The old spelling has room for one call. */
function functionCalling({ functions, function_call, tools, tool_choice, stop }: ChatFields): Calling {
  if ((tools ?? []).length > 0)
    throw refuse('functions', 'must not be given beside tools: leave one of them out')
  const choice = wrappedChoice(tool_choice)
  if (choice.mode === 'required' || choice.names !== undefined)
    throw refuse('tool_choice', 'is of tools; the choice among functions is function_call')
  return callingOf({
    field: 'function_call',
    list: 'functions',
    offered: (functions ?? []).map(({ name }) => name),
    nameAt: 'name',
    choice: functionChoice(function_call),
    single: true,
    stop: stopsOf(stop),
  })
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}

/** The same as what its dialect asks for: a body brings its whole prompt. */
export function askChat(...body: Parameters<typeof parseChat>): Asked<ChatReply> {
  return askedOf(parseChat(...body))
}
