// The schema of run checks inputs of Workers AI, which are then asked for in the words of OpenAI's bodies.

import * as z from 'zod/mini'
import { IsletError } from '../../../lib/errors.ts'
import { bodySchema, validate } from '../../validate.ts'
import { parseChat } from '../chat/schema.ts'
import { parseCompletion } from '../completions/schema.ts'
import { askedOf, type Asked } from '../dialect.ts'
import { unsupported } from '../field-kinds.ts'
import { jsonBounds } from '../fields.ts'
import { FORMS, type RunReply } from './writer.ts'

const schemaWords = 'must be an object with a type, and for "json_schema" the schema itself as json_schema'
const schema = () => z.record(z.string(), z.unknown()).check(...jsonBounds())

/** Inputs that OpenAI's bodies have not, or otherwise; all others are those of chat completions. */
export const runSchema = bodySchema(() => ({
  prompt: z.nullish(z.string()),
  raw: z.nullish(z.boolean()),
  messages: z.optional(z.unknown()),
  response_format: z.nullish(
    z.looseObject({ type: z.string(), json_schema: z.nullish(schema()) }, schemaWords),
  ),
  guided_json: z.nullish(schema()),
  tools: z.nullish(z.array(z.looseObject({}))),
  lora: unsupported(),
  functions: unsupported(),
  /** Put there by the binding alone. */
  form: z.optional(z.enum(FORMS)),
  ignored: z.optional(z.array(z.string())),
}))

type Format = { type: string; json_schema?: Record<string, unknown> | null }

/**
 * Reads the inputs of a run, with its model.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function askRun(body: Record<string, unknown>, newSeed: () => number): Asked<RunReply> {
  const { shape } = runSchema._zod.def
  const [own, rest] = [true, false].map((isOwn) =>
    Object.fromEntries(Object.entries(body).filter(([name]) => Object.hasOwn(shape, name) === isOwn)),
  )
  const fields = validate(runSchema, own)
  const { prompt, raw, messages, guided_json: guided, tools, form = 'native', ignored = [] } = fields
  if ((prompt === undefined) === (messages === undefined))
    throw refuse('messages', 'or prompt is required, and only one of them')
  const said = {
    ...rest,
    ...(fields.response_format && { response_format: openAiFormat(fields.response_format) }),
    ...(guided && { structured_outputs: { json: guided } }),
    ...(tools && { tools: tools.map(wrappedTool) }),
  }
  const { order, reply } =
    raw === true && prompt !== undefined
      ? parseCompletion({ ...said, prompt }, newSeed)
      : parseChat({ ...said, messages: messages ?? [{ role: 'user', content: prompt }] }, newSeed)
  if ((order.choices ?? 1) > 1 && order.stream && form === 'native')
    throw refuse('n', "is for whole replies and for OpenAI's chunks: a native stream has one answer")
  const inVain = [...ignored, ...(reply.ignored ?? [])]
  return askedOf({
    order: {
      ...order,
      // A text goes on until the model ends, as a chat does.
      ...(rest['max_tokens'] === undefined && raw === true && { maxTokens: undefined }),
      ...(order.grammarParam?.startsWith('response_format.') === true && {
        grammarParam: 'response_format.json_schema',
      }),
    },
    reply: {
      form,
      ...(order.grammar?.kind.startsWith('json') === true && { json: true as const }),
      ...('named' in reply && reply.named === true && { named: true as const }),
      ...(inVain.length > 0 && { ignored: inVain }),
    },
  })
}

/** Workers AI takes the schema itself; OpenAI's wrapper with a name is known by what is in it. */
function openAiFormat({ json_schema: given, ...format }: Format): object {
  if (!given) return format
  const isWrapped = typeof given['schema'] === 'object' && !('type' in given) && !('properties' in given)
  return { ...format, json_schema: isWrapped ? given : { schema: given } }
}

/** The old form of a tool has no wrapper. */
function wrappedTool(tool: Record<string, unknown>): object {
  return 'name' in tool && !('function' in tool) ? { type: 'function', function: tool } : tool
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
