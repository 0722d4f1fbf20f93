// The schemas of /api/chat and /api/generate check bodies, which are then asked for in OpenAI's words.

import * as z from 'zod/mini'
import { IsletError } from '../../../lib/errors.ts'
import { jsonText, type JsonObject } from '../../../lib/json-value.ts'
import { sentField, type ChangedFields } from '../../http/body.ts'
import { bodySchema, validate } from '../../validate.ts'
import { parseChat } from '../chat/schema.ts'
import { parseCompletion } from '../completions/schema.ts'
import { askedOf, type Asked } from '../dialect.ts'
import { ignored, integer, neutral } from '../field-kinds.ts'
import { emptyArray, jsonBounds, sharedFields } from '../fields.ts'
import { toolsSchema } from '../tools.ts'
import { chatMessages, images, messagesSchema } from './messages.ts'
import { ollamaPlace, optionFields, optionsSchema } from './options.ts'
import type { OllamaReply } from './writer.ts'

const thought = 'must be a boolean, "low", "medium" or "high"'
const schemaOrJson = 'must be "json" or a JSON Schema'

const shared = () => ({
  model: sharedFields.model,
  stream: z.nullish(z.boolean()),
  format: z.nullish(
    z.union([z.enum(['json', '']), z.record(z.string(), z.unknown()).check(...jsonBounds())], schemaOrJson),
  ),
  options: optionsSchema(),
  think: z.nullish(z.union([z.boolean(), z.enum(['low', 'medium', 'high'])], thought)),
  logprobs: z.nullish(z.boolean()),
  top_logprobs: z.nullish(integer(0, 20)),
  // A lane keeps what it has room for; nobody can ask for more.
  keep_alive: ignored(),
})

/** The body of POST /api/chat. */
export const chatBody = bodySchema(() => ({
  ...shared(),
  messages: messagesSchema(),
  tools: z.nullish(toolsSchema()),
}))

/** The body of POST /api/generate. */
export const generateBody = bodySchema(() => ({
  ...shared(),
  prompt: z.string(),
  system: z.nullish(z.string()),
  suffix: z.nullish(z.string()),
  raw: z.nullish(z.boolean()),
  images: images(),
  // Ollama's templates are Go's, and its context is of a model's ids: the model's own template and messages are read.
  template: neutral('""', z.literal('')),
  context: neutral('[]', emptyArray()),
}))

type Body = Parameters<typeof parseChat>
type Sent = (name: string) => unknown
type Shared = { logprobs?: boolean; top_logprobs?: number; keep_alive?: unknown; think?: boolean | string }

/**
 * Reads the body of POST /api/chat.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function askChat(...[body, newSeed, changed = new Map()]: Body): Asked<OllamaReply> {
  const fields = validate(chatBody, body)
  const sent: Sent = (name) => sentField(body, changed, name)
  const said = {
    ...saidAlike(fields, sent),
    messages: chatMessages(sent('messages') as JsonObject[]),
    tools: fields.tools === undefined ? undefined : sent('tools'),
  }
  return askedInChat(fields, said, sent, newSeed)
}

/**
 * Reads the body of POST /api/generate: a question of one message, or with `raw` or `suffix` a text that goes on.
 * @throws IsletError as askChat does.
 */
export function askGenerate(...[body, newSeed, changed = new Map()]: Body): Asked<OllamaReply> {
  const fields = validate(generateBody, body)
  const sent: Sent = (name) => sentField(body, changed, name)
  const { prompt, system, suffix } = fields
  if (fields.raw !== true && !suffix) {
    const messages = [
      ...(system ? [{ role: 'system', content: system }] : []),
      { role: 'user', content: prompt },
    ]
    return askedInChat(fields, { ...saidAlike(fields, sent), messages }, sent, newSeed)
  }
  if (system) throw refuse('system', 'is part of no text that goes on: leave raw and suffix out')
  const { chat_template_kwargs: _, ...plain } = saidAlike(fields, sent)
  const parsed = inOllamasWords(() => parseCompletion(...exactBody({ ...plain, prompt, suffix }, newSeed)))
  // Without a number it goes on until the model ends.
  const maxTokens = plain['max_tokens'] === undefined ? undefined : parsed.order.maxTokens
  return asked({ ...parsed, order: { ...parsed.order, maxTokens } }, fields, sent)
}

function askedInChat(fields: Shared, said: object, sent: Sent, newSeed: Body[1]): Asked<OllamaReply> {
  return asked(
    inOllamasWords(() => parseChat(...exactBody(said, newSeed))),
    fields,
    sent,
  )
}

/** The order with what OpenAI's bodies say otherwise. */
function asked(
  { order, reply }: ReturnType<typeof parseChat> | ReturnType<typeof parseCompletion>,
  { logprobs, top_logprobs: top, keep_alive }: Shared,
  sent: Sent,
): Asked<OllamaReply> {
  if (top && logprobs !== true) throw refuse('top_logprobs', 'needs "logprobs": true')
  const inVain = [
    ...(reply.ignored ?? []),
    ...optionFields(sent('options')).ignored,
    ...(keep_alive === undefined ? [] : ['keep_alive']),
  ]
  return askedOf({
    order: {
      ...order,
      topLogprobs: logprobs === true ? (top ?? 0) : undefined,
      ...(order.grammar !== undefined && { grammarParam: 'format' }),
    },
    reply: inVain.length > 0 ? { ignored: inVain } : {},
  })
}

/** What chats and texts have in common, in OpenAI's words. A stream is what is usual. */
function saidAlike(
  { stream, think, format }: Shared & { stream?: boolean; format?: unknown },
  sent: Sent,
): Record<string, unknown> {
  const schema =
    typeof format === 'object' ? { type: 'json_schema', json_schema: { schema: sent('format') } } : undefined
  return {
    model: sent('model') ?? undefined,
    stream: stream ?? true,
    ...Object.fromEntries(optionFields(sent('options')).fields),
    response_format: schema ?? (format === 'json' ? { type: 'json_object' } : undefined),
    chat_template_kwargs: think === undefined ? undefined : { enable_thinking: think !== false },
  }
}

/** A body that may hold exact values, as a reader of bodies has it: plain, with the texts of what that changes. */
function exactBody(fields: object, newSeed: Body[1]): Required<Body> {
  const body: Record<string, unknown> = {}
  const changed = new Map<string, string>() satisfies ChangedFields
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const text = jsonText(value)
    body[name] = JSON.parse(text)
    if (JSON.stringify(body[name]) !== text) changed.set(name, text)
  }
  return [body, newSeed, changed]
}

/** Errors name what the client wrote. */
function inOllamasWords<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof IsletError) || error.param === undefined) throw error
    const { param, message } = error
    const place = ollamaPlace(param)
    const says = message.startsWith(param) ? place + message.slice(param.length) : message
    throw new IsletError(error.code, says, { param: place, cause: error })
  }
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
